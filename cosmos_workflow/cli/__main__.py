"""The door of the command line; ``python -m cosmos_workflow.cli`` goes through it too."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; Ctrl-C while it is still loading is no traceback either."""
    try:
        from cosmos_workflow.cli.app import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())

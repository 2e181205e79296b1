"""``python -m cosmos_workflow.main``: the same commands."""

from __future__ import annotations

import sys

from cosmos_workflow.cli.__main__ import main

if __name__ == "__main__":
    sys.exit(main())

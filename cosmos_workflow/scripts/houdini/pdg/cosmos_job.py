"""What a work item of PDG runs: ``cosmos_houdini.job``, which says how it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1] / "scripts" / "python")
    sys.exit(import_module("cosmos_houdini.job").main(sys.argv[1:]))

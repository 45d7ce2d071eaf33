"""`python -m lrmonitor`: the same as the command `lrmonitor`."""

from __future__ import annotations

import sys

from lrmonitor.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m virality_core`: the command line."""

import sys

from virality_core.cli import main

if __name__ == "__main__":
    sys.exit(main())

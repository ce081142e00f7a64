"""`python -m virality_core`: the command line."""

import sys

from virality_core.cli import main

sys.exit(main())

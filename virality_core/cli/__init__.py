"""The command line: `virality COMMAND …` or `python -m virality_core COMMAND …`.

Exit codes: 0 done, 2 wrong arguments, 3 the input can't be scored. Errors are one plain sentence on stderr.
"""

from virality_core.cli.main import main

__all__ = ["main"]

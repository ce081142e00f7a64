"""The command line: `virality COMMAND …` or `python -m virality_core COMMAND …`, one file a command group.

Exit codes: 0 done, 2 bad use, 3 the input can't be scored; errors are one plain sentence on stderr.
"""

from virality_core.cli.main import main

__all__ = ["main"]

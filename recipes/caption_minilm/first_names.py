"""First names often seen in tweets: training swaps them, and the behaviour tests swap them for others."""

from __future__ import annotations

_NAMES_TEXT = """
Adam Alex Amy Andrew Anna Ashley Ben Beyonce Bill Bob Brad Brian Carly Charlie Chris Dan Daniel David Donald
Drake Ed Emma Eric Frank Gary George Greg Hannah Harry Hillary Jack James Jason Jay Jen Jeff Jim Joe John Jon
Josh Justin Kanye Kate Katy Kevin Kim Kyle Lady Larry Laura Liam Louis Luke Madonna Mark Martin Mary Matt
Michael Michelle Mike Miley Naruto Nash Niall Nick Nicki Paul Peter Rob Rick Roger Ryan Sam Sarah Scott Sean
Serena Shawn Steve Taylor Tim Tom Tony Tyler Will Zayn
"""
NAMES = _NAMES_TEXT.split()

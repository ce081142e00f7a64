"""The page's parts, one a file: a Report in, what is shown out."""

import os

# The server shares its cores with the visitor's browser, or with its host's other guests. Threads that spin while they
# wait for each other, OpenMP's default, then stand in each other's way: with both cores of a machine busy, scoring a
# 4 s clip took 39 to 56 s, and 3 to 7 s with threads that sleep. OpenMP reads this once, when torch is first imported,
# and every page imports this package before it imports torch.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

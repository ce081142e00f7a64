"""The parts of the pages. Most show one section of a Report."""

import os

# OpenMP's threads spin by default while they wait for each other, and that costs time where cores are shared: with both
# cores of a machine busy, a 4 s clip took 39 to 56 s to score, and 3 to 7 s with threads that sleep. OpenMP reads this
# once, when torch is first imported; every page imports this package before torch.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

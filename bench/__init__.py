"""Measurements anyone can repeat: `make bench` writes what README and the model cards quote into bench/results/."""

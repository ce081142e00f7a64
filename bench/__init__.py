"""Speed and memory: `make bench` and the other commands here write to bench/results/."""

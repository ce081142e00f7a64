"""`python -m bench`: time and memory of score_reel on the bench reel, compared with a plain decode.

Times are ratios to `ffmpeg -i reel -map 0:v -f null -` (imageio-ffmpeg's binary) run in turn with the scoring, so that
a noisy machine slows both; medians of several rounds. Memory is the peak above what the imports take, the median of as
many processes.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from pathlib import Path
from typing import Any

from bench.measure import HERE, in_own_process, write_result
from bench.reel import bench_reel

LENGTHS_SECONDS = (30, 90)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "score.json", metavar="FILE")
    args = parser.parse_args()
    reels: dict[str, dict[str, Any]] = {}
    for seconds in LENGTHS_SECONDS:
        path = bench_reel(seconds)
        # Threads that meet differently make one run differ from the next.
        peaks = sorted(in_own_process("memory", path)["peak_mb"] for _ in range(args.rounds))
        times = in_own_process("time", path, args.rounds)
        memory = {"peak_mb": statistics.median(peaks), "peaks_mb": peaks}
        reels[str(seconds)] = {"bytes": path.stat().st_size, **times, **memory}
        print(f"{seconds} s reel: {times['ratio']:.3f} of a decode, {memory['peak_mb']:.0f} MB")
    short, long = (reels[str(seconds)] for seconds in LENGTHS_SECONDS)
    result = {
        "command": "python -m bench",
        "machine": {"cpus": os.cpu_count(), "processor": _processor(), "python": platform.python_version()},
        "rounds": args.rounds,
        "reels": reels,
        "long_to_short": long["score_seconds"] / short["score_seconds"],
        "peak_difference_mb": long["peak_mb"] - short["peak_mb"],
    }
    write_result(args.json, result)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    main()

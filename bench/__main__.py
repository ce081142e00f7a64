"""`python -m bench`: how long score_reel takes beside a plain decode, and how much memory, on the drawn bench reel.

Times are ratios to `ffmpeg -i reel -map 0:v -f null -` (imageio-ffmpeg's binary) run in turn with the scoring, so that
a noisy machine slows both; medians of several rounds. Memory is the peak above what the imports alone take, the
median of as many processes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import reel

HERE = Path(__file__).resolve().parent
LENGTHS_SECONDS = (30, 90)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "score.json", metavar="FILE")
    args = parser.parse_args()
    reels = {seconds: _bench_reel(seconds) for seconds in LENGTHS_SECONDS}
    result: dict[str, Any] = {
        "command": "python -m bench",
        "machine": {"cpus": os.cpu_count(), "processor": _processor(), "python": platform.python_version()},
        "rounds": args.rounds,
        "reels": {},
    }
    for seconds, path in reels.items():
        memory = _memory(path, args.rounds)
        times = json.loads(_in_a_process("time", path, "--rounds", str(args.rounds)))
        result["reels"][str(seconds)] = {"bytes": path.stat().st_size, **times, **memory}
    short, long = (result["reels"][str(seconds)] for seconds in LENGTHS_SECONDS)
    result["long_to_short"] = long["score_seconds"] / short["score_seconds"]
    result["peak_difference_mb"] = long["peak_mb"] - short["peak_mb"]
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(result, indent=1) + "\n")
    print(_table(result))
    print(f"Written to {args.json}")


def _bench_reel(seconds: int) -> Path:
    path = HERE / "out" / f"reel-{seconds}s.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"Drawing the {seconds} s bench reel (once) …")
        reel.write(path, seconds=seconds)
    return path


def _memory(path: Path, rounds: int) -> dict[str, Any]:
    """The median peak of several processes: threads that meet differently make one run differ from the next."""
    peaks = sorted(json.loads(_in_a_process("memory", path))["peak_mb"] for _ in range(rounds))
    return {"peak_mb": statistics.median(peaks), "peaks_mb": peaks}


def _in_a_process(what: str, path: Path, *more: str) -> str:
    """Run a measurement alone, so that no earlier one warms or bloats it."""
    command = [sys.executable, "-m", "bench.measure", what, str(path), *more]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE.parent).stdout


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def _table(result: dict[str, Any]) -> str:
    lines = [f"{'reel':>6} {'ffmpeg s':>9} {'score s':>9} {'ratio':>7} {'peak MB':>8}"]
    for seconds, row in result["reels"].items():
        lines.append(
            f"{seconds + ' s':>6} {row['ffmpeg_seconds']:9.2f} {row['score_seconds']:9.2f} "
            f"{row['ratio']:7.3f} {row['peak_mb']:8.0f}"
        )
        lines += [f"{'':>8}{stage:<12}{spent:8.3f} s" for stage, spent in row["stages"].items()]
    lines.append(f"90 s reel to 30 s reel: {result['long_to_short']:.2f} ×, {result['peak_difference_mb']:+.0f} MB")
    return "\n".join(lines)


if __name__ == "__main__":
    start = time.perf_counter()
    main()
    print(f"({time.perf_counter() - start:.0f} s)")

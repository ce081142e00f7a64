"""One measurement in a process of its own: `python -m bench.measure time|memory REEL`, JSON on stdout."""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("time", "memory"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(json.dumps(measure_time(args.path, args.rounds) if args.what == "time" else measure_memory(args.path)))


def measure_time(path: Path, rounds: int) -> dict[str, object]:
    """Seconds of a plain decode and of warm scoring, in turn; medians, the median ratio, and the stages' medians."""
    from virality_core.pipeline import load_scorers, score_reel

    scorers = load_scorers("lite", device="cpu")
    score_reel(path, scorers=scorers)  # warm
    decodes, scorings, stages = [], [], []
    for _ in range(rounds):
        decodes.append(decode_seconds(path))
        start = time.perf_counter()
        report = score_reel(path, scorers=scorers)
        scorings.append(time.perf_counter() - start)
        stages.append(report.timings)
    return {
        "ffmpeg_seconds": statistics.median(decodes),
        "score_seconds": statistics.median(scorings),
        "ratio": statistics.median(score / decode for score, decode in zip(scorings, decodes, strict=True)),
        "stages": {stage: statistics.median(run[stage] for run in stages) for stage in stages[0]},
    }


def decode_seconds(path: Path) -> float:
    """Wall-clock seconds of ffmpeg decoding every frame of the video stream and dropping it."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:v", "-f", "null", "-"]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def measure_memory(path: Path) -> dict[str, float]:
    """Peak resident memory of a first scoring, weights included, above what the imports take; in MB (10⁶ bytes)."""
    from virality_core.pipeline import load_scorers, score_reel

    imported = _status_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # start the high-water mark anew
    score_reel(path, scorers=load_scorers("lite", device="cpu"))
    return {"imports_mb": imported, "peak_mb": _status_mb("VmHWM") - imported}


def _status_mb(field: str) -> float:
    match = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match is not None
    return int(match.group(1)) * 1024 / 1e6


if __name__ == "__main__":
    main()

"""One measurement in its own process, which nothing before it warms or bloats.

`python -m bench.measure time|memory|vsfa REEL` writes JSON to standard output.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.measure", description=__doc__)
    parser.add_argument("what", choices=("time", "memory", "vsfa"))
    parser.add_argument("reel", type=Path)
    parser.add_argument("--count", type=int, default=5, help="rounds of time, frames per batch of vsfa")
    args = parser.parse_args()
    if args.what == "memory":
        result = scoring_memory(args.reel)
    else:
        result = (scoring_time if args.what == "time" else vsfa_memory)(args.reel, args.count)
    print(json.dumps(result))


def in_own_process(what: str, reel: Path, count: int = 5) -> dict[str, Any]:
    """The result of one measurement."""
    command = [sys.executable, "-m", "bench.measure", what, str(reel), "--count", str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE.parent)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Write a result as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"Written to {path}")


def scoring_time(reel: Path, rounds: int) -> dict[str, object]:
    """Seconds of a plain decode and of scoring with loaded models, alternating: medians, and the median ratio."""
    from virality_core.pipeline import load_scorers, score_reel

    scorers = load_scorers("lite", device="cpu")
    score_reel(reel, scorers=scorers)  # warm up
    decodes, scorings, stages = [], [], []
    for _ in range(rounds):
        decodes.append(decode_seconds(reel))
        start = time.perf_counter()
        report = score_reel(reel, scorers=scorers)
        scorings.append(time.perf_counter() - start)
        stages.append(report.timings)
    return {
        "ffmpeg_seconds": statistics.median(decodes),
        "score_seconds": statistics.median(scorings),
        "ratio": statistics.median(score / decode for score, decode in zip(scorings, decodes, strict=True)),
        "stages": {stage: statistics.median(run[stage] for run in stages) for stage in stages[0]},
    }


def decode_seconds(reel: Path) -> float:
    """Wall seconds for ffmpeg to decode every frame of the video stream and drop it."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(reel), "-map", "0:v", "-f", "null", "-"]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def scoring_memory(reel: Path) -> dict[str, object]:
    """Peak memory of a first scoring above what the imports take, weights included; in MB (10⁶ bytes)."""
    from virality_core.pipeline import load_scorers, score_reel

    imports = _reset_peak()
    score_reel(reel, scorers=load_scorers("lite", device="cpu"))
    return {"imports_mb": imports, "peak_mb": _status_mb("VmHWM") - imports}


def vsfa_memory(reel: Path, frames: int) -> dict[str, object]:
    """Peak memory in MB above the imports, with two batches decoded and the first `frames` of each rated."""
    from torchvision.models import resnet50

    from virality_core.media.decoding.frame_sampler import every_frame
    from virality_core.models.vision import vsfa
    from virality_core.types import no_progress

    imports = _reset_peak()
    network = vsfa.build_features(resnet50(weights=None).state_dict())
    rated = 0
    for batch in islice(every_frame(reel, progress=no_progress), 2):
        vsfa.features_of(network, batch.rgb[:frames])
        rated += min(frames, len(batch))
    return {"frames": rated, "peak_mb": _status_mb("VmHWM") - imports}


def _reset_peak() -> float:
    """Start a new peak of resident memory; returns the MB in use."""
    resident = _status_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    return resident


def _status_mb(field: str) -> float:
    match = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match is not None
    return int(match.group(1)) * 1024 / 1e6


if __name__ == "__main__":
    main()

"""`python -m bench.quality`: the memory VSFA needs on a 60 s reel of 1080 × 1920, the reference's demo and ours.

The demo of lidq92/VSFA reads the whole video as uint8 and beside it as float32 before the first frame is judged: that
is computed, nobody has the memory to run it. Ours is measured in a process of its own on the drawn bench reel, every
frame at native size: two batches are decoded and the first `--frames` of each are judged, one pass after the other.
More batches and passes take the place of earlier ones and add their features alone, 16 KB a frame, which are added for
60 s. The weights are random: memory does not hang on them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS, FRAME_RATE, WIDTH, HEIGHT = 60, 30, 1080, 1920
FEATURE_BYTES = 4096 * 4


def demo_bytes() -> int:
    """What the reference's demo holds at once: each value as uint8 and as float32."""
    return SECONDS * FRAME_RATE * WIDTH * HEIGHT * 3 * (1 + 4)


def measure(path: Path, frames: int) -> dict[str, float]:
    """Peak resident memory in MB (10⁶ bytes) above the imports, weights included, and the frames judged."""
    from torchvision.models import resnet50

    from bench.measure import _status_mb
    from virality_core.media.decoding.every_frame import every_frame
    from virality_core.models.vision import vsfa

    imported = _status_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # start the high-water mark anew
    network = vsfa.build_features(resnet50(weights=None).state_dict())
    judged = 0
    for batch in islice(every_frame(path, progress=lambda _stage, _fraction: None), 2):
        vsfa.features_of(network, batch.rgb[:frames])
        judged += min(frames, len(batch))
    return {"frames": judged, "peak_mb": _status_mb("VmHWM") - imported}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--reel", type=Path, default=HERE / "out" / "reel-30s.mp4", help="from `python -m bench`")
    parser.add_argument("--frames", type=int, default=2)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "quality.json", metavar="FILE")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.reel, args.frames)))
        return
    command = [sys.executable, "-m", "bench.quality", "--measure", "--reel", str(args.reel)]
    command += ["--frames", str(args.frames)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE.parent)
    measured = json.loads(ran.stdout)
    features_mb = SECONDS * FRAME_RATE * FEATURE_BYTES / 1e6
    result = {
        "command": "python -m bench.quality",
        "reel": f"{SECONDS} s, {WIDTH} × {HEIGHT}, {FRAME_RATE} frames a second",
        "demo_computed_mb": demo_bytes() / 1e6,
        "measured_frames": measured["frames"],
        "measured_peak_mb": measured["peak_mb"],
        "features_computed_mb": features_mb,
        "ours_mb": measured["peak_mb"] + features_mb,
    }
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()

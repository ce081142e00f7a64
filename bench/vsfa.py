"""`python -m bench.vsfa`: the memory VSFA needs for a 60 s reel of 1080 × 1920, the reference's demo and ours.

The demo of lidq92/VSFA reads the whole video as uint8 and as float32 before it rates the first frame; that is computed,
as no machine here has the memory to run it. Ours is measured on the bench reel, every frame at native size: two
batches are decoded and the first `--frames` of each rated. Later batches reuse the memory of earlier ones and add only
their features, 16 KB per frame, which are added for 60 s. The weights are random: memory doesn't depend on them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.measure import HERE, in_own_process, write_result
from bench.reel import bench_reel

SECONDS, FRAME_RATE, WIDTH, HEIGHT = 60, 30, 1080, 1920
FEATURE_BYTES = 4096 * 4


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.vsfa", description=__doc__)
    parser.add_argument("--frames", type=int, default=2)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "vsfa.json", metavar="FILE")
    args = parser.parse_args()
    measured = in_own_process("vsfa", bench_reel(30), args.frames)
    features_mb = SECONDS * FRAME_RATE * FEATURE_BYTES / 1e6
    result = {
        "command": "python -m bench.vsfa",
        "reel": f"{SECONDS} s, {WIDTH} × {HEIGHT}, {FRAME_RATE} frames a second",
        "demo_computed_mb": SECONDS * FRAME_RATE * WIDTH * HEIGHT * 3 * (1 + 4) / 1e6,  # uint8 and float32
        "measured_frames": measured["frames"],
        "measured_peak_mb": measured["peak_mb"],
        "features_computed_mb": features_mb,
        "ours_mb": measured["peak_mb"] + features_mb,
    }
    write_result(args.json, result)


if __name__ == "__main__":
    main()

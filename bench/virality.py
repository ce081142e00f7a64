"""`python -m bench.virality`: how fast clips load in training, and what five clips cost next to torchvision's network.

On the bench reel (30 s of 1080 × 1920). Without a cache only the clip is decoded; a cache is filled before it is timed.
The time of an epoch includes the start of its workers.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from bench.measure import HERE, write_result
from bench.reel import bench_reel

REELS, CACHED_REELS, EPOCHS, ROUNDS = 8, 1024, 2, 5


def throughput(reel: Path) -> list[dict[str, Any]]:
    """Clips per second that load in an epoch with 0, 1 and 2 workers: decoded each time, and from the cache."""
    from virality_core.models.vision.r2plus1d import ClipInput
    from virality_core.training.virality.dataset import VideoDataset, loader
    from virality_core.training.virality.manifest import Row

    nothing: dict[str, Any] = dict.fromkeys(("likes", "plays", "shares", "comments", "followers", "posted_at"))
    size = {"seconds": 30.0, "width": 1080, "height": 1920, "frame_rate": 30.0, "group": 0}
    row = Row(video=reel.name, part="train", author="a", score=0.5, is_viral=True, caption="", **size, **nothing)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for cache, count in ((None, REELS), (Path(folder), CACHED_REELS)):
            for workers in (0, 1, 2):
                data = VideoDataset([row] * count, reel.parent, ClipInput(), training=True, cache=cache)
                if cache is not None:
                    data[0]  # fills it
                start, clips = time.perf_counter(), 0
                for epoch in range(EPOCHS):
                    data.epoch = epoch
                    batches = [[one, one + 1] for one in range(0, count, 2)]
                    clips += sum(len(batch[0]) for batch in loader(data, batches, workers=workers))
                rate = clips / (time.perf_counter() - start)
                results.append(
                    {"cached": cache is not None, "workers": workers, "clips_an_epoch": count, "clips_a_second": rate}
                )
    return results


def inference(reel: Path) -> dict[str, float]:
    """Seconds for five clips, from pixels to answer, and for torchvision's bare forward pass on the same clips."""
    from torchvision.models.video import R2Plus1D_18_Weights, r2plus1d_18

    from virality_core.media import open_reel
    from virality_core.models.vision.r2plus1d import (
        Architecture,
        ClipInput,
        build,
        on_device,
        resize_and_crop,
        video_outputs,
    )
    from virality_core.types import Plan

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clips = open_reel(reel, Plan(clips=5)).clips
    assert clips is not None
    reference = r2plus1d_18(weights=None, num_classes=1).eval()
    ours = on_device(build(reference.state_dict(), Architecture()), device)
    reference = reference.to(device)
    transform = R2Plus1D_18_Weights.KINETICS400_V1.transforms()
    inputs = transform(torch.from_numpy(clips.rgb).permute(0, 1, 4, 2, 3)).to(device)

    def bare() -> None:
        with torch.inference_mode():
            if device.type == "cuda":
                reference(inputs).cpu()
            else:
                for clip in inputs:
                    reference(clip[None])

    def whole() -> None:
        video_outputs(ours, torch.from_numpy(resize_and_crop(clips.rgb, ClipInput())), device)

    spent: dict[str, list[float]] = {"torchvision": [], "ours": []}
    for _ in range(ROUNDS + 1):  # alternating, so that a busy moment slows both; the first round warms up
        for name, run in (("torchvision", bare), ("ours", whole)):
            start = time.perf_counter()
            run()
            spent[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times[1:]) for name, times in spent.items()}
    return {**medians, "ratio": medians["ours"] / medians["torchvision"]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.virality", description=__doc__)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "virality.json", metavar="FILE")
    args = parser.parse_args()
    reel = bench_reel(30)
    write_result(
        args.json, {"threads": torch.get_num_threads(), "inference": inference(reel), "loading": throughput(reel)}
    )


if __name__ == "__main__":
    main()

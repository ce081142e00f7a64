"""`python -m bench.virality`: how fast clips come in training, and what five clips cost beside torchvision's network.

Every reel is the drawn bench reel (30 s of 1080 × 1920, `python -m bench`). Without a cache only the clip is decoded;
a cache is filled before it is timed. The time of an epoch has its workers' start in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).resolve().parent
REELS, CACHED_REELS, EPOCHS, ROUNDS = 8, 1024, 2, 5


def throughput(reel: Path) -> list[dict[str, Any]]:
    """Clips a second of an epoch's loading with 0, 1 and 2 workers: decoded each time, and from the cache."""
    from virality_core.models.vision.r2plus1d import ClipInput
    from virality_core.training.virality.dataset import VideoDataset, loader
    from virality_core.training.virality.manifest import Row

    nothing: dict[str, Any] = dict.fromkeys(("likes", "plays", "shares", "comments", "followers", "posted_at"))
    size = {"seconds": 30.0, "width": 1080, "height": 1920, "frame_rate": 30.0, "group": 0}
    row = Row(video=reel.name, part="train", author="a", score=0.5, is_viral=True, caption="", **size, **nothing)
    found = []
    with tempfile.TemporaryDirectory() as cache:
        for kept in (None, Path(cache)):
            for workers in (0, 1, 2):
                count = REELS if kept is None else CACHED_REELS
                data = VideoDataset([row] * count, reel.parent, ClipInput(), training=True, cache=kept)
                if kept is not None:
                    data[0]  # the first epoch's work
                begun, clips = time.perf_counter(), 0
                for epoch in range(EPOCHS):
                    data.epoch = epoch
                    batches = [[one, one + 1] for one in range(0, count, 2)]
                    clips += sum(len(batch[0]) for batch in loader(data, batches, workers=workers))
                rate = clips / (time.perf_counter() - begun)
                found.append(
                    {"cached": kept is not None, "workers": workers, "clips_an_epoch": count, "clips_a_second": rate}
                )
    return found


def inference(reel: Path) -> dict[str, float]:
    """Seconds of our five clips, from their pixels to the answer, and of torchvision's bare forward on the same."""
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
    given = R2Plus1D_18_Weights.KINETICS400_V1.transforms()(torch.from_numpy(clips.rgb).permute(0, 1, 4, 2, 3)).to(
        device
    )

    def bare() -> None:
        with torch.inference_mode():
            if device.type == "cuda":
                reference(given).cpu()
            else:
                for clip in given:
                    reference(clip[None])

    def whole() -> None:
        video_outputs(ours, torch.from_numpy(resize_and_crop(clips.rgb, ClipInput())), device)

    spent: dict[str, list[float]] = {"torchvision": [], "ours": []}
    for _ in range(ROUNDS + 1):  # in turn, so that a busy moment hits both; the first round warms
        for name, run in (("torchvision", bare), ("ours", whole)):
            begun = time.perf_counter()
            run()
            spent[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(times[1:]) for name, times in spent.items()}
    return {**medians, "ratio": medians["ours"] / medians["torchvision"]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.virality", description=__doc__)
    parser.add_argument("--reel", type=Path, default=HERE / "out" / "reel-30s.mp4", help="from `python -m bench`")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "virality.json")
    args = parser.parse_args()
    if not args.reel.exists():
        from bench import reel

        args.reel.parent.mkdir(parents=True, exist_ok=True)
        reel.write(args.reel, seconds=30)
    result = {"threads": torch.get_num_threads(), "inference": inference(args.reel), "loading": throughput(args.reel)}
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

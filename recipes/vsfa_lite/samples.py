"""The training material: every clip's features with its VMAF or its strength, kept on disk picture by picture.

Resumes: a picture whose file is there is not made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite import ffmpeg
from recipes.vsfa_lite.camera_moves import SHARP, detail, film
from recipes.vsfa_lite.distortions import CODECS, LOOKS, MEASURED, ORDERED, crf_of
from recipes.vsfa_lite.pictures import Picture
from virality_core.errors import InputError
from virality_core.media import open_reel
from virality_core.models.vision.vsfa_lite import CROPS, FEATURES, LiteFeatures, crop_features
from virality_core.types import Plan

STILLS = 1  # of a clip, whose frames are nearly alike, taken as the scorer's are: spread over it by `media.open_reel`
_JUDGED = 3  # strengths of each kind of a clip that is judged; of one that is learned from:
_LEARNED = 2
_LEARNED_NOISE = 3  # VMAF hardly moves with it: its order has to be learned
#: What is done to a picture before noise is added whose order alone is learned: grain must not count as sharpness on a
#: soft or coded film, nor in the dark. By the end of the name of a picture so treated: kinds to draw one of, each from
#: a strength to another.
_GRAINED: dict[str, tuple[tuple[tuple[str, ...], float, float], ...]] = {
    " soft": ((("defocus", "rescale", "h264"), 0.1, 0.6),),
    " dark": ((("low_key",), 0.0, 1.0), (("defocus", "rescale", "h264"), 0.0, 0.4)),
}
_MIXTURES = (("defocus", "h264"), ("noise", "hevc"), ("rescale", "h264"), ("h264", "noise"), ("h264", "rescale"))
_SAVED_CRF = (14.0, 23.0)  # an undistorted file is compressed a little too, as a phone or an editor does it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A clip. `vmaf` is null where it means nothing; `bytes` are its file's. What is grained has a name of its own, and
    as strength its noise's alone."""

    picture: str
    split: str
    kind: str
    strength: float
    vmaf: float | None
    bytes: int


def of_picture(picture: Picture, network: LiteFeatures, folder: Path) -> Path | None:
    """Make, or find made, one picture's samples: an .npz of `features` float16 (S, T, crops, F) and `samples` (JSON).

    The clips are kept beside it as MP4. Returns None for a picture that is not `SHARP`.

    Raises:
        InputError: what was found made is of another version of this program.
    """
    path = folder / f"{picture.name}.npz"
    if not path.exists():
        samples = clips_of(picture, folder / "clips")
        if not samples:
            return None
        features = []
        for number in range(len(samples)):
            stills = open_reel(clip_path(folder / "clips", picture.name, number), Plan(stills=STILLS)).frames.rgb
            features.append(crop_features(network, stills).numpy().astype(np.float16))
        partial = path.with_suffix(".part.npz")
        np.savez(partial, features=np.stack(features), samples=json.dumps([asdict(one) for one in samples]))
        partial.rename(path)
    kept, theirs = load([path])
    if kept.shape[2:] != (CROPS, FEATURES) or {one.split for one in theirs} != {picture.split}:
        raise InputError(f"{path} was made by another version of this program: take an empty --work folder.")
    return path


def clips_of(picture: Picture, folder: Path) -> list[Sample]:
    """Make, or find made, one picture's clips in the folder; none where its clean view is not `SHARP`."""
    path = folder / f"{picture.name}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = [asdict(sample) for sample in _made(picture, folder)]
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(made), encoding="utf-8")
        partial.rename(path)
    return [Sample(**one) for one in json.loads(path.read_text(encoding="utf-8"))]


def clip_path(folder: Path, picture: str, number: int) -> Path:
    """Where a picture's clip of that number is kept."""
    return folder / f"{picture}-{number:02}.mp4"


def load(paths: list[Path]) -> tuple[NDArray[np.float32], list[Sample]]:
    """Features float32 (S, T, crops, F) and samples of those files."""
    files = [np.load(path) for path in paths]
    samples = [Sample(**one) for file in files for one in json.loads(str(file["samples"]))]
    return np.concatenate([file["features"] for file in files]).astype(np.float32), samples


def _made(picture: Picture, folder: Path) -> Iterator[Sample]:
    seed = seed_of(picture.name)
    chance = np.random.default_rng(seed)
    sharpest = picture.view == 0
    clean = film(picture.path, seed, sharpest=sharpest, shrunk=picture.shrunk)
    if sharpest and detail(clean[0]) < SHARP:
        return
    number = 0

    def sample(kind: str, steps: list[tuple[str, float]], *, measured: bool = True, of: str = "") -> Sample:
        nonlocal number
        file = clip_path(folder, picture.name, number)
        number += 1
        size = _write(clean, steps, file, saved_crf=float(chance.uniform(*_SAVED_CRF)), seed=seed)
        label = ffmpeg.vmaf(file, clean) if measured else None
        strength = 0.0 if kind == "clean" else steps[-1][1] if of else float(np.mean([one for _, one in steps]))
        return Sample(
            picture=picture.name + of, split=picture.split, kind=kind, strength=strength, vmaf=label, bytes=size
        )

    learned = picture.split == "train"
    yield sample("clean", [])
    for kind in (*CODECS, *MEASURED):
        count = _LEARNED_NOISE if kind == "noise" else _LEARNED
        for strength in _spread(chance, count if learned else _JUDGED):
            yield sample(kind, [(kind, strength)])
    for place in chance.permutation(len(_MIXTURES))[: 2 if learned else None]:
        yield sample("mixture", [(kind, float(chance.uniform(0.0, 0.8))) for kind in _MIXTURES[place]])
    for kind in ORDERED:
        for strength in _spread(chance, _LEARNED if learned else _JUDGED):
            yield sample(kind, [(kind, strength)], measured=False)
    for name, steps in _GRAINED.items() if learned else ():
        drawn = [(str(chance.choice(kinds)), float(chance.uniform(least, most))) for kinds, least, most in steps]
        yield sample("clean", drawn, measured=False, of=name)
        for strength in _spread(chance, _LEARNED_NOISE):
            yield sample("noise", [*drawn, ("noise", strength)], measured=False, of=name)


def view_of(sample: Sample) -> str:
    """The name of the view that a sample was made from, whatever was done to it before."""
    name = sample.picture
    for end in _GRAINED:
        name = name.removesuffix(end)
    return name


def _write(clean: ffmpeg.Clip, steps: list[tuple[str, float]], file: Path, *, saved_crf: float, seed: int) -> int:
    """Distort the clip step by step into the file; returns its bytes. A codec that comes last is the file's own."""
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


def _spread(chance: np.random.Generator, count: int) -> list[float]:
    """Strengths 0–1, one drawn in each of `count` equal steps."""
    drawn: list[float] = ((np.arange(count) + chance.random(count)) / count).tolist()
    return drawn


def seed_of(name: str) -> int:
    """The chance that belongs to a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")

"""Made sounds of known kind and time, and clips that carry them."""

from __future__ import annotations

import shutil
import subprocess
import wave
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest

from virality_core.media import open_reel
from virality_core.scorers.sound.audio import AudioScorer
from virality_core.types import Post, Reel, Signal, Skipped

Sound = np.ndarray  # float32 (C, S)


def sine(seconds: float, *, rate: int = 48_000, hertz: float = 997.0, level: float = 0.1, channels: int = 1) -> Sound:
    """A sine of the given amplitude, the same in each channel."""
    time = np.arange(round(seconds * rate)) / rate
    return np.tile((level * np.sin(2 * np.pi * hertz * time)).astype(np.float32), (channels, 1))


def noise(seconds: float, *, rate: int = 48_000, level: float = 0.1, channels: int = 1, seed: int = 0) -> Sound:
    """White noise of the given deviation, each channel its own."""
    made = np.random.default_rng(seed).normal(0.0, level, (channels, round(seconds * rate)))
    return np.clip(made, -1, 1).astype(np.float32)


def drums(tempo: float, seconds: float = 12.0, *, rate: int = 48_000, first: float = 0.1) -> Sound:
    """A kick on each beat and a brighter hit on each second one."""
    rng = np.random.default_rng(round(tempo))
    made = rng.normal(0, 0.003, round(seconds * rate))
    time = np.arange(round(0.2 * rate)) / rate
    for beat in range(int((seconds - first - 0.3) * tempo / 60)):
        at = round((first + beat * 60 / tempo) * rate)
        kick = 0.5 * np.sin(2 * np.pi * 60 * time) * np.exp(-time * 30)
        hat = (0.12 if beat % 2 else 0.04) * rng.normal(0, 1, len(time)) * np.exp(-time * 80)
        made[at : at + len(time)] += kick + hat
    return made.astype(np.float32)[None]


def spoken(text: str, *, rate: int = 16_000) -> Sound:
    """espeak-ng says it; the test is skipped where that is not installed."""
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed")
    done = subprocess.run([program, "--stdout", text], capture_output=True, check=True)
    with wave.open(BytesIO(done.stdout)) as file:
        own = file.getframerate()
        said = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(said) > 0.01)
    said = said[loud[0] : loud[-1] + 1]
    at = np.arange(0, len(said) / own, 1 / rate)
    return np.interp(at, np.arange(len(said)) / own, said).astype(np.float32)[None]


def write(
    path: Path,
    sound: Sound,
    *,
    rate: int = 48_000,
    layout: str = "mono",
    codec: str = "pcm_f32le",
    start: float = 0.0,
    picture_seconds: float | None = None,
    cuts: tuple[float, ...] = (),
) -> Path:
    """A small clip at 10 pictures a second, a new picture at each of `cuts`, with the sound from `start` on."""
    packed = codec.startswith("pcm")
    form = {"pcm_s16le": "s16", "pcm_f32le": "flt", "aac": "fltp"}[codec]
    seconds = picture_seconds or start + sound.shape[1] / rate
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 96, "yuv420p"
        stream = container.add_stream(codec, rate=rate, layout=layout)
        if codec == "aac":
            stream.bit_rate = 192_000
        for number in range(round(seconds * 10)):
            shot = sum(number / 10 >= cut for cut in cuts)
            drawn = np.random.default_rng(shot).integers(0, 256, (6, 4, 3), np.uint8).repeat(16, 0).repeat(16, 1)
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(drawn), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        for first in range(0, sound.shape[1], 1024):
            piece = sound[:, first : first + 1024]
            if form == "s16":
                piece = np.clip(np.round(piece * 32767), -32768, 32767).astype(np.int16)
            shaped = np.ascontiguousarray(piece.T.reshape(1, -1) if packed else piece)
            frame = av.AudioFrame.from_ndarray(shaped, format=form, layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, round(start * rate) + first, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def hear(path: Path, scorer: AudioScorer) -> dict[str, Signal | Skipped]:
    """The scorer's answers on a file, by name."""
    reel: Reel = open_reel(path, scorer.plan)
    return {answer.name: answer for answer in scorer.score(reel, Post(), _silent)}


def signal(answers: dict[str, Signal | Skipped], name: str) -> Signal:
    """The answer of that name, which must not be Skipped."""
    answer = answers[name]
    assert isinstance(answer, Signal), answer
    return answer


Hear = Callable[[Path], dict[str, Signal | Skipped]]


def _silent(stage: str, fraction: float) -> None:
    assert 0.0 <= fraction <= 1.0, stage

"""Sound: one mono track at the wanted rate on the reel's clock, with what is missing left silent."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.clips import Clip, tone
from virality_core.media import open_reel, probe
from virality_core.types import Audio, Plan

RATE = 16_000


def write_sound(
    path: Path, frames: list[av.AudioFrame], *, codec: str = "pcm_s16le", layout: str = "mono", rate: int = 48_000
) -> Path:
    """A container with one second of black pictures a second long and the given sound."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        sound = container.add_stream(codec, rate=rate, layout=layout)
        for number in range(30):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        for frame in frames:
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def heard(path: Path) -> Audio:
    audio = open_reel(path, Plan(stills=1, audio_rate=RATE)).audio
    assert audio is not None
    return audio


def loudness(audio: Audio, start: float, end: float) -> float:
    """Root mean square between two times of the reel."""
    first, last = (round((when - audio.start_seconds) * audio.sample_rate) for when in (start, end))
    return float(np.sqrt(np.mean(audio.samples[first:last] ** 2)))


def pitch(audio: Audio) -> float:
    spectrum = np.abs(np.fft.rfft(audio.samples * np.hanning(len(audio.samples))))
    return float(np.argmax(spectrum) * audio.sample_rate / len(audio.samples))


def test_mono_at_the_wanted_rate(make_clip: Callable[..., Clip]) -> None:
    clip = make_clip(
        frames=90, sound=True, options=(("preset", "veryfast"), ("crf", "18"), ("x264-params", "keyint=30"))
    )
    audio = heard(clip.path)
    assert audio.sample_rate == RATE
    assert audio.start_seconds == pytest.approx(0.0, abs=0.03)
    assert len(audio.samples) / RATE == pytest.approx(clip.seconds[-1], abs=0.1)
    assert pitch(audio) == pytest.approx(440, abs=1)
    assert loudness(audio, 0.5, 2.5) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


def test_stereo_is_halved_not_clipped(tmp_path: Path) -> None:
    frames = []
    for mono in tone(2.0, rate=48_000):
        left = mono.to_ndarray()[0] * 2 * 0.99
        packed = np.stack([left, left], axis=1).reshape(1, -1).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, mono.pts, mono.time_base
        frames.append(frame)
    audio = heard(write_sound(tmp_path / "loud.mkv", frames, codec="pcm_f32le", layout="stereo"))
    assert np.abs(audio.samples).max() == pytest.approx(0.99, abs=0.02)
    assert loudness(audio, 0.5, 1.5) == pytest.approx(0.99 / np.sqrt(2), rel=0.01)


def test_late_sound_starts_late(tmp_path: Path) -> None:
    audio = heard(write_sound(tmp_path / "late.mkv", tone(1.0, rate=48_000, start=48_000)))
    assert audio.start_seconds == pytest.approx(1.0, abs=0.002)
    assert len(audio.samples) / RATE == pytest.approx(1.0, abs=0.03)


def test_a_gap_stays_a_gap(tmp_path: Path) -> None:
    frames = tone(0.5, rate=48_000) + tone(0.5, rate=48_000, start=96_000)
    audio = heard(write_sound(tmp_path / "gap.mkv", frames))
    assert loudness(audio, 0.1, 0.4) > 0.3
    assert loudness(audio, 0.6, 1.9) < 1e-4
    assert loudness(audio, 2.1, 2.4) > 0.3


def test_no_sound_is_noted(make_clip: Callable[..., Clip]) -> None:
    clip = make_clip(frames=60)
    reel = open_reel(clip.path, Plan(stills=1, audio_rate=RATE))
    assert reel.audio is None
    assert reel.notes == ("The file has no sound.",)
    assert probe(clip.path).audio is None

"""The sound's signals against ffmpeg's ebur128 and against sounds made with known times, rates and channels."""

from __future__ import annotations

import re
import subprocess
from functools import partial
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from tests.scorers.clips import CLIPS
from tests.scorers.sounds import Hear, drums, hear, noise, signal, sine, spoken, write
from virality_core.scorers.sound.audio import AudioScorer, IntervalDetails, SpeechDetails, TempoDetails
from virality_core.types import Skipped


@pytest.fixture(scope="module")
def heard() -> Hear:
    return partial(hear, scorer=AudioScorer(profile="lite"))


def _ebur128(path: Path) -> tuple[float, float]:
    """Integrated loudness and true peak as ffmpeg's filter prints them."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats", "-i", str(path)]
    done = subprocess.run([*command, "-af", "ebur128=peak=true", "-f", "null", "-"], capture_output=True, text=True)
    loudness = re.findall(r"I:\s+(-?[\d.]+) LUFS", done.stderr)[-1]
    peak = re.findall(r"Peak:\s+(-?[\d.]+) dBFS", done.stderr)[-1]
    return float(loudness), float(peak)


def _parts(*pieces: np.ndarray) -> np.ndarray:
    return np.concatenate(pieces, axis=1)


_SOUNDS = {
    "sine": (sine(4.0), 48_000, "mono"),
    "loud stereo": (sine(4.0, level=0.7, channels=2), 48_000, "stereo"),
    "noise 44.1 kHz": (noise(5.0, rate=44_100, channels=2), 44_100, "stereo"),
    "low hum": (sine(4.0, hertz=40.0, level=0.5), 48_000, "mono"),
    "quiet then loud": (_parts(sine(5.0, level=0.003), sine(5.0, level=0.3)), 48_000, "mono"),
    "with a pause": (_parts(noise(3.0), np.zeros((1, 144_000), np.float32), noise(2.0, seed=1)), 48_000, "mono"),
    "5.1": (noise(4.0, channels=6), 48_000, "5.1"),
    "8 kHz": (noise(4.0, rate=8_000), 8_000, "mono"),
    "192 kHz": (noise(3.0, rate=192_000), 192_000, "mono"),
    "peaks between samples": (
        sine(3.0, hertz=11_997.0, level=0.9) * np.hanning(144_000).astype(np.float32),
        48_000,
        "mono",
    ),
    "drums": (drums(100), 48_000, "mono"),
}


@pytest.mark.parametrize("name", _SOUNDS)
def test_loudness_is_that_of_ffmpeg(name: str, heard: Hear, tmp_path: Path) -> None:
    sound, rate, layout = _SOUNDS[name]
    path = write(tmp_path / "made.mkv", sound, rate=rate, layout=layout)
    loudness, peak = _ebur128(path)
    answers = heard(path)
    assert signal(answers, "loudness").value == pytest.approx(loudness, abs=0.15)
    assert signal(answers, "true_peak").value == pytest.approx(peak, abs=0.3)


@pytest.mark.parametrize("clip", CLIPS)
def test_real_clips_are_as_loud_as_ffmpeg_says(clip: str, heard: Hear, shared_media: Path) -> None:
    loudness, peak = _ebur128(shared_media / clip)
    answers = heard(shared_media / clip)
    assert signal(answers, "loudness").value == pytest.approx(loudness, abs=0.1)
    assert signal(answers, "true_peak").value == pytest.approx(peak, abs=0.2)


def test_loudness_does_not_hang_on_how_the_packets_fall(heard: Hear, tmp_path: Path) -> None:
    """The same sound as floats, as 16 bits and as AAC."""
    sound = _parts(noise(2.0), noise(2.0, level=0.2, seed=1))
    values = [
        signal(heard(write(tmp_path / f"{codec}.mkv", sound, codec=codec)), "loudness").value
        for codec in ("pcm_f32le", "pcm_s16le", "aac")
    ]
    assert max(values) - min(values) < 0.3, "a lossy copy loses a little"


@pytest.mark.parametrize("codec", ["pcm_s16le", "aac"])
def test_silence_is_found_to_a_tenth(codec: str, heard: Hear, tmp_path: Path) -> None:
    gap = np.zeros((1, 48_000 * 2), np.float32)
    path = write(tmp_path / "gap.mkv", _parts(gap[:, :57_600], noise(2.3), gap, noise(1.5)), codec=codec)
    found = signal(heard(path), "silence")
    assert isinstance(found.details, IntervalDetails)
    assert len(found.details.stretches) == 2
    for (start, end), (begins, ends) in zip(found.details.stretches, ((0.0, 1.2), (3.5, 5.5)), strict=True):
        assert start == pytest.approx(begins, abs=0.1)
        assert end == pytest.approx(ends, abs=0.1)
    assert found.value == pytest.approx(100 * 3.2 / 7.0, abs=2.0)
    assert signal(heard(path), "first_sound").value == pytest.approx(1.2, abs=0.1)


@pytest.mark.parametrize(
    ("codec", "gain"), [("pcm_s16le", 2.5), ("pcm_s16le", 4.0), ("pcm_f32le", 12.0), ("aac", 12.0)]
)
def test_clipping_is_found_to_a_tenth(codec: str, gain: float, heard: Hear, tmp_path: Path) -> None:
    """From 2.0 to 3.5 s the sound is driven over full scale; before and after it is as loud as it may be."""
    clean = np.clip(noise(6.0, level=0.2), -0.9, 0.9)
    driven = clean.copy()
    driven[:, 96_000:168_000] = np.clip(clean[:, 96_000:168_000] * gain, -1.0, 1.0)
    found = signal(heard(write(tmp_path / "clip.mkv", driven, codec=codec)), "clipping")
    assert isinstance(found.details, IntervalDetails)
    (stretch,) = found.details.stretches
    assert stretch == pytest.approx((2.0, 3.5), abs=0.1)
    calm = signal(heard(write(tmp_path / "calm.mkv", clean, codec=codec)), "clipping")
    assert calm.value == 0.0, "what stays under full scale is not clipped"


def test_a_full_scale_sine_is_not_clipped(heard: Hear, tmp_path: Path) -> None:
    path = write(tmp_path / "sine.mkv", sine(3.0, level=1.0, hertz=440.0), codec="pcm_s16le")
    assert signal(heard(path), "clipping").value == 0.0


def test_square_waves_are_clipped_all_along(heard: Hear, tmp_path: Path) -> None:
    path = write(tmp_path / "square.mkv", np.sign(sine(3.0, hertz=441.3)) + 0.0, codec="pcm_s16le")
    answers = heard(path)
    assert signal(answers, "clipping").value > 98.0
    assert signal(answers, "loudness").value > -3.0
    assert signal(answers, "loudness").desirability < 30.0


@pytest.mark.parametrize("tempo", [50, 64, 75, 92, 100, 112, 120, 128, 140, 155, 174, 200])
def test_tempo_or_its_half_or_double(tempo: float, heard: Hear, tmp_path: Path) -> None:
    found = signal(heard(write(tmp_path / "drums.mkv", drums(tempo))), "tempo")
    assert isinstance(found.details, TempoDetails)
    said = (found.value, found.details.half, found.details.double)
    assert min(abs(value / tempo - 1.0) for value in said) < 0.04, said
    assert found.timeline is not None
    # Each beat found lies on one that was played (half tempo: on every second).
    played = 0.1 + np.arange(200) * 60 / tempo
    distance = np.abs(found.timeline.seconds[1:-1, None] - played).min(axis=1)
    assert np.median(distance) < 0.03


@pytest.mark.parametrize("made", [noise(8.0), sine(8.0)], ids=["noise", "tone"])
def test_what_has_no_beat_has_no_tempo(made: np.ndarray, heard: Hear, tmp_path: Path) -> None:
    assert isinstance(heard(write(tmp_path / "even.mkv", made))["tempo"], Skipped)


def test_speech_share_is_that_of_the_speech(heard: Hear, tmp_path: Path) -> None:
    """Two sentences at known times over quiet music; then the music alone."""
    rate = 16_000
    said = [
        spoken("Three things nobody tells you before you move to another city, and the first of them is rent."),
        spoken("So follow along if you want to hear what happened when I finally asked my landlord about it."),
    ]
    starts = [2.0, 2.0 + said[0].shape[1] / rate + 3.0]
    total = starts[1] + said[1].shape[1] / rate + 3.0
    music = 0.2 * drums(110, total, rate=rate)
    mixed = music.copy()
    for piece, at in zip(said, starts, strict=True):
        first = round(at * rate)
        mixed[:, first : first + piece.shape[1]] += 0.7 * piece
    truth = sum(piece.shape[1] for piece in said) / rate / total
    found = signal(heard(write(tmp_path / "said.mkv", mixed, rate=rate)), "speech")
    assert found.value / 100.0 == pytest.approx(truth, abs=0.1)
    assert isinstance(found.details, SpeechDetails)
    assert found.details.stretches[0][0] == pytest.approx(2.0, abs=0.3)
    assert found.details.dominant == "speech"
    alone = signal(heard(write(tmp_path / "music.mkv", music, rate=rate)), "speech")
    assert alone.value < 10.0
    assert isinstance(alone.details, SpeechDetails)
    assert alone.details.dominant == "music"


def test_no_sound_is_said(heard: Hear, make_clip) -> None:  # type: ignore[no-untyped-def]
    answers = heard(make_clip(frames=30).path)
    assert {answer.reason for answer in answers.values() if isinstance(answer, Skipped)} == {"The reel has no sound."}
    assert len(answers) == len(AudioScorer.names)


def test_silent_sound_is_said(heard: Hear, tmp_path: Path) -> None:
    answers = heard(write(tmp_path / "mute.mkv", np.zeros((1, 96_000), np.float32), codec="pcm_s16le"))
    assert signal(answers, "silence").value == 100.0
    rest = [answer for name, answer in answers.items() if name != "silence"]
    assert all(isinstance(answer, Skipped) and "silent" in answer.reason for answer in rest)


def test_late_sound_is_late(heard: Hear, tmp_path: Path) -> None:
    answers = heard(write(tmp_path / "late.mkv", noise(2.0), start=2.0))
    assert signal(answers, "first_sound").value == pytest.approx(2.0, abs=0.05)
    assert signal(answers, "first_sound").desirability < 40.0
    details = signal(answers, "silence").details
    assert isinstance(details, IntervalDetails)
    assert details.stretches[0] == pytest.approx((0.0, 2.0), abs=0.05)


@pytest.mark.parametrize("seconds", [1.0, 8.0], ids=["shorter", "longer"])
def test_sound_of_another_length_than_the_picture(seconds: float, heard: Hear, tmp_path: Path) -> None:
    answers = heard(write(tmp_path / "odd.mkv", noise(seconds), picture_seconds=4.0))
    expected = 75.0 if seconds < 4.0 else 0.0
    assert signal(answers, "silence").value == pytest.approx(expected, abs=3.0)
    for name in ("loudness", "speech", "clipping"):
        timeline = signal(answers, name).timeline
        assert timeline is not None
        assert timeline.seconds.min() >= 0.0
        assert timeline.seconds.max() <= 4.0


def test_a_blip_has_no_loudness(heard: Hear, tmp_path: Path) -> None:
    answers = heard(write(tmp_path / "blip.mkv", noise(0.3), picture_seconds=2.0))
    loudness = answers["loudness"]
    assert isinstance(loudness, Skipped)
    assert "0.4 s" in loudness.reason


def test_samples_that_are_no_numbers(heard: Hear, tmp_path: Path) -> None:
    wild = noise(3.0)
    wild[0, ::7], wild[0, ::11], wild[0, ::13] = np.nan, np.inf, 1e30
    answers = heard(write(tmp_path / "wild.mkv", wild))
    assert all(isinstance(answer, Skipped) or np.isfinite(answer.value) for answer in answers.values())
    assert signal(answers, "clipping").value > 90.0

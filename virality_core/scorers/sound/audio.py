"""How the reel sounds: loudness, peaks, silence, clipping, when sound begins, how much is speech, and its tempo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.sound import silero_vad
from virality_core.scorers.base import Scorer, rated
from virality_core.scorers.measures import rhythm, sound, speech
from virality_core.types import (
    AUDIO_SECONDS,
    Audio,
    Details,
    Levels,
    ModelInfo,
    Plan,
    Post,
    Profile,
    Progress,
    Reel,
    Signal,
    Skipped,
    Timeline,
)

NO_SOUND = "The reel has no sound."
SILENT = "The reel's sound is silent."


@dataclass(frozen=True, slots=True, kw_only=True)
class LoudnessDetails(Details):
    """`integrated` and the loudest momentary value (400 ms) in LUFS; `channels`, `sample_rate` as recorded."""

    integrated: float
    loudest_momentary: float
    loudest_seconds: float
    channels: int
    sample_rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchDetails(Details):
    """When it is so: (from, to) in seconds, ascending, and their length in all."""

    stretches: sound.Stretches
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDetails(Details):
    """When someone speaks; what the sound mostly is; how much of the reel was listened to.

    `flatness` is the spectral flatness behind “music”, None where the sound is too quiet to tell.
    """

    stretches: sound.Stretches
    seconds: float
    dominant: speech.Dominant
    flatness: float | None
    listened_seconds: float

    @property
    def said(self) -> Mapping[str, str]:
        """For the words of the page."""
        return {"dominant": self.dominant}


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoDetails(Details):
    """`strength` 0–1 of the beat. The tempo may be half or twice what a listener taps: all three are given."""

    strength: float
    half: float
    double: float
    listened_seconds: float


class AudioScorer(Scorer):
    """Seven signals of the sound.

    loudness: integrated, LUFS, −70 to 20 (EBU R 128, ITU-R BS.1770-4). true_peak: dBTP, −120 to 25. silence: % of the
    reel below −60 dBFS. clipping: % of the reel with samples at full scale. first_sound: seconds until anything is
    heard. speech: % of the reel (silero-vad). tempo: beats a minute (`measures.rhythm`), with a timeline of the beats.
    """

    names: ClassVar[tuple[str, ...]] = (
        "loudness",
        "true_peak",
        "silence",
        "clipping",
        "first_sound",
        "speech",
        "tempo",
    )
    plan: ClassVar[Plan] = Plan(audio_rate=silero_vad.RATE)

    def __init__(self, *, profile: Profile = "auto") -> None:
        """Load the weights. Raises WeightsError where they are missing."""
        files = weights.resolve_component("speech", profile)
        self.model: ModelInfo = files.model_info()
        self._network = silero_vad.build(load_tensors(files.path))

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:  # noqa: ARG002
        """One Signal or Skipped each."""
        audio = reel.audio
        if audio is None or audio.levels is None:
            reason = NO_SOUND if reel.info.audio is None else "The reel's sound could not be decoded."
            return [Skipped(name=name, reason=reason) for name in self.names]
        levels, duration = audio.levels, reel.info.duration_seconds
        silences = sound.silences(levels, duration)
        if sound.first_sound(levels) is None:
            answers: list[Signal | Skipped] = [Skipped(name=name, reason=SILENT) for name in self.names]
            answers[self.names.index("silence")] = _silence(levels, silences, duration)
            return answers
        progress("sound", 0.1)
        sounding = max(0.0, duration - sound.length(silences))
        found = rhythm.find_rhythm(audio.samples, audio.sample_rate)
        progress("sound", 0.4)
        return [
            _loudness(levels, reel),
            _true_peak(levels),
            _silence(levels, silences, duration),
            _clipping(levels, duration),
            _first_sound(levels, duration),
            self._speech(audio, duration, sounding, 0.0 if found is None else found.strength),
            _tempo(found, audio, duration),
        ]

    def _speech(self, audio: Audio, duration: float, sounding: float, strength: float) -> Signal:
        listened = min(duration, AUDIO_SECONDS)
        probabilities = self._network.probabilities(audio.samples)
        hop = silero_vad.CHUNK / silero_vad.RATE
        seconds = np.asarray(audio.start_seconds + hop * (np.arange(len(probabilities)) + 0.5), np.float64)
        inside = (seconds >= 0.0) & (seconds < listened)
        found = speech.speech_stretches(probabilities, audio.start_seconds, hop)
        found = tuple((max(0.0, a), min(listened, b)) for a, b in found if b > 0.0 and a < listened)
        speaking, flat = sound.length(found), speech.flatness(audio.samples)
        return rated(
            "speech",
            min(100.0, 100.0 * speaking / listened),
            unit="% of the reel",
            native_range=(0.0, 100.0),
            timeline=Timeline(seconds=seconds[inside], values=probabilities[inside]),
            model=self.model,
            details=SpeechDetails(
                stretches=found,
                seconds=speaking,
                dominant=speech.dominant(speaking, sounding, strength, flat),
                flatness=flat,
                listened_seconds=listened,
            ),
        )


def _loudness(levels: Levels, reel: Reel) -> Signal | Skipped:
    value = sound.integrated_loudness(levels)
    if value is None:
        reason = (
            "The sound is shorter than the 0.4 s that loudness is measured over."
            if levels.end_seconds - levels.start_seconds < 0.4
            else "The sound is too quiet to have a loudness: it stays below −70 LUFS."
        )
        return Skipped(name="loudness", reason=reason)
    seconds, line = sound.loudness_line(levels)
    loudest = int(np.argmax(line))
    recorded = reel.info.audio
    return rated(
        "loudness",
        float(np.clip(value, sound.QUIETEST, sound.LOUDEST)),
        unit="LUFS",
        native_range=(sound.QUIETEST, sound.LOUDEST),
        timeline=_inside(seconds, line, reel.info.duration_seconds),
        details=LoudnessDetails(
            integrated=value,
            loudest_momentary=float(line[loudest]),
            loudest_seconds=float(max(0.0, seconds[loudest])),
            channels=0 if recorded is None else recorded.channels,
            sample_rate=0 if recorded is None else recorded.sample_rate,
        ),
    )


def _true_peak(levels: Levels) -> Signal:
    value = float(np.clip(sound.decibels(levels.true_peak), -120.0, 25.0))
    return rated("true_peak", value, unit="dBTP", native_range=(-120.0, 25.0))


def _silence(levels: Levels, silences: sound.Stretches, duration: float) -> Signal:
    quiet = levels.power < 10.0 ** (sound.SILENT_BELOW / 10.0)
    return _stretched("silence", silences, duration, levels, quiet.astype(np.float64))


def _clipping(levels: Levels, duration: float) -> Signal:
    return _stretched("clipping", sound.clipped(levels, duration), duration, levels, 100.0 * levels.clipped)


def _first_sound(levels: Levels, duration: float) -> Signal | Skipped:
    at = sound.first_sound(levels)
    if at is None or at >= duration:
        return Skipped(name="first_sound", reason=SILENT)
    return rated("first_sound", max(0.0, at), unit="s", native_range=(0.0, 24.0 * 3600.0))


def _tempo(found: rhythm.Rhythm | None, audio: Audio, duration: float) -> Signal | Skipped:
    if found is None:
        reason = (
            f"The sound is too short or too even for a tempo; it takes {rhythm.SHORTEST:.0f} s in which notes begin."
        )
        return Skipped(name="tempo", reason=reason)
    if found.strength < speech.STEADY_FROM:
        reason = (
            f"The sound has no steady beat: {100 * found.strength:.0f} % of it comes again from beat "
            f"to beat; {100 * speech.STEADY_FROM:.0f} % would make one."
        )
        return Skipped(name="tempo", reason=reason)
    beats = audio.start_seconds + found.beats
    beats = beats[(beats >= 0.0) & (beats < duration)]
    return rated(
        "tempo",
        found.tempo,
        unit="beats a minute",
        native_range=(0.0, 2 * rhythm.FASTEST),
        timeline=Timeline(seconds=beats, values=np.full(len(beats), found.tempo)),
        details=TempoDetails(
            strength=found.strength,
            half=found.tempo / 2.0,
            double=found.tempo * 2.0,
            listened_seconds=min(duration, AUDIO_SECONDS),
        ),
    )


def _stretched(
    name: str, found: sound.Stretches, duration: float, levels: Levels, values: NDArray[np.float64]
) -> Signal:
    """A signal that is a share of the reel; its timeline has the mean of each tenth of a second."""
    tenth = max(1, round(0.1 / levels.hop_seconds))
    starts = np.arange(0, len(values), tenth)
    means = np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))
    return rated(
        name,
        min(100.0, 100.0 * sound.length(found) / duration),
        unit="% of the reel",
        native_range=(0.0, 100.0),
        timeline=_inside(levels.seconds[starts] + 0.05, means, duration),
        details=StretchDetails(stretches=found, seconds=sound.length(found)),
    )


def _inside(seconds: NDArray[np.float64], values: NDArray[np.float64], duration: float) -> Timeline:
    kept = (seconds >= 0.0) & (seconds <= duration)
    return Timeline(seconds=seconds[kept], values=values[kept])

"""How the reel sounds: loudness, peaks, silence, clipping, first sound, speech and tempo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.sound import silero_vad
from virality_core.scorers.base import Answer, Scorer, rated
from virality_core.scorers.measures import rhythm, sound
from virality_core.scorers.measures.intervals import Intervals
from virality_core.types import AUDIO_SECONDS, Details, Levels, Plan, Post, Profile, Progress, Reel, Skipped, Timeline

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
class IntervalDetails(Details):
    """When it is so: (start, end) in seconds, ascending, and their total length."""

    stretches: Intervals
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDetails(Details):
    """When someone speaks; what the sound mostly is; how much of the reel was analyzed.

    `flatness` is the spectral flatness that tells music, None where the sound is too quiet.
    """

    stretches: Intervals
    seconds: float
    dominant: sound.Dominant
    flatness: float | None
    listened_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoDetails(Details):
    """`strength` 0–1 of the beat. A listener may tap half or twice the tempo: all three are given."""

    strength: float
    half: float
    double: float
    listened_seconds: float


class AudioScorer(Scorer):
    """Seven signals of the sound.

    loudness: integrated, LUFS, −70 to 20 (EBU R 128, ITU-R BS.1770-4). true_peak: dBTP, −120 to 25. silence: % of the
    reel below −60 dBFS. clipping: % of the reel with samples at full scale. first_sound: seconds until anything is
    heard. speech: % of the reel (silero-vad). tempo: bpm (`measures.rhythm`), with a timeline of the beats.
    """

    stage = "audio"
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
        self.model = files.model_info()
        self._network = silero_vad.build(load_tensors(files.path))

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Answer]:  # noqa: ARG002
        """One Signal or Skipped each."""
        audio, duration = reel.audio, reel.info.duration_seconds
        if audio is None or audio.levels is None:
            return self.skip_all(NO_SOUND if reel.info.audio is None else "The reel's sound could not be decoded.")
        levels = audio.levels
        silences = sound.silences(levels, duration)
        silence = _share_of_reel("silence", silences, levels, sound.is_silent(levels).astype(np.float64), duration)
        first = sound.first_sound(levels)
        if first is None:
            return [silence if name == "silence" else Skipped(name=name, reason=SILENT) for name in self.names]
        progress("sound", 0.1)
        sounding = max(0.0, duration - sound.total_seconds(silences))
        found = rhythm.find_rhythm(audio.samples, audio.sample_rate)
        progress("sound", 0.4)
        peak = float(np.clip(sound.decibels(levels.true_peak), -120.0, 25.0))
        return [
            _loudness(levels, reel),
            rated("true_peak", peak, unit="dBTP", native_range=(-120.0, 25.0)),
            silence,
            _share_of_reel("clipping", sound.clipped(levels, duration), levels, 100.0 * levels.clipped, duration),
            Skipped(name="first_sound", reason=SILENT)
            if first >= duration
            else rated("first_sound", first, unit="s", native_range=(0.0, 24.0 * 3600.0)),
            self._speech(
                audio.samples, audio.start_seconds, duration, sounding, 0.0 if found is None else found.strength
            ),
            _tempo(found, audio.start_seconds, duration),
        ]

    def _speech(
        self, samples: NDArray[np.float32], start: float, duration: float, sounding: float, beat_strength: float
    ) -> Answer:
        listened = min(duration, AUDIO_SECONDS)
        probabilities = self._network.probabilities(samples)
        hop = silero_vad.CHUNK / silero_vad.RATE
        seconds = np.asarray(start + hop * (np.arange(len(probabilities)) + 0.5), np.float64)
        inside = (seconds >= 0.0) & (seconds < listened)
        found = sound.speech_intervals(probabilities, start, hop)
        found = tuple((max(0.0, a), min(listened, b)) for a, b in found if b > 0.0 and a < listened)
        speaking, flatness = sound.total_seconds(found), sound.spectral_flatness(samples)
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
                dominant=sound.dominant(speaking, sounding, beat_strength, flatness),
                flatness=flatness,
                listened_seconds=listened,
            ),
        )


def _loudness(levels: Levels, reel: Reel) -> Answer:
    value = sound.integrated_loudness(levels)
    if value is None:
        too_short = levels.end_seconds - levels.start_seconds < 0.4
        reason = "shorter than the 0.4 s it takes to measure" if too_short else "too quiet to measure"
        return Skipped(name="loudness", reason=f"The sound is {reason} loudness.")
    seconds, momentary = sound.momentary_loudness(levels)
    loudest = int(np.argmax(momentary))
    recorded = reel.info.audio
    return rated(
        "loudness",
        float(np.clip(value, sound.QUIETEST, sound.LOUDEST)),
        unit="LUFS",
        native_range=(sound.QUIETEST, sound.LOUDEST),
        timeline=_inside(seconds, momentary, reel.info.duration_seconds),
        details=LoudnessDetails(
            integrated=value,
            loudest_momentary=float(momentary[loudest]),
            loudest_seconds=float(max(0.0, seconds[loudest])),
            channels=0 if recorded is None else recorded.channels,
            sample_rate=0 if recorded is None else recorded.sample_rate,
        ),
    )


def _tempo(found: rhythm.Rhythm | None, start: float, duration: float) -> Answer:
    if found is None:
        reason = f"The sound has no tempo: it is too even, or shorter than {rhythm.MIN_SECONDS:.0f} s."
        return Skipped(name="tempo", reason=reason)
    if found.strength < sound.STEADY_FROM:
        return Skipped(name="tempo", reason="The sound has no steady beat.")
    beats = start + found.beats
    beats = beats[(beats >= 0.0) & (beats < duration)]
    return rated(
        "tempo",
        found.tempo,
        unit="beats per minute",
        native_range=(0.0, 2 * rhythm.FASTEST),
        timeline=Timeline(seconds=beats, values=np.full(len(beats), found.tempo)),
        details=TempoDetails(
            strength=found.strength,
            half=found.tempo / 2.0,
            double=found.tempo * 2.0,
            listened_seconds=min(duration, AUDIO_SECONDS),
        ),
    )


def _share_of_reel(name: str, found: Intervals, levels: Levels, values: NDArray[np.float64], duration: float) -> Answer:
    """The signal of what part of the reel the intervals are; its timeline has the mean of each tenth of a second."""
    tenth = max(1, round(0.1 / levels.hop_seconds))
    starts = np.arange(0, len(values), tenth)
    means = np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))
    return rated(
        name,
        min(100.0, 100.0 * sound.total_seconds(found) / duration),
        unit="% of the reel",
        native_range=(0.0, 100.0),
        timeline=_inside(levels.seconds[starts] + 0.05, means, duration),
        details=IntervalDetails(stretches=found, seconds=sound.total_seconds(found)),
    )


def _inside(seconds: NDArray[np.float64], values: NDArray[np.float64], duration: float) -> Timeline:
    kept = (seconds >= 0.0) & (seconds <= duration)
    return Timeline(seconds=seconds[kept], values=values[kept])

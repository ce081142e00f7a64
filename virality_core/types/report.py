"""What comes out: a post's signals, what each contributes, and the report that is shown and exported."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from virality_core.types.media import FrameBatch, VideoInfo, require
from virality_core.types.post import Platform, Post

FindingKind = Literal[
    "aspect",
    "bars",
    "bit_rate",
    "blocking",
    "blur",
    "clipped",
    "dark",
    "dropped",
    "frozen",
    "interlaced",
    "low_resolution",
    "noise",
    "shake",
    "upscaled",
]
Profile = Literal["lite", "full", "auto"]
CheckStatus = Literal["pass", "warn", "fail"]
AdviceKind = Literal[
    "caption",
    "contrast",
    "cover",
    "crop_bars",
    "denoise",
    "exposure",
    "hashtags",
    "leading_silence",
    "loudness",
    "reframe",
    "sharpen",
    "stabilise",
    "start_later",
    "white_balance",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """A signal over time: `values` float64 (T,) in the signal's unit at `seconds` float64 (T,), ascending."""

    seconds: NDArray[np.float64]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        require(
            self.seconds.ndim == 1 and self.seconds.shape == self.values.shape,
            f"seconds and values must both be (T,), got {self.seconds.shape} and {self.values.shape}",
        )
        require(bool(np.isfinite(self.values).all()), "timeline values must be finite")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """Which weights answered: manifest id, variant (`lite`, `full`) and the sha256 of the file."""

    id: str
    variant: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Base of a scorer's typed details: each scorer declares a dataclass of plain values, tuples and arrays."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """One answer of a scorer. `value` is in `unit`, within `native_range`; `desirability`, `percentile` are 0–100.

    `reference` names what the desirability compares with (a population, or a cited target range); `percentile` is None
    where there is no population.
    """

    name: str
    value: float
    unit: str
    native_range: tuple[float, float]
    desirability: float
    reference: str
    percentile: float | None = None
    timeline: Timeline | None = None
    model: ModelInfo | None = None
    details: Details | None = None

    def __post_init__(self) -> None:
        low, high = self.native_range
        require(math.isfinite(self.value), f"{self.name}: value must be finite, got {self.value}")
        require(low <= self.value <= high, f"{self.name}: value {self.value} is outside {self.native_range}")
        for what in (self.desirability, self.percentile):
            require(what is None or 0.0 <= what <= 100.0, f"{self.name}: {what} is not in 0–100")


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A signal that could not be had, with the reason in one plain sentence. Never replaced by a neutral value."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One technical fault and where it is: `value` is beyond `threshold`, both in `unit`.

    `sentence` says it plainly; `reason` says where the threshold is from. `worst_seconds` is where it shows most, None
    for what is the same all along (the file's bit rate).
    """

    kind: FindingKind
    start_seconds: float
    end_seconds: float
    worst_seconds: float | None
    value: float
    unit: str
    threshold: float
    sentence: str
    reason: str

    def __post_init__(self) -> None:
        require(
            0.0 <= self.start_seconds <= self.end_seconds,
            f"{self.kind}: from {self.start_seconds} to {self.end_seconds} s is no stretch",
        )
        require(math.isfinite(self.value), f"{self.kind}: value must be finite, got {self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformCheck:
    """One thing a platform asks of a video: `value` is the reel's, `asks` the platform's number in words.

    `warn` is taken but not at its best; `fail` is refused, or not shown as a reel. Carries no points.
    """

    platform: Platform
    measure: str
    status: CheckStatus
    value: str
    asks: str
    sentence: str
    source: str
    date: str  # when the source said so: a year, a month or a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One change that was tried on the reel and scored: `points` = `after` − `before`, scores 0–100 of this project.

    The change holds from `start` to `end` seconds; `text` says what to do.
    A cover has no points: no signal measures it.
    """

    id: str = ""  # of the change, unique within a report: the kind and a number
    kind: AdviceKind
    start: float
    end: float
    text: str
    points: float
    before: float
    after: float

    def __post_init__(self) -> None:
        require(0.0 <= self.start <= self.end, f"{self.kind}: from {self.start} to {self.end} s is no stretch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What a signal brings: `points` of at most 100 × `weight`; the points of a report add up to its score."""

    signal: str
    weight: float  # share of the score after skipped signals' weight was shared out: the weights add up to 1
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A median with an 80 % interval: `low` ≤ `median` ≤ `high`."""

    median: float
    low: float
    high: float

    def __post_init__(self) -> None:
        require(self.low <= self.median <= self.high, f"{self.low} ≤ {self.median} ≤ {self.high} does not hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """What a post like this would get in a `collection` of posts; None for what that collection did not count."""

    collection: str
    population: str  # in words: what posts, of accounts of what size
    sized: bool  # whether the account's followers were known; else the ranges are those of accounts of any size
    likes: Range | None
    comments: Range | None
    shares: Range | None
    saves: Range | None
    plays: Range | None
    notes: tuple[str, ...]  # what must be said beside the figures, each one sentence
    own_posts: int | None = None  # how many posts of the creator's own it is read from, beside the collection


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """The 80 % interval of the score: other weights than the stated ones, and the signals' own doubt."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a report came about, so that it can be repeated."""

    version: str
    profile: Profile  # what was asked for
    ran: str  # lite, full, or "lite + full"; counts the models of which there are both
    device: str
    fusion: str  # which of the three ways weighed the signals: prior, learned or personal
    models: tuple[ModelInfo, ...]
    packages: Mapping[str, str]
    video: VideoInfo
    post: Post = field(default_factory=Post)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """The result of `score_reel`: a 0–100 `score` that is the sum of its contributions' points, and why."""

    score: float
    band: str
    coverage: float  # share of the stated weight that answered, 0–1
    contributions: tuple[Contribution, ...]
    signals: tuple[Signal, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    timings: Mapping[str, float]  # seconds by stage
    provenance: Provenance
    findings: tuple[Finding, ...] = ()  # technical faults, by the time they begin
    engagement: Engagement | None = None  # None where the model can't be had; a note says why
    uncertainty: Uncertainty | None = None
    platform_check: tuple[PlatformCheck, ...] = ()  # of the post's platform, else of all three
    advice: tuple[Advice, ...] = ()  # most points first; empty until it was asked for
    thumbnails: FrameBatch | None = field(default=None, repr=False)  # small stills for the page; not in the JSON

    SCHEMA_VERSION: ClassVar[int] = 1

    def signal(self, name: str) -> Signal | None:
        """The signal of that name, or None where it was skipped."""
        return next((s for s in self.signals if s.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: str, float, int, bool, None, list and dict only, with a `schema_version`."""
        plain = {f.name: to_plain(getattr(self, f.name)) for f in fields(self) if f.name != "thumbnails"}
        return {"schema_version": self.SCHEMA_VERSION, **plain}


def to_plain(value: Any) -> Any:
    """A dataclass, array, mapping or scalar as plain JSON values. Raises TypeError for what JSON can't hold."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        require(math.isfinite(value), f"JSON has no {value}")
        return value
    if isinstance(value, np.generic | np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    raise TypeError(f"{type(value).__name__} does not go into JSON")

"""What `media` hands to the scorers: the opened reel, its frames, motion, sound, and the plan that asked for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Transfer = Literal["sdr", "hlg", "pq"]

#: `progress(stage, fraction)`: a plain word for what is running and how far that stage is, 0–1. It may raise
#: `Cancelled`, which ends the work at once: every loop that takes long calls it often.
Progress = Callable[[str, float], None]

FULL_HD_PIXELS = 1920 * 1080
AUDIO_SECONDS = 300.0  # of sound kept as samples: longer than a reel or a Short may be, and 19 MB at 16 kHz
HOOK_SECONDS = 3.0  # the opening that decides whether a viewer stays: the "hook"


def require(condition: bool, message: str) -> None:
    """Raise ValueError(message) unless the condition holds: for `__post_init__` checks."""
    if not condition:
        raise ValueError(message)


def no_progress(stage: str, fraction: float) -> None:
    """A `Progress` for callers that don't watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """The reel's first audio stream as its container describes it."""

    codec: str
    channels: int
    sample_rate: int
    duration_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What `probe` reads without decoding it all. `width`, `height` are as displayed: rotated, square pixels."""

    name: str
    size_bytes: int
    container: str
    codec: str
    width: int
    height: int
    rotation_degrees: int  # clockwise, to be applied to the coded picture: 0, 90, 180 or 270
    duration_seconds: float
    frame_rate: float  # average frames per second
    frame_count: int | None  # null where the container does not say
    bit_rate: float | None  # bits per second, video stream if stated, else whole file
    pixel_format: str
    transfer: Transfer
    has_alpha: bool
    audio: AudioInfo | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameBatch:
    """Still frames: `rgb` uint8 (N, H, W, 3), `seconds` float64 (N,) ascending: each frame's presentation time."""

    rgb: NDArray[np.uint8]
    seconds: NDArray[np.float64]

    def __post_init__(self) -> None:
        require(
            self.rgb.ndim == 4 and self.rgb.shape[3] == 3 and self.rgb.dtype == np.uint8,
            f"rgb must be uint8 (N, H, W, 3), got {self.rgb.dtype} {self.rgb.shape}",
        )
        require(
            self.seconds.shape == (len(self.rgb),),
            f"seconds must be ({len(self.rgb)},), got {self.seconds.shape}",
        )

    def __len__(self) -> int:
        return len(self.rgb)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipBatch:
    """Clips for a video network: `rgb` uint8 (K, T, H, W, 3), `seconds` float64 (K, T)."""

    rgb: NDArray[np.uint8]
    seconds: NDArray[np.float64]

    def __post_init__(self) -> None:
        require(
            self.rgb.ndim == 5 and self.rgb.shape[4] == 3 and self.rgb.dtype == np.uint8,
            f"rgb must be uint8 (K, T, H, W, 3), got {self.rgb.dtype} {self.rgb.shape}",
        )
        require(
            self.seconds.shape == self.rgb.shape[:2], f"seconds must be {self.rgb.shape[:2]}, got {self.seconds.shape}"
        )

    def __len__(self) -> int:
        return len(self.rgb)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameRun:
    """Consecutive displayed frames, small and grey, for motion: `luma` uint8 (T, h, w), `seconds` float64 (T,)."""

    luma: NDArray[np.uint8]
    seconds: NDArray[np.float64]

    def __post_init__(self) -> None:
        require(
            self.luma.ndim == 3 and self.luma.dtype == np.uint8, f"luma must be uint8 (T, h, w), got {self.luma.shape}"
        )
        require(
            self.seconds.shape == (len(self.luma),), f"seconds must be ({len(self.luma)},), got {self.seconds.shape}"
        )

    def __len__(self) -> int:
        return len(self.luma)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PacketTable:
    """Every video packet by presentation time: `seconds` float64, `size_bytes` int64, `is_keyframe` bool, all (P,)."""

    seconds: NDArray[np.float64]
    size_bytes: NDArray[np.int64]
    is_keyframe: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shapes = {self.seconds.shape, self.size_bytes.shape, self.is_keyframe.shape}
        require(len(shapes) == 1 and self.seconds.ndim == 1, f"the three columns must be (P,), got {shapes}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cuts:
    """Shot boundaries: `seconds` float64 (K,) of the first frame after each; `verified` bool (K,): seen decoded."""

    seconds: NDArray[np.float64]
    verified: NDArray[np.bool_]

    def __post_init__(self) -> None:
        require(
            self.seconds.shape == self.verified.shape and self.seconds.ndim == 1, "seconds and verified must be (K,)"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """How loud the sound is as it was recorded, all channels at their own rate, in blocks of `hop_seconds`.

    All float64 (B,), block b from `start_seconds` + b · hop: `k_power` is the K-weighted power of ITU-R BS.1770-4, its
    channels weighted and added; `power` the mean square of the loudest channel; `peak` the largest sample; `clipped`
    the share 0–1 of samples at full scale in the worst channel. Full scale is 1. `true_peak` is the largest value
    between the samples too.
    """

    k_power: NDArray[np.float64]
    power: NDArray[np.float64]
    peak: NDArray[np.float64]
    clipped: NDArray[np.float64]
    true_peak: float
    hop_seconds: float
    start_seconds: float

    def __post_init__(self) -> None:
        shapes = {self.k_power.shape, self.power.shape, self.peak.shape, self.clipped.shape}
        require(len(shapes) == 1 and self.power.ndim == 1, f"the four columns must be (B,), got {shapes}")

    @property
    def seconds(self) -> NDArray[np.float64]:
        """When each block begins, float64 (B,)."""
        return np.asarray(self.start_seconds + self.hop_seconds * np.arange(len(self.power)), np.float64)

    @property
    def end_seconds(self) -> float:
        """When the last block ends."""
        return self.start_seconds + self.hop_seconds * len(self.power)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Audio:
    """Mono sound: `samples` float32 (S,) in −1…1 at `sample_rate` Hz; `samples[0]` plays at `start_seconds`.

    The samples are those of the first `AUDIO_SECONDS` at most; `levels` is of all of the sound.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    start_seconds: float
    levels: Levels | None = None

    def __post_init__(self) -> None:
        require(self.samples.ndim == 1 and self.samples.dtype == np.float32, "samples must be float32 (S,)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the scorers want decoded. Plans are united with `|`; zero means: not wanted.

    Memory is bounded by these numbers, never by the reel's length.
    """

    stills: int = 0  # places on a uniform grid over the whole reel
    hook_stills: int = 0  # places on a uniform grid over the first `HOOK_SECONDS`
    runs: bool = False  # runs of consecutive small grey frames (the hook whole, short ones elsewhere)
    cuts: bool = False  # shot boundaries
    clips: int = 0  # clips of 16 frames at 15 fps, at uniform places
    audio_rate: int = 0  # Hz of the mono mix
    pixel_budget: int = FULL_HD_PIXELS  # a larger still is scaled down to this many pixels
    start_seconds: float = 0.0  # the reel is taken to begin here: what lies before is not looked at
    exact: bool = False  # stills exactly on the grid instead of at the nearest keyframe
    coded_again: bool = False  # stills as for a copy: see `media.nearest_level`

    def __or__(self, other: Plan) -> Plan:
        return Plan(**{f.name: max(getattr(self, f.name), getattr(other, f.name)) for f in fields(Plan)})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reel:
    """An opened video: what the plan asked for, decoded once. What was not asked for is None or empty."""

    info: VideoInfo
    frames: FrameBatch
    hook: FrameBatch | None = None
    runs: tuple[FrameRun, ...] = ()
    packets: PacketTable | None = None
    cuts: Cuts | None = None
    clips: ClipBatch | None = None
    audio: Audio | None = None
    notes: tuple[str, ...] = ()  # one plain sentence for each thing that was missing or damaged

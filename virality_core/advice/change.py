"""One change to try on a reel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virality_core.types import AdviceKind

Frame = NDArray[np.uint8]  # (H, W, 3)
Edit = Callable[[Frame], Frame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stabilization:
    """`margin`: share 0–0.5 of each side that is cropped. `cut_seconds`: where new shots begin."""

    margin: float
    cut_seconds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """Any of: an edit of every frame, a gain of the sound, a later start (of the sound alone), another caption.

    Attributes:
        id: Unique within a report: the kind and a number, as in `exposure-1`.
        promise: Points that the signals concerned are still missing; orders the changes before they are tried.
        edit: With `stabilization`, the crop that it costs.
        detail_only: The edit only affects detail too fine for the small gray frames that motion is measured on, so
            those stay as they are: denoising them directly would remove what motion is found by.
        gain: dB; peaks are limited to −1 dBFS.
    """

    id: str = ""
    kind: AdviceKind
    start: float
    end: float
    text: str
    promise: float
    edit: Edit | None = None
    detail_only: bool = False
    stabilization: Stabilization | None = None
    gain: float = 0.0
    begin_seconds: float = 0.0
    sound_begin_seconds: float = 0.0
    caption: str | None = None

    @property
    def can_export(self) -> bool:
        """Whether it changes the video; a change of the caption alone does not."""
        return self.edit is not None or any((self.gain, self.begin_seconds, self.sound_begin_seconds))

"""What is known of a reel's cuts while they are looked for, and what its keyframes tell."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from virality_core.media.decoding.frame_decoder import Decoder
from virality_core.media.shots.packet_sizes import early_keyframes
from virality_core.media.shots.pixel_cuts import alike, cut_places, stack, thumb
from virality_core.types import Cuts, Progress

_SAME_CUT_SECONDS = 0.1
_MOST_KEYFRAMES = 24  # with more, decoding those not seen yet costs more than it tells


class Found:
    """Cuts so far, and which stretches were seen frame by frame."""

    def __init__(self) -> None:
        self._seconds: dict[float, bool] = {}
        self._seen: list[tuple[float, float]] = []

    def look_at(self, seconds: NDArray[np.float64], thumbs: Iterable[NDArray[np.float32]]) -> None:
        """Find the cuts in consecutive frames."""
        for place in cut_places(stack(thumbs)):
            self.add(float(seconds[place]), verified=True)
        if len(seconds) >= 3:
            self._seen.append((float(seconds[0]), float(seconds[-1])))

    def add(self, seconds: float, *, verified: bool) -> None:
        """Note a cut; once verified it stays so."""
        self._seconds[seconds] = self._seconds.get(seconds, False) or verified

    def was_seen(self, seconds: float) -> bool:
        """Whether every frame around this time was looked at."""
        return any(start < seconds <= end for start, end in self._seen)

    def has_between(self, start: float, end: float) -> bool:
        """Whether a cut was found after `start` and up to `end`."""
        return any(start < cut <= end for cut in self._seconds)

    def cuts(self) -> Cuts:
        """All cuts; of two that are nearly one, the verified or earlier."""
        kept: list[float] = []
        for cut in sorted(self._seconds):
            if kept and cut - kept[-1] < _SAME_CUT_SECONDS:
                if self._seconds[cut] and not self._seconds[kept[-1]]:
                    kept[-1] = cut
                continue
            kept.append(cut)
        return Cuts(
            seconds=np.array(kept, dtype=np.float64),
            verified=np.array([self._seconds[cut] for cut in kept], dtype=np.bool_),
        )


class Keyframes:
    """The shown keyframes: which come early, and how alike neighbours are where all can be looked at."""

    def __init__(self, decoder: Decoder, progress: Progress) -> None:
        table = decoder.survey
        self.ticks: NDArray[np.int64] = table.key_ticks
        self.seconds = table.seconds(self.ticks)
        self.early = frozenset(early_keyframes(np.searchsorted(table.shown, self.ticks), len(table.shown)))
        self._likeness: dict[int, float] = {}
        if len(self.ticks) <= _MOST_KEYFRAMES:
            thumbs = {round(small.seconds, 6): thumb(small.luma) for small in decoder.keyframes_small(progress)}
            for number in range(1, len(self.ticks)):
                before, here = (thumbs.get(round(float(self.seconds[i]), 6)) for i in (number - 1, number))
                if before is not None and here is not None:
                    self._likeness[number] = alike(before, here)

    def likeness(self, number: int) -> float | None:
        """Correlation −1 … 1 of keyframe `number` with the one before, None where it is not known."""
        return self._likeness.get(number)

    def likeness_around(self, seconds: float) -> float | None:
        """The same for the keyframes before and after a time."""
        return self.likeness(int(np.searchsorted(self.seconds, seconds, side="right")))

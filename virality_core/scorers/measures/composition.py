"""Where the eye goes first, and how close that is to the thirds of the frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 64  # pixels: the input size the method was designed for
_FLAT = 1.0  # luma standard deviation below which there is nothing to look at
_STRONGEST_SHARE = 0.10  # of the map is the subject: less jumps between spots, more ends up mid-frame
_SMOOTHING = 4.0  # pixels of the 64: Gaussian σ that joins spots into regions


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The most salient region: `x`, `y` as shares 0–1 of width and height, `focus` 0–1: its share of all saliency."""

    x: float
    y: float
    focus: float


def find_subject(luma: NDArray[np.uint8]) -> Subject | None:
    """The most salient region of a picture (H, W), or None for a flat one.

    The spectral residual map at 64 × 64; the subject is the mean position of its strongest 10 %. It is guessed from
    contrast and texture alone: it knows no faces, and two equal subjects average to the point between them.

    Source: X. Hou, L. Zhang, "Saliency detection: a spectral residual approach", CVPR 2007.
    """
    small = np.asarray(cv2.resize(luma, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)).astype(np.float32)
    if float(small.std()) < _FLAT:
        return None
    saliency = _spectral_residual(small)
    count = max(1, round(saliency.size * _STRONGEST_SHARE))
    strongest = np.argpartition(saliency.ravel(), -count)[-count:]
    weight = saliency.ravel()[strongest].astype(np.float64)
    rows, columns = np.divmod(strongest, _SIDE)
    total = float(weight.sum())
    return Subject(
        x=float(((columns + 0.5) * weight).sum() / total / _SIDE),
        y=float(((rows + 0.5) * weight).sum() / total / _SIDE),
        focus=min(1.0, total / float(saliency.sum())),
    )


def thirds_closeness(subject: Subject) -> float:
    """How close the subject is to the thirds, 0–1: crossing 1, middle of a line 0.75, dead center 0.5, corner 0.

    1 − 1.5 (d_x + d_y) with d the distance, in frame widths or heights, to the nearest vertical or horizontal third.

    Source: the rule of thirds as measured by L. Mai et al., "Rule of thirds detection from photograph", ISM 2011; the
    linear fall-off is this project's choice.
    """
    across, down = (min(abs(at - 1.0 / 3.0), abs(at - 2.0 / 3.0)) for at in (subject.x, subject.y))
    return float(np.clip(1.0 - 1.5 * (across + down), 0.0, 1.0))


def _spectral_residual(small: NDArray[np.float32]) -> NDArray[np.float32]:
    spectrum = np.fft.fft2(small)
    log_amplitude = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = log_amplitude - cv2.blur(log_amplitude, (3, 3), borderType=cv2.BORDER_REPLICATE)
    back = np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    return np.asarray(cv2.GaussianBlur((np.abs(back) ** 2).astype(np.float32), (0, 0), _SMOOTHING), dtype=np.float32)

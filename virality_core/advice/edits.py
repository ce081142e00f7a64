"""Edits of one frame, and the limiter of the sound."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.advice.change import Edit, Frame

PEAK_CEILING = 10.0 ** (-1.0 / 20.0)  # −1 dBFS
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear red, green and blue (ITU-R BT.709)


def gamma(power: float) -> Edit:
    """255 (v / 255) ^ power: under 1 brightens the midtones, over 1 darkens them; black and white stay."""
    return _lookup(255.0 * (np.arange(256) / 255.0) ** power)


def contrast(factor: float, center: float) -> Edit:
    """Multiply the distance of each value from `center` (0–255) by `factor`."""
    return _lookup(center + factor * (np.arange(256) - center))


def white_balance(light: NDArray[np.float64], share: float = 1.0) -> Edit:
    """Remove a share 0–1 of the tint of a light, linear red, green and blue (3,), at constant luminance.

    sRGB is approximated by a power of 2.2. A channel with hardly any light is not amplified to noise.
    """
    tint = np.maximum(light, 0.02 * light.max()) ** share
    linear = (np.arange(256)[:, None] / 255.0) ** 2.2 * (_LUMINANCE @ tint / tint)
    return _lookup(255.0 * np.clip(linear, 0, 1) ** (1 / 2.2))


def _lookup(values: NDArray[np.floating[Any]]) -> Edit:
    """Map each channel through a table (256,), or (256, 3) with one column per channel; rounded and clipped."""
    table = np.clip(np.round(values), 0, 255).astype(np.uint8).reshape(1, 256, -1)
    return lambda frame: np.asarray(cv2.LUT(frame, table if table.shape[2] == 3 else table[:, :, 0]), np.uint8)


def sharpen_radius(short_side: int) -> float:
    """Radius of the unsharp mask in pixels: wide, because blur on a phone spans several pixels."""
    return max(0.8, short_side / 200)


def sharpen(amount: float) -> Edit:
    """Unsharp mask: add `amount` times what a Gaussian blur of `sharpen_radius` removes."""

    def edit(frame: Frame) -> Frame:
        soft = cv2.GaussianBlur(frame, (0, 0), sharpen_radius(min(frame.shape[:2])))
        return np.asarray(cv2.addWeighted(frame, 1.0 + amount, soft, -amount, 0.0), np.uint8)

    return edit


def denoise(noise: float, strength: float) -> Edit:
    """Non-local means (A. Buades et al., CVPR 2005) for noise of `noise` 8-bit levels, on luma and chroma separately.

    `strength` is how far patches may differ, in standard deviations of the noise. Chroma is filtered at half size, as
    video stores it: OpenCV's function for color pictures is slower and leaves more noise.
    """
    reach = float(np.clip(strength * noise, 1.0, 40.0))

    def plane(values: NDArray[Any]) -> NDArray[np.uint8]:
        noisy = np.ascontiguousarray(values, np.uint8)
        if noisy.min() == noisy.max():  # the chroma of a gray picture
            return noisy
        return np.asarray(cv2.fastNlMeansDenoising(noisy, None, reach, 7, 11), np.uint8)

    def edit(frame: Frame) -> Frame:
        height, width = frame.shape[:2]
        half = (max(1, width // 2), max(1, height // 2))
        ycc = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)
        ycc[:, :, 0] = plane(ycc[:, :, 0])
        for channel in (1, 2):
            small = plane(cv2.resize(ycc[:, :, channel], half, interpolation=cv2.INTER_AREA))
            ycc[:, :, channel] = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB), np.uint8)

    return edit


def crop(left: float, top: float, right: float, bottom: float) -> Edit:
    """Crop to shares 0–1 of width and height; a frame that would be under 16 × 16 pixels stays whole."""

    def edit(frame: Frame) -> Frame:
        height, width = frame.shape[:2]
        x0, x1 = int(np.ceil(left * width)), int(right * width)
        y0, y1 = int(np.ceil(top * height)), int(bottom * height)
        cropped = frame[y0:y1, x0:x1]
        return frame if min(cropped.shape[:2]) < 16 else np.ascontiguousarray(cropped)

    return edit


def lightness(frames: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and standard deviation of CIE L* (0–100) over frames (N, H, W, 3): medians over frames, as the signals."""
    planes = [cv2.cvtColor(frame.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)[:, :, 0] for frame in frames]
    mean, deviation = np.median([(float(light.mean()), float(light.std())) for light in planes], axis=0)
    return float(mean), float(deviation)


def amplify(samples: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Samples times `factor`, with a soft limiter (tanh above half of the ceiling) that keeps them under −1 dBFS."""
    louder = samples * np.float32(factor)
    knee = np.float32(PEAK_CEILING / 2)
    size = np.abs(louder)
    bent = np.sign(louder) * (knee + (PEAK_CEILING - knee) * np.tanh((size - knee) / (PEAK_CEILING - knee)))
    return np.where(size > knee, bent, louder).astype(np.float32)

"""HDR to SDR: HLG and PQ frames with BT.2020 colors as an SDR screen shows them.

Signal to light: ITU-R BT.2100-2, tables 4 and 5 (HLG's system gamma 1.2 is for a 1,000 cd/m² screen). Diffuse white,
203 cd/m² (ITU-R BT.2408-7), becomes SDR white; brighter highlights are rolled off by the EETF of ITU-R BT.2390-11,
section 5.4.1, driven by the largest of R, G, B to keep hues. BT.2020 to BT.709 primaries: ITU-R BT.2087-0. SDR light to
signal: the inverse of ITU-R BT.1886 (gamma 2.4).
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.types import Transfer

DIFFUSE_WHITE = 203.0  # cd/m², BT.2408
PEAK = 1000.0  # cd/m²: HLG's nominal peak, and the usual mastering peak of PQ; anything above is white
HLG_SYSTEM_GAMMA = 1.2
SDR_GAMMA = 2.4
_HLG_A, _HLG_B, _HLG_C = 0.17883277, 0.28466892, 0.55991073
_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
_PQ_C1, _PQ_C2, _PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_LUMA_2020 = np.array([[0.2627, 0.6780, 0.0593]], np.float32)
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
_BAND_ROWS = 64  # converted at a time: the light of a whole frame is 12 bytes per pixel
_STEPS = 4096  # entries of the look-up tables: four times finer than a 10-bit code
_MAX_LIGHT = PEAK / DIFFUSE_WHITE
_INDEX_SCALE = float((_STEPS - 1) / np.sqrt(_MAX_LIGHT))

Float = NDArray[np.float64]


def to_sdr(signal: NDArray[np.uint16], transfer: Transfer) -> NDArray[np.uint8]:
    """Convert an HLG or PQ frame, uint16 (H, W, 3) full-range RGB, to SDR RGB, uint8 (H, W, 3)."""
    out = np.empty(signal.shape, np.uint8)
    for top in range(0, len(signal), _BAND_ROWS):
        out[top : top + _BAND_ROWS] = _band_to_sdr(signal[top : top + _BAND_ROWS], transfer)
    return out


def _band_to_sdr(signal: NDArray[np.uint16], transfer: Transfer) -> NDArray[np.uint8]:
    light = _signal_table(transfer)[signal >> 4]  # float32: HLG scene light 0–1, PQ display light in diffuse whites
    if transfer == "hlg":
        scene_luma = cv2.transform(light, _LUMA_2020)
        light *= _MAX_LIGHT * cv2.pow(np.maximum(scene_luma, 1e-6), HLG_SYSTEM_GAMMA - 1.0)[:, :, None]
    light = np.maximum(cv2.transform(light, _TO_709), 0.0)
    strongest = np.minimum(light.max(axis=2), _MAX_LIGHT)
    gain = _GAIN_TABLE[_table_index(strongest)]
    return _CODE_TABLE[_table_index(np.minimum(light * gain[:, :, None], _MAX_LIGHT))]


def gray_to_sdr(level: Float, transfer: Transfer) -> Float:
    """The same for gray: HDR signal 0–1 to SDR signal 0–1."""
    if transfer == "hlg":
        light = _MAX_LIGHT * hlg_to_scene(level) ** HLG_SYSTEM_GAMMA
    else:
        light = pq_to_light(level) / DIFFUSE_WHITE
    return np.clip(roll_off(light), 0.0, 1.0) ** (1 / SDR_GAMMA)


def hlg_to_scene(signal: Float) -> Float:
    """HLG signal 0–1 to scene light 0–1 (inverse OETF, BT.2100 table 5)."""
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - _HLG_C) / _HLG_A) + _HLG_B) / 12)


def pq_to_light(signal: Float) -> Float:
    """PQ signal 0–1 to display light in cd/m² (EOTF, BT.2100 table 4)."""
    power = signal ** (1 / _PQ_M2)
    return 10_000.0 * (np.maximum(power - _PQ_C1, 0.0) / (_PQ_C2 - _PQ_C3 * power)) ** (1 / _PQ_M1)


def light_to_pq(light: Float) -> Float:
    """Display light in cd/m² to PQ signal 0–1."""
    power = (np.maximum(light, 0.0) / 10_000.0) ** _PQ_M1
    return ((_PQ_C1 + _PQ_C2 * power) / (1 + _PQ_C3 * power)) ** _PQ_M2


def roll_off(light: Float) -> Float:
    """Light in diffuse whites, 0 to PEAK, to SDR light 0–1: the EETF of BT.2390, a spline above its knee."""
    peak = float(light_to_pq(np.array(PEAK)))
    top = float(light_to_pq(np.array(DIFFUSE_WHITE))) / peak
    knee = 1.5 * top - 0.5
    signal = np.minimum(light_to_pq(light * DIFFUSE_WHITE) / peak, 1.0)
    t = np.maximum(signal - knee, 0.0) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * top
    return pq_to_light(np.where(signal < knee, signal, spline) * peak) / DIFFUSE_WHITE


def _table_index(light: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The table index of a light of 0 to _MAX_LIGHT: its square root, for detail in shadows."""
    return (cv2.sqrt(light) * _INDEX_SCALE + 0.5).astype(np.uint16)


@lru_cache
def _signal_table(transfer: Transfer) -> NDArray[np.float32]:
    signal = np.arange(_STEPS) / (_STEPS - 1)
    light = hlg_to_scene(signal) if transfer == "hlg" else np.minimum(pq_to_light(signal), PEAK) / DIFFUSE_WHITE
    return light.astype(np.float32)


_LIGHT = (np.arange(_STEPS) / _INDEX_SCALE) ** 2  # by table index
_GAIN_TABLE = (roll_off(np.maximum(_LIGHT, 1e-6)) / np.maximum(_LIGHT, 1e-6)).astype(np.float32)
_CODE_TABLE = np.round(255 * np.clip(_LIGHT, 0.0, 1.0) ** (1 / SDR_GAMMA)).astype(np.uint8)

"""Colors: the right matrix and range, HDR brought to SDR, small gray frames that agree with the pictures."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.media.clips import Clip
from virality_core.media import open_reel
from virality_core.media.color import hdr
from virality_core.types import Plan, Reel

MakeClip = Callable[..., Clip]
X264 = (("preset", "veryfast"), ("crf", "6"))
PATCHES = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 150, 120))
WIDTH, HEIGHT = 224, 128


def patches(number: int, width: int, height: int) -> NDArray[np.uint8]:
    image = np.zeros((height, width, 3), np.uint8)
    for place, color in enumerate(PATCHES):
        image[:, place * width // len(PATCHES) : (place + 1) * width // len(PATCHES)] = color
    return image


def seen_patches(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    width = image.shape[1] // len(PATCHES)
    middles = [image[:, int((i + 0.25) * width) : int((i + 0.75) * width)] for i in range(len(PATCHES))]
    return np.array([middle.reshape(-1, 3).mean(axis=0) for middle in middles])


@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(("label", "matrix"), [("BT.709", 1), ("BT.601", 6)])
def test_matrix_and_range_are_the_streams(make_clip: MakeClip, label: str, matrix: int, full_range: bool) -> None:
    clip = make_clip(
        frames=4,
        width=WIDTH,
        height=HEIGHT,
        options=X264,
        pixel_format="yuv444p",
        colors=(1, 1, matrix, 2 if full_range else 1),
        draw=patches,
    )
    reel = open_reel(clip.path, Plan(stills=1, runs=True))
    np.testing.assert_allclose(seen_patches(reel.frames.rgb[0]), np.array(PATCHES), atol=4)
    gray = reel.runs[0].luma[0]
    assert gray[:, 100:110].max() <= 255
    assert gray[5, 3 * WIDTH // 7 + 8] == pytest.approx(255, abs=2)
    assert gray[5, 4 * WIDTH // 7 + 8] == pytest.approx(0, abs=2)
    assert gray[5, 5 * WIDTH // 7 + 8] == pytest.approx(128, abs=2)


@pytest.mark.parametrize(("width", "height", "matrix"), [(224, 128, 6), (224, 720, 1), (1280, 64, 1)])
def test_unlabeled_is_601_when_small_and_709_when_large(
    make_clip: MakeClip, width: int, height: int, matrix: int
) -> None:
    clip = make_clip(
        frames=1,
        width=width,
        height=height,
        options=X264,
        pixel_format="yuv444p",
        colors=(1, 1, matrix, 1),
        labeled=False,
        draw=patches,
    )
    with av.open(str(clip.path)) as container:
        assert next(container.decode(video=0)).colorspace == 2, "still labeled: nothing would be tested"
    reel = open_reel(clip.path, Plan(stills=1))
    np.testing.assert_allclose(seen_patches(reel.frames.rgb[0]), np.array(PATCHES), atol=4)


def scene(number: int) -> NDArray[np.float64]:
    """An SDR picture 0–1 like a filmed one: a gradient of colors, a bright sky, dark ground, moving; (H, W, 3)."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / np.array([HEIGHT, WIDTH])[:, None, None]
    red = 0.15 + 0.6 * np.exp(-((x - 0.3 - number / 60) ** 2 + (y - 0.5) ** 2) / 0.05)
    green = 0.2 + 0.5 * (1 - y)
    blue = 0.25 + 0.6 * (1 - y) ** 2 * (0.5 + 0.5 * np.sin(6 * x))
    return np.clip(np.stack([red, green, blue], axis=2), 0.0, 1.0)


def to_2020(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """BT.709 to BT.2020 primaries, linear light (BT.2087-0, equation M2)."""
    matrix = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    return np.clip(light @ matrix.T, 0.0, None)


def as_pq(sdr: NDArray[np.float64]) -> NDArray[np.float64]:
    """SDR signal to PQ with SDR white at 203 cd/m² (BT.2408, display-light mapping)."""
    return hdr.light_to_pq(203.0 * to_2020(sdr**2.4))


def as_hlg(sdr: NDArray[np.float64]) -> NDArray[np.float64]:
    """SDR signal to HLG with SDR white at 75 % (BT.2408, display-light mapping): inverse OOTF, then OETF (BT.2100)."""
    display = 203.0 / 1000.0 * to_2020(sdr**2.4)
    luma = display @ np.array([0.2627, 0.6780, 0.0593])
    light = display * np.maximum(luma, 1e-9)[:, :, None] ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(light <= 1 / 12, np.sqrt(3 * light), a * np.log(np.maximum(12 * light - b, 1e-9)) + c)


def write_scene(path: Path, signal: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None) -> Path:
    """The scene as SDR H.264, or by `signal` as 10-bit HEVC of BT.2020 color with the right labels."""
    transfer = {None: 1, as_pq: 16, as_hlg: 18}[signal]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265" if signal else "libx264", rate=30)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuv420p10le" if signal else "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "8", **({"x265-params": "log-level=none"} if signal else {})}
        primaries, matrix = (9, 9) if signal else (1, 1)
        stream.color_primaries, stream.color_trc, stream.colorspace, stream.color_range = primaries, transfer, matrix, 1
        for number in range(6):
            picture = scene(number)
            if signal is not None:
                deep = np.round(signal(picture) * 65535).astype(np.uint16)
                frame = av.VideoFrame.from_ndarray(deep, format="rgb48le")
            else:
                frame = av.VideoFrame.from_ndarray(np.round(picture * 255).astype(np.uint8), format="rgb24")
            frame = frame.reformat(
                format=stream.pix_fmt, dst_colorspace="BT2020" if signal else "ITU709", dst_color_range="MPEG"
            )
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reel]:
    folder = tmp_path_factory.mktemp("twins")
    plan = Plan(stills=4, runs=True, exact=True)
    signals = {"sdr": None, "pq": as_pq, "hlg": as_hlg}
    return {name: open_reel(write_scene(folder / f"{name}.mp4", signal), plan) for name, signal in signals.items()}


def mean_luma(rgb: NDArray[np.uint8]) -> float:
    return float((rgb @ np.array([0.2126, 0.7152, 0.0722])).mean())


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_hdr_looks_like_its_sdr_twin(twins: dict[str, Reel], transfer: str) -> None:
    reel, twin = twins[transfer], twins["sdr"]
    assert reel.info.transfer == transfer
    assert any("HDR" in note for note in reel.notes)
    assert mean_luma(reel.frames.rgb) == pytest.approx(mean_luma(twin.frames.rgb), rel=0.05)
    for channel in range(3):
        ours, theirs = reel.frames.rgb[..., channel].mean(), twin.frames.rgb[..., channel].mean()
        assert ours == pytest.approx(theirs, rel=0.08)
    assert reel.runs[0].luma.mean() == pytest.approx(twin.runs[0].luma.mean(), rel=0.10)


def test_sdr_decodes_to_what_was_drawn(twins: dict[str, Reel]) -> None:
    drawn = np.stack([scene(number) for number in range(6)]) * 255
    seen = twins["sdr"].frames
    for seconds, image in zip(seen.seconds, seen.rgb, strict=True):
        assert np.abs(image - drawn[round(seconds * 30)]).mean() < 2.0


def test_roll_off_keeps_middle_tones_and_reaches_white() -> None:
    light = np.linspace(0.0, hdr.PEAK / hdr.DIFFUSE_WHITE, 500)
    rolled = hdr.roll_off(light)
    np.testing.assert_allclose(rolled[light < 0.4], light[light < 0.4], atol=1e-6)
    assert (np.diff(rolled) >= -1e-9).all()
    assert rolled[-1] == pytest.approx(1.0, abs=1e-6)


def test_signals_invert() -> None:
    light = np.array([0.0, 0.1, 5.0, 100.0, 203.0, 1000.0, 10_000.0])
    np.testing.assert_allclose(hdr.pq_to_light(hdr.light_to_pq(light)), light, rtol=1e-6, atol=1e-6)
    assert float(hdr.light_to_pq(np.array(203.0))) == pytest.approx(0.58, abs=0.005)  # BT.2408, table 1
    assert float(hdr.hlg_to_scene(np.array(0.75))) == pytest.approx(3.18 / 12, abs=1e-3)  # BT.2408: 26.5 %

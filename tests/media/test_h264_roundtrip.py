"""A copy has the colors of its original, and a picture coded alone is what the copy's is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from virality_core.advice.edits import gamma
from virality_core.media import open_reel
from virality_core.media.color import yuv_to_rgb
from virality_core.media.encoding.edited_copy import Edits, write_edited
from virality_core.media.encoding.h264_roundtrip import roundtrip
from virality_core.types import Plan

_SHARES = {Colorspace.ITU709: (0.2126, 0.0722), Colorspace.ITU601: (0.299, 0.114), Colorspace.BT2020: (0.2627, 0.0593)}


def _picture(height: int, width: int) -> NDArray[np.uint8]:
    """Patches of color with soft edges."""
    coarse = np.random.default_rng(3).integers(20, 236, (height // 20 + 1, width // 20 + 1, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("matrix", list(_SHARES))
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("size", [(48, 64), (33, 51)])
def test_levels_are_the_nearest(matrix: Colorspace, full: bool, size: tuple[int, int]) -> None:
    height, width = size
    chance = np.random.default_rng(1)
    small = ((height + 1) // 2, (width + 1) // 2)
    luma, blue, red = (chance.integers(60, 180, shape, dtype=np.uint8) for shape in (size, small, small))
    blue, red = blue // 4 + 100, red // 4 + 100  # nothing is clipped
    frame = VideoFrame(width, height, "yuvj420p" if full else "yuv420p")
    for plane, samples in zip(frame.planes, (luma, blue, red), strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = samples
        plane.update(rows.tobytes())
    frame.color_range = ColorRange.JPEG if full else ColorRange.MPEG
    red_share, blue_share = _SHARES[matrix]
    by_luma, by_color = (1.0, 1.0) if full else (255 / 219, 255 / 224)
    light = (luma - (0.0 if full else 16.0)) * by_luma
    of_blue, of_red = ((np.kron(one, np.ones((2, 2)))[:height, :width] - 128.0) * by_color for one in (blue, red))
    wanted_red, wanted_blue = light + 2 * (1 - red_share) * of_red, light + 2 * (1 - blue_share) * of_blue
    wanted_green = (light - red_share * wanted_red - blue_share * wanted_blue) / (1 - red_share - blue_share)
    wanted = np.stack([wanted_red, wanted_green, wanted_blue], axis=2)
    assert 0 < wanted.min() < wanted.max() < 255
    got = yuv_to_rgb.rgb(frame, matrix, full=full)
    assert got.shape == (height, width, 3)
    assert np.abs(got - wanted).max() < 0.6


@pytest.mark.parametrize(
    "labels",
    [
        [],
        ["-color_range", "pc", "-pix_fmt", "yuvj420p"],
        ["-pix_fmt", "yuv420p10le"],
        ["-pix_fmt", "yuv422p"],
        ["-color_range", "pc", "-pix_fmt", "yuvj422p"],
    ],
)
def test_a_copy_is_no_darker(drawn_clip: Path, tmp_path: Path, labels: list[str]) -> None:
    reel = tmp_path / "reel.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(drawn_clip), "-t", "1", *labels, str(reel)]
    subprocess.run(command, check=True)
    again = reel
    for number in range(3):  # what is lost each time adds up
        again = write_edited(again, tmp_path / f"{number}.mp4", Edits(edit_frame=lambda rgb: rgb))
    before, after = (open_reel(path, Plan(stills=3)).frames.rgb.astype(float) for path in (reel, again))
    assert before.shape == after.shape
    brighter = (after - before).mean(axis=(0, 1, 2))
    assert brighter.min() > -0.7  # levels; −3 where each copy rounds down
    assert brighter.max() < 1.2  # swscale takes 10 bits for a little darker than 8


def test_a_picture_coded_alone_has_what_the_copys_has(drawn_clip: Path, tmp_path: Path) -> None:
    """Fine grain, which the coder drops, is gone from both."""
    reel = tmp_path / "reel.mp4"
    faint = ["-t", "1", "-vf", "noise=alls=6:allf=t", "-crf", "1"]
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(drawn_clip), *faint, str(reel)], check=True
    )
    copy = write_edited(reel, tmp_path / "copy.mp4", Edits(edit_frame=lambda rgb: rgb))
    before, after = (open_reel(path, Plan(stills=3)).frames.rgb for path in (reel, copy))

    def grain(frames: NDArray[np.uint8]) -> float:
        luma = frames.mean(axis=3)
        return float(np.median(np.abs(luma - np.stack([cv2.GaussianBlur(one, (0, 0), 1.5) for one in luma]))))

    alone, copied, as_it_was = (grain(one) for one in (np.stack([roundtrip(still) for still in before]), after, before))
    assert copied < 0.9 * as_it_was
    assert abs(alone - copied) < 0.5 * (as_it_was - copied)


@pytest.mark.parametrize("power", [1.0, 0.4])
def test_a_trial_has_the_light_of_the_copys_report(drawn_clip: Path, tmp_path: Path, power: float) -> None:
    """Reports read pictures a level darker than they are. What is tried on those is darker still where it lifts."""
    reel = tmp_path / "reel.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(drawn_clip), "-t", "1", "-vf", "eq=gamma=0.4"]
    subprocess.run([*command, "-crf", "12", str(reel)], check=True)
    copy = write_edited(reel, tmp_path / "copy.mp4", Edits(edit_frame=gamma(power)))
    reported = open_reel(copy, Plan(stills=3)).frames.rgb.astype(float)

    def off(*, coded_again: bool) -> float:
        stills = open_reel(reel, Plan(stills=3, coded_again=coded_again)).frames.rgb
        tried = np.stack([roundtrip(gamma(power)(still)) for still in stills])
        return float((tried - reported).mean())

    assert off(coded_again=True) == pytest.approx(0.0, abs=0.25)
    assert off(coded_again=False) < -0.4


def test_sides_are_made_even_and_a_lone_line_is_left() -> None:
    picture = _picture(61, 81)
    coded = roundtrip(picture)
    assert coded.shape == (60, 80, 3)
    assert np.abs(coded.astype(float) - picture[:60, :80]).mean() < 5.0
    line = np.full((1, 9, 3), 200, np.uint8)
    assert roundtrip(line) is line


def test_a_shrunk_picture_loses_less() -> None:
    picture = np.clip(_picture(96, 96) + np.random.default_rng(2).normal(0, 8, (96, 96, 1)), 0, 255).astype(np.uint8)
    luma = [roundtrip(picture, shrunk=shrunk).astype(float).mean(axis=2) for shrunk in (1.0, 2.0, 4.0)]
    lost = [np.abs(one - picture.mean(axis=2)).mean() for one in luma]
    assert lost == sorted(lost, reverse=True)
    assert lost[2] < 0.8 * lost[0]

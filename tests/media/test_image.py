"""Still pictures a stranger gives: upright, in 8-bit RGB, bounded, and one sentence for what is none."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from virality_core.errors import InputError
from virality_core.media import image
from virality_core.media.image import read_image

RED, GREEN = (200, 30, 40), (10, 180, 60)


def _two_halves(mode: str = "RGB") -> Image.Image:
    """8 wide, 4 high: the left half red, the right half green."""
    picture = Image.new("RGB", (8, 4), RED)
    picture.paste(GREEN, (4, 0, 8, 4))
    return picture.convert(mode)


def test_plain_rgb(tmp_path: Path) -> None:
    _two_halves().save(tmp_path / "a.png")
    rgb = read_image(tmp_path / "a.png")
    assert rgb.shape == (4, 8, 3)
    assert rgb.dtype == np.uint8
    assert tuple(rgb[0, 0]) == RED
    assert tuple(rgb[0, 7]) == GREEN


@pytest.mark.parametrize(
    ("orientation", "shape", "top_left"), [(1, (4, 8), RED), (3, (4, 8), GREEN), (6, (8, 4), RED), (8, (8, 4), GREEN)]
)
def test_exif_orientation(
    tmp_path: Path, orientation: int, shape: tuple[int, int], top_left: tuple[int, int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    _two_halves().save(tmp_path / "a.png", exif=exif)
    rgb = read_image(tmp_path / "a.png")
    assert rgb.shape[:2] == shape
    assert tuple(rgb[0, 0]) == top_left


def test_gray_palette_and_cmyk(tmp_path: Path) -> None:
    Image.new("L", (4, 4), 77).save(tmp_path / "gray.png")
    assert read_image(tmp_path / "gray.png").tolist() == np.full((4, 4, 3), 77).tolist()
    _two_halves("P").save(tmp_path / "palette.gif")
    assert np.abs(read_image(tmp_path / "palette.gif")[0, 0].astype(int) - RED).max() < 30
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg")
    red = read_image(tmp_path / "cmyk.jpg")[4, 4]
    assert red[0] > 200 > 60 > max(red[1], red[2])


def test_sixteen_bit_gray_is_scaled(tmp_path: Path) -> None:
    values = np.array([[0, 257 * 100, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert read_image(tmp_path / "deep.png")[0, :, 0].tolist() == [0, 100, 255]


def test_transparency_shows_white(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    picture.putpixel((1, 0), (*RED, 255))
    picture.save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == [[[255, 255, 255], list(RED)]]
    one_bit = Image.new("P", (2, 1), 0)
    one_bit.putpalette([0, 0, 0, *RED])
    one_bit.putpixel((1, 0), 1)
    one_bit.save(tmp_path / "p.png", transparency=0)
    assert read_image(tmp_path / "p.png").tolist() == [[[255, 255, 255], list(RED)]]


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in (RED, GREEN)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert tuple(read_image(tmp_path / "a.webp")[0, 0]) == RED


def _png_header(width: int, height: int) -> bytes:
    """A PNG of few bytes that claims to be this large."""
    content = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return content


@pytest.mark.parametrize("size", [(6000, 5001), (9000, 9000), (12_000, 12_000), (100_000, 100_000)])
def test_bombs_are_refused_before_they_are_decoded(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, size: tuple[int, int]
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_header(*size))
    with pytest.raises(InputError, match="at most 30 million"):
        read_image(path)
    assert not recwarn.list


def test_the_largest_allowed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _two_halves().save(tmp_path / "a.png")
    monkeypatch.setattr(image, "MAX_IMAGE_PIXELS", 32)
    read_image(tmp_path / "a.png")
    monkeypatch.setattr(image, "MAX_IMAGE_PIXELS", 31)
    with pytest.raises(InputError, match="8×4 pixels"):
        read_image(tmp_path / "a.png")


def _encoded(kind: str) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with io.BytesIO() as buffer:
        Image.fromarray(noise).save(buffer, kind)
        return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_damaged_pictures_are_one_sentence(tmp_path: Path, kind: str) -> None:
    """Cut anywhere, or with bytes overturned: read, or refused with one sentence, never another error."""
    content = _encoded(kind)
    rng = np.random.default_rng(1)
    path = tmp_path / "damaged"
    refused = []
    for trial in range(60):
        broken = bytearray(content[: rng.integers(1, len(content))] if trial % 2 else content)
        for position in rng.integers(0, min(len(broken), 200), 4):
            broken[position] = rng.integers(0, 256)
        path.write_bytes(broken)
        try:
            read_image(path)
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 10
    assert all("\n" not in said and said.endswith(".") for said in refused)


def test_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name, said in (
        ("text.jpg", "text.jpg is not a picture"),
        ("empty.jpg", "empty.jpg is not a picture"),
        ("missing.jpg", "There is no file"),
        (".", "is a folder"),
    ):
        with pytest.raises(InputError, match=said):
            read_image(tmp_path / name)


def test_what_runs_another_program_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n")
    with pytest.raises(InputError, match="not a picture"):
        read_image(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    with pytest.raises(InputError, match="not a file"):
        read_image(path)


@pytest.mark.parametrize(("mode", "most"), [("RGB", 12), ("RGBA", 16), ("LA", 16), ("P", 16), ("I;16", 12)])
def test_memory_is_a_few_times_the_picture(tmp_path: Path, mode: str, most: int) -> None:
    """Peak bytes a pixel, above what the program has anyway: a mode's detours through wider numbers count."""
    path = tmp_path / "large.png"
    Image.new(mode, (4000, 2500)).save(path, **({"transparency": 0} if mode == "P" else {}))
    code = (
        "import resource, sys, pathlib\n"
        "from virality_core.media.image import read_image\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); read_image(pathlib.Path(sys.argv[1])); print(peak() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < most * 4000 * 2500

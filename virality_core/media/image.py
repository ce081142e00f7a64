"""Opens a still picture a stranger gave: bounded, upright, as plain RGB."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from virality_core.errors import InputError

MAX_IMAGE_PIXELS = 80_000_000  # 240 MB as RGB; more than a phone's camera gives outside its 108 and 200 Mpx modes

_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error)


#: Pillow's others are rare, and one (EPS) has another program run what a stranger sent
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")


def read_image(path: Path) -> NDArray[np.uint8]:
    """The picture as uint8 (H, W, 3) sRGB, turned as its EXIF orientation says; of an animation the first frame.

    Transparent parts show white behind them; grey becomes RGB; 16-bit grey is scaled to 8 bits.

    Raises:
        InputError: not a picture, damaged, or over `MAX_IMAGE_PIXELS`.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):  # a FIFO would be waited for without end
        raise InputError(f"{path} is not a file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, for which the limit below is stricter, and of odd metadata
            with Image.open(path, formats=_FORMATS) as picture:
                width, height = picture.size
                if width * height > MAX_IMAGE_PIXELS:
                    raise InputError(_too_large(path, f"{width}×{height} pixels"))
                return _rgb(ImageOps.exif_transpose(picture))
    except Image.DecompressionBombError:
        raise InputError(_too_large(path, "far more pixels than that")) from None
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a picture.") from None
    except PermissionError:
        raise InputError(f"The file {path} may not be read.") from None
    except UnidentifiedImageError:
        raise InputError(f"{path.name} is not a picture this program can read; use JPEG, PNG or WebP.") from None
    except _DAMAGED as error:
        raise InputError(f"{path.name} is damaged and can't be read as a picture.") from error


def _rgb(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode.startswith("I"):  # 16-bit grey, which Pillow's own conversion would clip at 255
        values = np.asarray(picture, dtype=np.int64)
        grey = np.clip(values // 257, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"))


def _too_large(path: Path, size: str) -> str:
    return f"{path.name} has {size}; at most {MAX_IMAGE_PIXELS // 1_000_000} million can be scored."

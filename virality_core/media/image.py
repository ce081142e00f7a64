"""Opens an untrusted still picture: bounded, upright, as RGB."""

from __future__ import annotations

import errno
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from virality_core.errors import InputError
from virality_core.files import open_regular, printable

MAX_IMAGE_PIXELS = 30_000_000  # 90 MB as RGB; phone cameras give 12 to 24 million

_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, zlib.error)

#: Pillow's other formats are rare, and one (EPS) runs untrusted code in another program.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")


def read_image(path: Path) -> NDArray[np.uint8]:
    """The picture as uint8 (H, W, 3) sRGB, in its EXIF orientation; the first frame of an animation.

    Transparent parts are shown over white; gray becomes RGB; 16-bit gray is scaled to 8 bits.

    Raises:
        InputError: not a picture, damaged, or over `MAX_IMAGE_PIXELS`.
    """
    name = printable(path.name or path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes, where the limit below is stricter, and odd metadata
            with open_regular(path) as file, Image.open(file, formats=_FORMATS) as picture:
                width, height = picture.size
                if width * height > MAX_IMAGE_PIXELS:
                    raise InputError(_too_large(name, f"{width}×{height} pixels"))
                ImageOps.exif_transpose(picture, in_place=True)
                return _rgb(picture)
    except Image.DecompressionBombError:
        raise InputError(_too_large(name, "far too many pixels")) from None
    except FileNotFoundError:
        raise InputError(f"There is no file {printable(path)}.") from None
    except IsADirectoryError:
        raise InputError(f"{name} is a folder, not a picture.") from None
    except PermissionError:
        raise InputError(f"The file {name} can't be read; check its permissions.") from None
    except UnidentifiedImageError:
        raise InputError(f"{name} is not a picture this program can read; use JPEG, PNG or WebP.") from None
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno == errno.EINVAL:
            raise InputError(f"{name} is not a file; it is a pipe or a device.") from None
        raise InputError(f"{name} is damaged and can't be read as a picture.") from error


def _rgb(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode.startswith("I"):  # 16-bit gray, which Pillow would clip at 255
        values = np.asarray(picture)
        rgb = np.empty((*values.shape, 3), np.uint8)
        for row, line in zip(rgb, values, strict=True):  # by line, since int64 takes 8 times the memory
            row[:] = np.clip(line.astype(np.int64) // 257, 0, 255)[:, None]
        return rgb
    if picture.has_transparency_data:
        foreground = picture if picture.mode in ("RGBA", "LA") else picture.convert("RGBA")
        alpha = foreground.getchannel("A")
        picture = Image.new("RGB", foreground.size, "white")
        picture.paste(foreground.convert("RGB"), mask=alpha)
        del foreground, alpha
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _too_large(name: str, size: str) -> str:
    return f"{name} has {size}; at most {MAX_IMAGE_PIXELS // 1_000_000} million can be scored."

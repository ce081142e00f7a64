"""`python -m recipes.vsfa_lite.gcompris ROOT`: takes the photos out of gcompris-qt-data's archives.

Debian's package holds them as WebP in Qt's resource archives (.rcc), where each stands whole, one behind the other.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import cv2
import numpy as np

from virality_core.errors import InputError, ViralityError

#: Archive → how many of its pictures are photos, large enough and not squeezed: `_SHORT_SIDE` and `_BYTES` at least.
PHOTOS = {
    "explore_monuments": 38,
    "explore_world_animals": 13,
    "explore_farm_animals": 6,
    "explore_world_music": 6,
    "erase": 32,
}
_SHORT_SIDE, _BYTES = 378, 40_000
_WEBP = re.compile(rb"RIFF(.{4})WEBP", re.DOTALL)


def unpack(root: Path) -> list[Path]:
    """Write the photos as root/gcompris-qt-data/ARCHIVE-NUMBER.webp, numbered from 1 in the archive's order.

    Args:
        root: the folder that `dpkg -x` unpacked the package into.

    Raises:
        InputError: an archive is missing, or is of another version: it has another number of photos.
    """
    folder = root / "gcompris-qt-data"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for archive, count in PHOTOS.items():
        path = root / "usr/share/gcompris-qt/rcc" / f"{archive}.rcc"
        if not path.is_file():
            raise InputError(f"{path} is missing: it comes with the package gcompris-qt-data.")
        photos = _photos(path.read_bytes())
        if len(photos) != count:
            raise InputError(f"{path} has {len(photos)} photos, not {count}: take gcompris-qt-data 3.1.")
        for number, photo in enumerate(photos, start=1):
            written.append(folder / f"{archive}-{number}.webp")
            written[-1].write_bytes(photo)
    return written


def _photos(archive: bytes) -> list[bytes]:
    found = []
    for begin in _WEBP.finditer(archive):
        size = int.from_bytes(begin[1], "little") + 8  # RIFF counts what comes behind it
        if size < _BYTES:
            continue
        photo = archive[begin.start() : begin.start() + size]
        pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
        if pixels is not None and min(pixels.shape[:2]) >= _SHORT_SIDE:
            found.append(photo)
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m recipes.vsfa_lite.gcompris", description=__doc__)
    parser.add_argument("root", type=Path, help="folder that the package is unpacked in")
    try:
        sys.stdout.write(f"{len(unpack(parser.parse_args(arguments).root))} photos\n")
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

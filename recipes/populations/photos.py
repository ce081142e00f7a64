"""Measures a folder of photos: the quantiles that percentiles of the look measures refer to.

    python -m recipes.populations.photos --photos DIR

Writes one file per measure with its 99 quantiles, never a photo or its values.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from virality_core.errors import InputError
from virality_core.media.image import read_image
from virality_core.scorers.measures.exposure_and_color import color_cast
from virality_core.scorers.measures.letterbox import picture_box
from virality_core.scorers.picture.look import FrameLook, measure_still

COMMAND = "python -m recipes.populations.photos"
OUT = Path("virality_core/config/populations")
_MEASURES: dict[str, tuple[str, Callable[[FrameLook], float | None]]] = {
    "contrast": ("standard deviation of CIE lightness L*, 0-50", lambda look: look.contrast),
    "colourfulness": ("Hasler & Süsstrunk's M", lambda look: look.colourfulness),
    "white_balance": (
        "degrees between the light's colour and white, for the ends of its range in signals.toml",
        lambda look: None if look.light is None else color_cast(look.light),
    ),
    "sharpness": ("MTF50 of the strongest edges, cycles per short side at 256 pixels", lambda look: look.sharpness),
    "composition": ("closeness of the most salient place to the thirds, 0-1", lambda look: look.composition),
}
_MIN_PHOTOS = 100  # with fewer, the 1 % and 99 % quantiles are single photos


def photo_files(folder: Path) -> list[Path]:
    """The JPEG and PNG files of a folder, sorted."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def measure_photos(paths: Sequence[Path]) -> list[FrameLook]:
    """Every look measure of every photo. Raises InputError for a file that is not a picture."""
    looks = []
    for path in paths:
        rgb = read_image(path)
        looks.append(measure_still(np.ascontiguousarray(picture_box(rgb[np.newaxis]).cut(rgb))))
    return looks


def write_populations(photos: Path, out: Path, name: str) -> None:
    """Write one JSON file per measure into `out`. Raises InputError for too few photos."""
    paths = photo_files(photos)
    if len(paths) < _MIN_PHOTOS:
        raise InputError(f"A population needs at least {_MIN_PHOTOS} photos, {photos.name} has {len(paths)}.")
    looks = measure_photos(paths)
    for measure, (description, read) in _MEASURES.items():
        values = [value for look in looks if (value := read(look)) is not None]
        record = {
            "name": f"{len(values)} {name}",
            "measure": description,
            "n": len(values),
            "source": f"quantiles 1..99 % of the measure over {len(values)} {name}",
            "command": f"{COMMAND} --photos DIR",
            "quantiles": [round(float(value), 4) for value in np.percentile(values, np.arange(1, 100))],
        }
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        (out / f"{measure}.json").write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of JPEG or PNG photos")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the JSON files")
    parser.add_argument(
        "--name", default="everyday web photos (one of each fourth ImageNet class)", help="what the photos are"
    )
    options = parser.parse_args(arguments)
    write_populations(options.photos, options.out, options.name)


if __name__ == "__main__":
    main()

"""`python -m recipes.populations.findings --photos DIR --out FILE CLIP…`: where the findings' limits lie.

For what is measured in single pictures: the quantiles over clean photos and over the stills of clean clips, and, for
coding blocks, over the same clips compressed as hard as a messenger does (H.264, CRF 48). The limits and the reasons
in `scorers/findings/stills.py` are read off this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from recipes.vsfa_lite import ffmpeg
from virality_core.errors import InputError, ViralityError
from virality_core.media import open_reel, probe
from virality_core.media.image import read_image
from virality_core.scorers.measures import artefacts, exposure_and_colour
from virality_core.scorers.measures.letterbox import picture_box, to_common_size
from virality_core.scorers.picture.look import measure_still
from virality_core.types import Plan

_QUANTILES = (1, 5, 50, 95, 99)  # percent
_HARD_CRF = 48.0
_SECONDS = 4.0  # of each clip that is compressed again
_PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png"}

Row = Mapping[str, float | None]


def measure_frames(rgb: NDArray[np.uint8]) -> list[Row]:
    """What the findings read from each frame uint8 (N, H, W, 3): None where a frame is too small or flat to tell."""
    box = picture_box(rgb)
    rows: list[Row] = []
    for frame in rgb:
        cut = np.ascontiguousarray(box.cut(frame))
        shadows, highlights = exposure_and_colour.clipped_shares(to_common_size(cut))
        luma = artefacts.middle_luma(frame, box)
        rows.append(
            {
                "sharpness": measure_still(cut).sharpness,
                "highlights": highlights,
                "shadows": shadows,
                "blocking": artefacts.blocking(luma),
                "combing": artefacts.combing(luma),
            }
        )
    return rows


def summary(rows: Sequence[Row]) -> dict[str, object]:
    """Number and quantiles of each measure, over the rows that have it."""
    found: dict[str, object] = {}
    for name in rows[0]:
        values = [value for row in rows if (value := row[name]) is not None]
        if values:
            levels = {f"{q} %": round(float(np.percentile(values, q)), 4) for q in _QUANTILES}
            found[name] = {"n": len(values), **levels, "least": round(min(values), 4), "most": round(max(values), 4)}
    return found


def measure(photos: Sequence[Path], clips: Sequence[Path]) -> dict[str, object]:
    """The file's content. Raises InputError for a photo or clip that can't be read, or where there is no photo."""
    if not photos:
        raise InputError("There is no .jpg or .png photo in that folder.")
    command = (
        "python -m recipes.populations.findings --photos DIR --out virality_core/config/populations/findings.json CLIP…"
    )
    found: dict[str, object] = {
        "command": command,
        "photos": summary([row for path in photos for row in measure_frames(_photo(path))]),
    }
    for path in clips:
        info = probe(path)
        start = ffmpeg.decode(path, (0, info.height, info.width, 3), seconds=_SECONDS)
        with TemporaryDirectory() as folder:
            hard = Path(folder) / "hard.mp4"
            ffmpeg.encode(start, hard, "libx264", _HARD_CRF)
            found[path.name] = {"as it is": _stills(path), f"H.264, CRF {_HARD_CRF:.0f}": _stills(hard)}
    return found


def _photo(path: Path) -> NDArray[np.uint8]:
    return read_image(path)[np.newaxis]


def _stills(path: Path) -> dict[str, object]:
    return summary(measure_frames(open_reel(path, Plan(stills=16)).frames.rgb))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m recipes.populations.findings", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of clean JPEG or PNG photos")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP", help="clean clips")
    options = parser.parse_args(arguments)
    try:
        photos = sorted(path for path in options.photos.iterdir() if path.suffix.lower() in _PHOTO_SUFFIXES)
        found = measure(photos, options.clips)
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    options.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

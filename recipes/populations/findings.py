"""Measures where the limits of the findings in still pictures are.

    python -m recipes.populations.findings --photos DIR CLIP…

Writes the quantiles over clean photos and over the stills of clean clips and of the same clips compressed as hard as
messengers do (H.264, CRF 48). The limits in `scorers/findings/still_faults.py` are taken from this file.
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

from recipes.populations.photos import OUT, photo_files
from recipes.vsfa_lite import ffmpeg
from virality_core.errors import InputError, ViralityError
from virality_core.media import open_reel, probe
from virality_core.media.image import read_image
from virality_core.scorers.measures import artifacts, exposure_and_color
from virality_core.scorers.measures.letterbox import picture_box, to_common_size
from virality_core.scorers.picture.look import measure_still
from virality_core.types import Plan

COMMAND = "python -m recipes.populations.findings"
_QUANTILES = (1, 5, 50, 95, 99)  # percent
_HARD_CRF = 48.0
_SECONDS = 4.0  # of each clip are compressed again

Row = Mapping[str, float | None]


def measure_frames(rgb: NDArray[np.uint8]) -> list[Row]:
    """What the findings read from each frame uint8 (N, H, W, 3); None if a frame is too small or flat."""
    box = picture_box(rgb)
    rows: list[Row] = []
    for frame in rgb:
        cut = np.ascontiguousarray(box.cut(frame))
        shadows, highlights = exposure_and_color.clipped_shares(to_common_size(cut))
        luma = artifacts.center_luma(frame, box)
        rows.append(
            {
                "sharpness": measure_still(cut).sharpness,
                "highlights": highlights,
                "shadows": shadows,
                "blocking": artifacts.blocking(luma),
                "combing": artifacts.combing(luma),
            }
        )
    return rows


def summary(rows: Sequence[Row]) -> dict[str, object]:
    """Count and quantiles of each measure, over the rows that have it."""
    found: dict[str, object] = {}
    for name in rows[0]:
        values = [value for row in rows if (value := row[name]) is not None]
        if values:
            levels = {f"{q} %": round(float(np.percentile(values, q)), 4) for q in _QUANTILES}
            found[name] = {"n": len(values), **levels, "least": round(min(values), 4), "most": round(max(values), 4)}
    return found


def measure(photos: Sequence[Path], clips: Sequence[Path]) -> dict[str, object]:
    """The file's content. Raises InputError if there is no photo, or a photo or clip can't be read."""
    if not photos:
        raise InputError("There is no .jpg or .png photo in that folder.")
    found: dict[str, object] = {
        "command": f"{COMMAND} --photos DIR CLIP…",
        "photos": summary([row for path in photos for row in measure_frames(read_image(path)[np.newaxis])]),
    }
    for path in clips:
        info = probe(path)
        start = ffmpeg.decode(path, (0, info.height, info.width, 3), seconds=_SECONDS)
        with TemporaryDirectory() as folder:
            hard = Path(folder) / "hard.mp4"
            ffmpeg.encode(start, hard, "libx264", _HARD_CRF)
            found[path.name] = {"as it is": _stills(path), f"H.264, CRF {_HARD_CRF:.0f}": _stills(hard)}
    return found


def _stills(path: Path) -> dict[str, object]:
    return summary(measure_frames(open_reel(path, Plan(stills=16)).frames.rgb))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of clean JPEG or PNG photos")
    parser.add_argument("--out", type=Path, default=OUT / "findings.json", help="the JSON file to write")
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP", help="clean clips")
    options = parser.parse_args(arguments)
    try:
        found = measure(photo_files(options.photos), options.clips)
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    options.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

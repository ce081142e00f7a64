"""Measures MTCNN: faces found in the stills of real clips and in everyday photos.

`python -m recipes.mtcnn.measure --sheet faces.png` also draws the faces found in the photos, to check by eye.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from virality_core.media import open_reel
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import mtcnn
from virality_core.scorers.picture.faces import FacesDetails, FacesScorer
from virality_core.types import Post, Signal, no_progress

#: Photos where the face found is no person's, by eye.
NO_PERSON = {"0044.jpg": "wood", "0104.jpg": "kangaroo", "0212.jpg": "dog", "0452.jpg": "doll", "0496.jpg": "drawing"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.mtcnn.measure", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"), help="folder of real clips")
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/photos"), help="folder of photos")
    parser.add_argument("--sheet", type=Path, help="draw the faces found in the photos into this picture")
    parser.add_argument("--out", type=Path, default=Path("weights/mtcnn/measured.json"))
    options = parser.parse_args()
    figures = {
        "command": "python -m recipes.mtcnn.measure",
        "clips": _clips(options.media),
        "photos": _photos(options.photos, options.sheet),
    }
    options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _clips(media: Path) -> list[dict[str, object]]:
    scorer, rows = FacesScorer(profile="lite"), []
    for path in sorted(media.glob("*.mp4")):
        presence, scale = scorer.score(open_reel(path, scorer.plan), Post(), no_progress)
        assert isinstance(presence, Signal)
        assert isinstance(presence.details, FacesDetails)
        line = scale.timeline if isinstance(scale, Signal) else None
        rows.append(
            {
                "clip": path.name,
                "stills": presence.details.stills,
                "with_face": presence.details.with_face,
                "at_seconds": [] if line is None else [round(float(at), 2) for at in line.seconds],
                "percent_of_height": [] if line is None else [round(float(value), 1) for value in line.values],
            }
        )
    return rows


def _photos(folder: Path, sheet: Path | None) -> dict[str, object]:
    detector, found, tiles = mtcnn.build(load_tensors(weights.resolve("mtcnn"))), [], []
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    for path in paths:
        bgr = np.asarray(cv2.imread(str(path)), dtype=np.uint8)
        rgb = np.ascontiguousarray(bgr[:, :, ::-1])
        height, width = rgb.shape[:2]
        for number, face in enumerate(detector.find([rgb])[0]):
            left, right = int(face.left * width), int(np.ceil(face.right * width))
            top, bottom = int(face.top * height), int(np.ceil(face.bottom * height))
            found.append(f"{path.name} {number} {face.probability:.3f}")
            tiles.append(cv2.resize(bgr[top:bottom, left:right], (96, 96)))
    if sheet is not None and tiles:
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 12)
        rows = [np.hstack(tiles[start : start + 12]) for start in range(0, len(tiles), 12)]
        cv2.imwrite(str(sheet), np.vstack(rows))
    others = [NO_PERSON[row.split()[0]] for row in found if row.split()[0] in NO_PERSON]
    return {
        "photos": len(paths),
        "faces_found": len(found),
        "of_people_by_eye": len(found) - len(others),
        "of_others_by_eye": others,
        "found": found,
    }


if __name__ == "__main__":
    sys.exit(main())

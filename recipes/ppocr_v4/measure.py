"""Measures how text on the screen is found: `python -m recipes.ppocr_v4.measure --help`.

Lines of text are drawn at known places and sizes over frames of the real clips, where these have no text of their own,
and over drawn frames: how many are found, how far off, how many are read. Pictures without text, and photographs, say
how often text is found where none was drawn; the clips' own overlays are listed as read, to be looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.scorers import overlays
from virality_core.media import open_reel
from virality_core.models import weights
from virality_core.models.vision.ppocr_detect import Region, TextDetector
from virality_core.models.vision.ppocr_read import TextReader
from virality_core.scorers.measures.screen_text import same_text
from virality_core.scorers.picture.screen_text import _LEGIBLE, is_line
from virality_core.types import Plan

SIZES = (0.03, 0.04, 0.06)
PLACES = ((0.5, 0.10), (0.45, 0.33), (0.55, 0.55), (0.5, 0.70), (0.5, 0.92))


class Eyes:
    """The two networks, and the processor seconds they took."""

    def __init__(self) -> None:
        paths = weights.resolve_component("onscreen", "lite").paths
        self.detector = TextDetector(paths["ppocr-v4-detect"])
        self.reader = TextReader(paths["ppocr-v4-read"], paths["ppocr-v4-characters"])
        self.find_seconds: list[float] = []
        self.read_seconds: list[float] = []

    def find(self, rgb: np.ndarray) -> list[Region]:
        start = time.process_time()
        found = self.detector.find(rgb)
        self.find_seconds.append(time.process_time() - start)
        return [item for item in found if is_line(item, rgb.shape[0])]

    def read(self, rgb: np.ndarray, item: Region) -> str:
        start = time.process_time()
        reading = self.reader.read(rgb, item)
        self.read_seconds.append(time.process_time() - start)
        return reading.text if reading.confidence >= _LEGIBLE else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.ppocr_v4.measure", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"), help="folder of real clips")
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/photos"), help="folder of photographs")
    parser.add_argument("--photo-count", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("weights/ppocr_v4/measured.json"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    eyes = Eyes()
    frames = {
        f"{path.name} {seconds:.1f} s": rgb
        for path in sorted(options.media.glob("*.mp4"))
        for seconds, rgb in _two_frames(path)
    }
    figures = {
        "command": "python -m recipes.ppocr_v4.measure",
        "over_real_frames": _drawn(eyes, frames),
        "over_drawn_frames": _drawn(eyes, overlays.grounds()),
        "other_text": _others(eyes),
        "boxes_without_text_drawn": {name: len(eyes.find(rgb)) for name, rgb in overlays.grounds().items()},
        "photographs": _photographs(eyes, sorted(options.photos.glob("*.jpg"))[: options.photo_count]),
        "own_text_of_the_clips": {
            name: [eyes.read(rgb, item) for item in eyes.find(rgb)] for name, rgb in frames.items()
        },
        "processor_seconds": {
            "to_find_in_a_still": round(float(np.median(eyes.find_seconds)), 2),
            "to_read_a_line": round(float(np.median(eyes.read_seconds)), 2),
        },
    }
    beside = options.out.with_name(options.out.name + ".new")
    beside.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(beside, options.out)
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    return 0


def _two_frames(path: Path) -> list[tuple[float, np.ndarray]]:
    reel = open_reel(path, Plan(stills=2), progress=lambda _stage, _fraction: None)
    return [(float(at), rgb) for at, rgb in zip(reel.frames.seconds, reel.frames.rgb, strict=True)]


def _drawn(eyes: Eyes, pictures: dict[str, np.ndarray]) -> dict[str, Any]:
    """Each picture with one line at a time, sizes by places, the styles in turn."""
    rows, left_out = [], 0
    for name, rgb in pictures.items():
        own = [overlays.frame(item) for item in eyes.find(rgb)]
        for number, (share, (x, y)) in enumerate((share, place) for share in SIZES for place in PLACES):
            style = overlays.STYLES[number % len(overlays.STYLES)]
            text = overlays.SHORT if share > 0.04 else overlays.LATIN
            made = overlays.draw(rgb, text, share=share, x=x, y=y, style=style)
            if any(overlays.overlap(box, made.box) > 0 for box in own):
                left_out += 1
                continue
            item = overlays.match(eyes.find(made.rgb), made.box)
            off = None if item is None else overlays.off_centre(item, made.box, rgb)
            read = "" if item is None else eyes.read(made.rgb, item)
            rows.append(
                {
                    "picture": name,
                    "place": (x, y),
                    "share": share,
                    "style": style,
                    "off": off,
                    "read": same_text(read, text),
                }
            )
    found = [row for row in rows if row["off"] is not None]
    in_place = [row for row in found if row["off"] <= 0.02]
    return {
        "lines": len(rows),
        "left_out_over_own_text": left_out,
        "found": len(found),
        "found_within_2_percent": len(in_place),
        "share_found_within_2_percent": round(len(in_place) / len(rows), 3),
        "off_centre_median": round(float(np.median([row["off"] for row in found])), 4),
        "off_centre_largest": round(max(row["off"] for row in found), 4),
        "read_right": sum(bool(row["read"]) for row in rows),
        "by_style": {
            style: [sum(row["style"] == style for row in in_place), sum(row["style"] == style for row in rows)]
            for style in overlays.STYLES
        },
        "missed": [f"{row['picture']}, {row['share']:.0%}, {row['style']}" for row in rows if row not in in_place],
    }


def _others(eyes: Eyes) -> dict[str, Any]:
    """Other scripts (DejaVu Sans has no Chinese), turned text, text of 4 pixels: found where, and read as what."""
    ground = overlays.grounds()["slope"]
    made = {
        "Arabic": overlays.draw(ground, overlays.ARABIC, share=0.04, x=0.5, y=0.4),
        "Cyrillic": overlays.draw(ground, overlays.CYRILLIC, share=0.04, x=0.5, y=0.4),
        "4 pixels high": overlays.draw(ground, overlays.LATIN, share=4 / 854, x=0.5, y=0.4),
    }
    answers: dict[str, Any] = {}
    for name, one in made.items():
        item = overlays.match(eyes.find(one.rgb), one.box)
        answers[name] = {"found": item is not None, "read": "" if item is None else eyes.read(one.rgb, item)}
    straight = overlays.draw(ground, overlays.LATIN, share=0.04, x=0.5, y=0.5).rgb
    for degrees in (15, 45, 90):
        turn = cv2.getRotationMatrix2D((240, 427), degrees, 1.0)
        turned = cv2.warpAffine(straight, turn, (480, 854), borderMode=cv2.BORDER_REPLICATE)
        read = [eyes.read(turned, item) for item in eyes.find(np.asarray(turned, np.uint8))]
        answers[f"turned by {degrees} degrees"] = {"found": bool(read), "read": " | ".join(read)}
    return answers


def _photographs(eyes: Eyes, paths: list[Path]) -> dict[str, Any]:
    """Photographs, with whatever writing stands in them."""
    with_boxes = {}
    for path in paths:
        bgr = cv2.imread(str(path))
        rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        found = eyes.find(rgb)
        if found:
            with_boxes[path.name] = [eyes.read(rgb, item) for item in found]
    return {"looked_at": len(paths), "with_boxes": with_boxes}


if __name__ == "__main__":
    raise SystemExit(main())

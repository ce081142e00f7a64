"""Measures how well text on screen is found and read: `python -m recipes.ppocr_v4.measure`.

Lines of text are drawn at known places and sizes over frames of real clips, where these have no text of their own, and
over generated pictures: how many are found, how far off, and how many are read right. Generated pictures without text
and photos show how often text is found where there is none; the clips' own overlays are listed as read, to check by
eye.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.scorers import overlays
from virality_core.media import open_reel
from virality_core.models import weights
from virality_core.models.vision.ppocr import Region, TextDetector, TextReader
from virality_core.scorers.picture.screen_text import LEGIBLE, is_line, same_text
from virality_core.types import Plan

SIZES = (0.03, 0.04, 0.06)  # of the picture's height
POSITIONS = ((0.5, 0.10), (0.45, 0.33), (0.55, 0.55), (0.5, 0.70), (0.5, 0.92))


class TimedNetworks:
    """The two networks and the processor seconds of each call."""

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
        return reading.text if reading.confidence >= LEGIBLE else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.ppocr_v4.measure", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"), help="folder of real clips")
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/photos"), help="folder of photos")
    parser.add_argument("--photo-count", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("weights/ppocr_v4/measured.json"))
    options = parser.parse_args()
    cv2.setNumThreads(1)
    networks = TimedNetworks()
    frames = {
        f"{path.name} {seconds:.1f} s": rgb
        for path in sorted(options.media.glob("*.mp4"))
        for seconds, rgb in _two_frames(path)
    }
    generated = overlays.grounds()
    figures = {
        "command": "python -m recipes.ppocr_v4.measure",
        "over_real_frames": _drawn_lines(networks, frames),
        "over_drawn_frames": _drawn_lines(networks, generated),
        "other_text": _other_text(networks),
        "boxes_without_text_drawn": {name: len(networks.find(rgb)) for name, rgb in generated.items()},
        "photographs": _photos(networks, sorted(options.photos.glob("*.jpg"))[: options.photo_count]),
        "own_text_of_the_clips": {
            name: [networks.read(rgb, item) for item in networks.find(rgb)] for name, rgb in frames.items()
        },
        "processor_seconds": {
            "to_find_in_a_still": round(float(np.median(networks.find_seconds)), 2),
            "to_read_a_line": round(float(np.median(networks.read_seconds)), 2),
        },
    }
    options.out.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _two_frames(path: Path) -> list[tuple[float, np.ndarray]]:
    frames = open_reel(path, Plan(stills=2)).frames
    return [(float(at), rgb) for at, rgb in zip(frames.seconds, frames.rgb, strict=True)]


def _drawn_lines(networks: TimedNetworks, pictures: dict[str, np.ndarray]) -> dict[str, Any]:
    """One line at a time on each picture, in every size and position, with the styles in turn."""
    rows, left_out = [], 0
    for name, rgb in pictures.items():
        own = [overlays.frame(item) for item in networks.find(rgb)]
        for number, (share, (x, y)) in enumerate((share, position) for share in SIZES for position in POSITIONS):
            style = overlays.STYLES[number % len(overlays.STYLES)]
            text = overlays.SHORT if share > 0.04 else overlays.LATIN
            drawn = overlays.draw(rgb, text, share=share, x=x, y=y, style=style)
            if any(overlays.overlap(box, drawn.box) > 0 for box in own):
                left_out += 1
                continue
            item = overlays.match(networks.find(drawn.rgb), drawn.box)
            off = None if item is None else overlays.off_centre(item, drawn.box, rgb)
            read = item is not None and same_text(networks.read(drawn.rgb, item), text)
            rows.append({"picture": name, "share": share, "style": style, "off": off, "read": read})
    found = [row for row in rows if row["off"] is not None]
    within = [row for row in found if row["off"] <= 0.02]
    return {
        "lines": len(rows),
        "left_out_over_own_text": left_out,
        "found": len(found),
        "found_within_2_percent": len(within),
        "share_found_within_2_percent": round(len(within) / len(rows), 3),
        "off_centre_median": round(float(np.median([row["off"] for row in found])), 4),
        "off_centre_largest": round(max(row["off"] for row in found), 4),
        "read_right": sum(row["read"] for row in rows),
        "by_style": {
            style: [sum(row["style"] == style for row in some) for some in (within, rows)] for style in overlays.STYLES
        },
        "missed": [f"{row['picture']}, {row['share']:.0%}, {row['style']}" for row in rows if row not in within],
    }


def _other_text(networks: TimedNetworks) -> dict[str, Any]:
    """Other scripts (DejaVu Sans has no Chinese), rotated text, and text 4 pixels high: found, and read as what?"""
    ground = overlays.grounds()["slope"]
    drawn = {
        "Arabic": overlays.draw(ground, overlays.ARABIC, share=0.04, x=0.5, y=0.4),
        "Cyrillic": overlays.draw(ground, overlays.CYRILLIC, share=0.04, x=0.5, y=0.4),
        "4 pixels high": overlays.draw(ground, overlays.LATIN, share=4 / 854, x=0.5, y=0.4),
    }
    answers: dict[str, Any] = {}
    for name, one in drawn.items():
        item = overlays.match(networks.find(one.rgb), one.box)
        answers[name] = {"found": item is not None, "read": "" if item is None else networks.read(one.rgb, item)}
    straight = overlays.draw(ground, overlays.LATIN, share=0.04, x=0.5, y=0.5).rgb
    for degrees in (15, 45, 90):
        turn = cv2.getRotationMatrix2D((240, 427), degrees, 1.0)
        turned = cv2.warpAffine(straight, turn, (480, 854), borderMode=cv2.BORDER_REPLICATE)
        read = [networks.read(turned, item) for item in networks.find(np.asarray(turned, np.uint8))]
        answers[f"turned by {degrees} degrees"] = {"found": bool(read), "read": " | ".join(read)}
    return answers


def _photos(networks: TimedNetworks, paths: list[Path]) -> dict[str, Any]:
    """The photos in which text is found, and what is read there."""
    with_boxes = {}
    for path in paths:
        rgb = np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), np.uint8)
        if found := networks.find(rgb):
            with_boxes[path.name] = [networks.read(rgb, item) for item in found]
    return {"looked_at": len(paths), "with_boxes": with_boxes}


if __name__ == "__main__":
    sys.exit(main())

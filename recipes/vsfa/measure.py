"""`python -m recipes.vsfa.measure VIDEO…`: how far sampling moves VSFA's answer.

Each video is rated twice with the full weights: from every frame at native size, as published, and from a report's
stills. Writes JSON to standard output; takes minutes per video on a CPU.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from virality_core.errors import InputError, ViralityError
from virality_core.media import open_reel
from virality_core.scorers.picture.quality import QualityScorer
from virality_core.types import Post, Signal, Skipped, no_progress


def measure(scorer: QualityScorer, videos: Sequence[Path]) -> dict[str, Any]:
    """Both answers for each video, and how far apart they are.

    Args:
        scorer: with the full weights.
        videos: at least one file.

    Returns:
        `videos`: name, frames, both values and percentiles, seconds of computing; `largest_difference`,
        `mean_difference` of the values (absolute), `rank_agreement`: share of pairs of videos in the same order.

    Raises:
        InputError: a video can't be read, or the scorer has no network for every frame.
    """
    rows = []
    for video in videos:
        start = time.perf_counter()
        full = _signal(scorer.score_every_frame(video, no_progress))
        middle = time.perf_counter()
        (answer,) = scorer.score(open_reel(video, scorer.plan), Post(), no_progress)
        sampled = _signal(answer)
        end = time.perf_counter()
        assert full.timeline is not None
        rows.append(
            {
                "video": video.name,
                "frames": len(full.timeline.seconds),
                "every_frame": full.value,
                "sampled": sampled.value,
                "every_frame_percentile": full.percentile,
                "sampled_percentile": sampled.percentile,
                "every_frame_seconds": middle - start,
                "sampled_seconds": end - middle,
            }
        )
    values = np.array([[row["every_frame"], row["sampled"]] for row in rows], dtype=np.float64)
    differences = np.abs(values[:, 0] - values[:, 1])
    first, second = np.triu_indices(len(rows), 1)
    order = np.sign(values[first] - values[second])
    return {
        "command": "python -m recipes.vsfa.measure",
        "videos": rows,
        "largest_difference": float(differences.max()),
        "mean_difference": float(differences.mean()),
        "rank_agreement": float(np.mean(order[:, 0] == order[:, 1])) if len(first) else None,
    }


def _signal(answer: Signal | Skipped) -> Signal:
    if isinstance(answer, Skipped):
        raise InputError(answer.reason)
    return answer


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.vsfa.measure", description=__doc__)
    parser.add_argument("videos", metavar="VIDEO", nargs="+", type=Path)
    args = parser.parse_args(arguments)
    try:
        result = measure(QualityScorer(profile="full"), args.videos)
    except ViralityError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

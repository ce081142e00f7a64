"""What the commands that try a sentiment model out on texts have in common: their options and what they load."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from virality_core.models.language.sentiment_model import SentimentModel
from virality_core.scorers.caption.sentiment import CaptionReader
from virality_core.training.datasets.labelled_text import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A model, the texts to try it on, and the file for the result."""

    model: SentimentModel
    texts: tuple[str, ...]
    out: Path


def trial(description: str, arguments: Sequence[str] | None) -> Trial:
    """Read a command's options: --data FILE.tsv --out FILE [--limit ROWS] [--profile lite|full|auto].

    Raises:
        InputError: the TSV can't be read. WeightsError: the profile's weights can't be had.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="TSV with the header label<TAB>text")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="take the first LIMIT rows only")
    parser.add_argument("--profile", default="lite", choices=("lite", "full", "auto"))
    options = parser.parse_args(arguments)
    texts = tuple(example.text for example in read(options.data)[: options.limit])
    return Trial(model=CaptionReader(profile=options.profile).network, texts=texts, out=options.out)

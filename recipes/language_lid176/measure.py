"""How often captions are taken for another language than theirs.

    python -m recipes.language_lid176.measure --tweets train.tsv --posts train.jsonl.gz --out measured.json

English texts are the tweets, whole and cut to their first words; captions are those whose language a strict rule is
sure of (`recipes.keywords.language_rule`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from recipes.keywords.language_rule import surely
from virality_core.scorers.caption.language import READ_LANGUAGES, LanguageDetector
from virality_core.training.datasets.labeled_text import read
from virality_core.training.datasets.posts import read_posts

_MOST = 4000  # texts of a kind
_CUTS = (2, 3, 5, 8)  # words


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tweets", type=Path, required=True)
    parser.add_argument("--posts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    detector = LanguageDetector()
    tweets = [example.text for example in read(options.tweets)][:_MOST]
    captions = sorted({post.caption for post in read_posts(options.posts) if post.caption})
    sure = {code: [text for text in captions if surely(text) == code][:_MOST] for code in ("en", "vi")}
    figures = {"English tweets": _called_foreign(detector, tweets)}
    for count in _CUTS:
        cut = [" ".join(words[:count]) for text in tweets if len(words := text.split()) >= count]
        figures[f"English tweets cut to {count} words"] = _called_foreign(detector, cut)
    figures["English captions"] = _called_foreign(detector, sure["en"])
    figures["Vietnamese captions"] = _called_foreign(detector, sure["vi"])
    options.out.write_text(json.dumps({"called_foreign": figures}, indent=2) + "\n", encoding="utf-8")


def _called_foreign(detector: LanguageDetector, texts: Sequence[str]) -> dict[str, float]:
    foreign = sum(detector.detect(text).code not in READ_LANGUAGES for text in texts)
    return {"n": len(texts), "share": round(foreign / len(texts), 4)}


if __name__ == "__main__":
    main()

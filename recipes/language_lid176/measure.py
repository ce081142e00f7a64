"""Measures how often captions are taken for another language.

    python -m recipes.language_lid176.measure --tweets train.tsv --posts train.jsonl.gz

English texts are the tweets, whole and cut to their first words; captions are those whose language a strict rule is
sure of (`recipes.keywords.language_rule`). Writes measured.json.
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

_MAX_TEXTS = 4000  # of each kind
_CUTS = (2, 3, 5, 8)  # words


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m recipes.language_lid176.measure", description=__doc__)
    parser.add_argument("--tweets", type=Path, required=True, help="TSV `label<TAB>text` of English tweets")
    parser.add_argument("--posts", type=Path, required=True, help="posts with captions, as CSV or JSON lines")
    parser.add_argument("--out", type=Path, default=Path("weights/language_lid176/measured.json"))
    options = parser.parse_args(arguments)
    tweets = [example.text for example in read(options.tweets)][:_MAX_TEXTS]
    captions = sorted({post.caption for post in read_posts(options.posts) if post.caption})
    texts = {"English tweets": tweets}
    for count in _CUTS:
        cut = [" ".join(words[:count]) for text in tweets if len(words := text.split()) >= count]
        texts[f"English tweets cut to {count} words"] = cut
    for name, code in (("English captions", "en"), ("Vietnamese captions", "vi")):
        texts[name] = [text for text in captions if surely(text) == code][:_MAX_TEXTS]
    detector = LanguageDetector()
    figures = {"called_foreign": {name: _called_foreign(detector, some) for name, some in texts.items()}}
    options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _called_foreign(detector: LanguageDetector, texts: Sequence[str]) -> dict[str, float]:
    foreign = sum(detector.detect(text).code not in READ_LANGUAGES for text in texts)
    return {"n": len(texts), "share": round(foreign / len(texts), 4)}


if __name__ == "__main__":
    main()

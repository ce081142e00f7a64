"""Whether a caption's sentiment goes with engagement.

    python -m recipes.caption_minilm.engagement_effect --posts FILE --out engagement.json

English captions only (`languages.surely`); the model of engagement is that of the keywords (`keyword_effects`) with the
sentiment of the lite model as one more feature. Only aggregates are written.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from recipes.keywords.effects import PRIMARY, fit_effects, samples_of
from recipes.keywords.language_rule import surely
from virality_core.scorers.caption.sentiment import CaptionReader
from virality_core.training.datasets.post_table import read_posts
from virality_core.training.evaluation.sentiment import predict

_FEATURE = "sentiment"


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--posts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    posts = list(read_posts(options.posts))
    english = [index for index, post in enumerate(posts) if surely(post.caption) == "en"]
    p = predict(CaptionReader(profile="lite").network, [posts[index].caption for index in english])
    sentiment = np.zeros(len(posts))  # of other languages: never looked at, as samples are of one language
    sentiment[english] = p[:, 2] - p[:, 0]
    found = {}
    for sample in samples_of(posts, {_FEATURE: sentiment}):
        if sample.language == "en":
            found[sample.collection] = {
                "posts": len(sample.authors),
                "authors": len(set(sample.authors)),
                "beside_account_size": sample.sized,
                "outcome": PRIMARY,
                **asdict(fit_effects(sample)[_FEATURE]),
            }
    options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Measures a sentiment model: `python -m recipes.caption_minilm.measure WHAT --data FILE [--profile lite]`.

checklist     failure rates of behavior tests in the manner of CheckList (Ribeiro et al., ACL 2020). Invariance: final
              punctuation, letter case and people's names must not change the label. Direction: a negation, an
              intensifier or an emoji must move P(positive) − P(negative) the right way. The new names and half of the
              emoji are not among those that training varies tweets with.
explanations  whether an explanation adds up, whether its strongest words matter most, and how long it takes
engagement    whether sentiment goes with engagement: one more feature in the model of `recipes.keywords.fit`, on
              captions that are surely English; always the lite model
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.caption_minilm.tweets import NAMES
from recipes.keywords.fit import PRIMARY, fit_effects, samples_of
from recipes.keywords.language_rule import surely
from virality_core.models.language.owen_values import explain
from virality_core.models.language.sentiment_model import Reading, SentimentModel
from virality_core.scorers.caption.sentiment import SentimentReader
from virality_core.training.datasets.labeled_text import read
from virality_core.training.datasets.posts import read_posts
from virality_core.training.evaluation.sentiment import predict

MAX_FLIPS = 0.05  # share of labels an invariance may change
MAX_WRONG = 0.15  # share of outputs that may move the wrong way
_EMOJI_TWEETS = 100  # each gets each emoji
_EXAMPLES = 5  # failures to keep

_THINGS = ("The food", "This video", "My new phone", "The concert", "Her voice", "This place", "The ending", "My day")
_ADJECTIVES = {
    "positive": "good great amazing beautiful fun lovely nice perfect helpful delicious happy funny brilliant cool",
    "negative": "bad terrible awful ugly boring horrible sad rude disgusting annoying stupid lame broken useless scary",
}
_SIGN = {"positive": 1, "negative": -1}
_NEW_NAMES = ("Olivia", "Noah", "Priya", "Mateo", "Chloe", "Omar", "Ingrid", "Kwame", "Yuki", "Fatima")
_NEW_SURNAMES = ("Miller", "Novak", "Sharma", "Garcia", "Okafor", "Tanaka", "Haddad", "Larsen")
_EMOJI = {
    "positive": {"varied in training": "😍😊🎉❤👏", "not in training": "😻🌟🏆💝😚"},
    "negative": {"varied in training": "😡😢👎💔😞", "not in training": "😿😾😥💩😨"},
}
_END = re.compile(r"[\s.!?…]+$")
_PERSON = re.compile(rf"\b(?:{'|'.join(NAMES)})\b(?: [A-Z][a-z]+\b)?")

_STRONGEST = 3  # words
_SMALLEST_CHANGE = 0.1  # logits; errors are relative to at least this
_DRAWS = 5  # of random words per caption


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`failures` of `n` tries; `examples` are a few failed pairs of before and after."""

    n: int
    failures: int
    rate: float
    allowed: float
    passed: bool
    examples: list[tuple[str, str]]


def run_checklist(model: SentimentModel, tweets: Sequence[str]) -> dict[str, Outcome]:
    """Every behavior test by name."""
    rng = random.Random(0)
    outcomes = {
        "final punctuation: taken off": _unchanged(model, tweets, lambda text: _END.sub("", text)),
        "final punctuation: full stop": _unchanged(model, tweets, lambda text: _END.sub("", text) + "."),
        "case: lower": _unchanged(model, tweets, str.lower),
        "case: upper": _unchanged(model, tweets, str.upper),
        "names swapped": _unchanged(model, tweets, lambda text: _PERSON.sub(lambda m: _new_name(m[0], rng), text)),
    }
    for mood, adjectives in _ADJECTIVES.items():
        plain = [f"{thing} is {adjective}" for thing in _THINGS for adjective in adjectives.split()]
        for kind, adverbs, sign in (
            ("negation", ("not", "never"), -1),
            ("intensifier", ("very", "so", "really", "absolutely"), 1),
        ):
            for adverb in adverbs:
                pairs = [(text, text.replace(" is ", f" is {adverb} ")) for text in plain]
                outcomes[f"{kind}: {adverb}, {mood}"] = _moved(model, pairs, sign * _SIGN[mood])
    for mood, by_origin in _EMOJI.items():
        for origin, all_emoji in by_origin.items():
            pairs = [(text, f"{text} {emoji}") for emoji in all_emoji for text in tweets[:_EMOJI_TWEETS]]
            outcomes[f"emoji: {mood}, {origin}"] = _moved(model, pairs, _SIGN[mood])
    return outcomes


def summary(outcomes: dict[str, Outcome]) -> dict[str, float]:
    """The failure rate of each kind of test, over all of its tries."""
    kinds = sorted({name.split(":")[0] for name in outcomes})
    of_kind = {kind: [o for name, o in outcomes.items() if name.split(":")[0] == kind] for kind in kinds}
    return {kind: sum(o.failures for o in found) / sum(o.n for o in found) for kind, found in of_kind.items()}


def _new_name(name: str, rng: random.Random) -> str:
    new = rng.choice(_NEW_NAMES)
    return f"{new} {rng.choice(_NEW_SURNAMES)}" if " " in name else new


def _unchanged(model: SentimentModel, texts: Iterable[str], change: Callable[[str], str]) -> Outcome:
    pairs = [(text, changed) for text in texts if (changed := change(text)) != text]
    before, after = _predict_pairs(model, pairs)
    return _outcome(pairs, before.argmax(1) != after.argmax(1), MAX_FLIPS)


def _moved(model: SentimentModel, pairs: list[tuple[str, str]], sign: int) -> Outcome:
    before, after = _predict_pairs(model, pairs)
    moved = (after[:, 2] - after[:, 0]) - (before[:, 2] - before[:, 0])
    return _outcome(pairs, sign * moved <= 0.0, MAX_WRONG)


def _predict_pairs(model: SentimentModel, pairs: list[tuple[str, str]]) -> list[NDArray[np.float64]]:
    distinct = sorted({text for pair in pairs for text in pair})
    row = {text: index for index, text in enumerate(distinct)}
    probabilities = predict(model, distinct)
    return [probabilities[[row[pair[side]] for pair in pairs]] for side in (0, 1)]


def _outcome(pairs: list[tuple[str, str]], failed: NDArray[np.bool_], allowed: float) -> Outcome:
    failures = int(failed.sum())
    rate = failures / len(pairs) if pairs else 0.0
    examples = [pair for pair, bad in zip(pairs, failed, strict=True) if bad][:_EXAMPLES]
    passed = rate <= allowed
    return Outcome(n=len(pairs), failures=failures, rate=rate, allowed=allowed, passed=passed, examples=examples)


def checklist(model: SentimentModel, tweets: Sequence[str]) -> dict[str, object]:
    """The file's content. Tweets are never written: examples only of tests made from templates."""
    outcomes = run_checklist(model, tweets)
    tests = {name: asdict(outcome) for name, outcome in outcomes.items()}
    for name, test in tests.items():
        if not name.startswith(("negation", "intensifier")):
            del test["examples"]
    return {"failure_rates": summary(outcomes), "tests": tests}


def measure_explanations(model: SentimentModel, texts: Sequence[str]) -> dict[str, object]:
    """Explain each text of more than three words and check the explanation.

    Returns `n`; `strongest_win`: how often deleting the three strongest words moved the output more than deleting three
    random ones; `worst_sum_error`: relative to the change in the output; processor seconds of one warm explanation over
    all `threads` (wall time means nothing on a shared machine).
    """
    rng = random.Random(0)
    wins, errors, seconds = [], [], []
    explain(model, model.read("warm up"))
    for text in texts:
        reading = model.read(text)
        count = len(reading.words)
        if count <= _STRONGEST:
            continue
        start = time.process_time()
        found = explain(model, reading)
        seconds.append(time.process_time() - start)
        errors.append(abs(sum(found.weights) - found.change) / max(abs(found.change), _SMALLEST_CHANGE))
        strongest = sorted(range(count), key=lambda word: -abs(found.weights[word]))[:_STRONGEST]
        moved = [
            abs(_without(model, reading, words) - _without(model, reading, ()))
            for words in (strongest, *(rng.sample(range(count), _STRONGEST) for _ in range(_DRAWS)))
        ]
        wins += [moved[0] > other for other in moved[1:]]
    return {
        "n": len(seconds),
        "strongest_win": float(np.mean(wins)),
        "worst_sum_error": max(errors),
        "median_cpu_seconds": float(np.median(seconds)),
        "cpu_seconds_95_percent": float(np.quantile(seconds, 0.95)),
        "threads": torch.get_num_threads(),
    }


@torch.inference_mode()
def _without(model: SentimentModel, reading: Reading, words: Sequence[int]) -> float:
    """The positive minus the negative logit with those words deleted."""
    ids = [token for token, word in zip(reading.ids, reading.word_of_token, strict=True) if word not in words]
    logits = model.from_words(model.embed(torch.tensor([ids])))[0]
    return float(logits[2] - logits[0])


def engagement(path: Path) -> dict[str, object]:
    """The effect of sentiment on engagement in each collection of posts: aggregates only."""
    posts = list(read_posts(path))
    english = [index for index, post in enumerate(posts) if surely(post.caption) == "en"]
    p = predict(SentimentReader(profile="lite").network, [posts[index].caption for index in english])
    sentiment = np.zeros(len(posts))  # captions in other languages aren't in the English samples
    sentiment[english] = p[:, 2] - p[:, 0]
    return {
        sample.collection: {
            "posts": len(sample.authors),
            "authors": len(set(sample.authors)),
            "beside_account_size": sample.sized,
            "outcome": PRIMARY,
            **asdict(fit_effects(sample)["sentiment"]),
        }
        for sample in samples_of(posts, {"sentiment": sentiment})
        if sample.language == "en"
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m recipes.caption_minilm.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("checklist", "explanations", "engagement"))
    parser.add_argument("--data", type=Path, required=True, help="TSV `label<TAB>text`; for engagement a file of posts")
    parser.add_argument("--limit", type=int, help="use the first LIMIT texts only")
    parser.add_argument("--profile", default="lite", choices=("lite", "full", "auto"))
    parser.add_argument("--out", type=Path, help="default: WHAT.json in weights/caption_minilm")
    options = parser.parse_args(arguments)
    if options.what == "engagement":
        found = engagement(options.data)
    else:
        measure = checklist if options.what == "checklist" else measure_explanations
        texts = [example.text for example in read(options.data)[: options.limit]]
        found = measure(SentimentReader(profile=options.profile).network, texts)
    out = options.out or Path("weights/caption_minilm") / f"{options.what}.json"
    out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

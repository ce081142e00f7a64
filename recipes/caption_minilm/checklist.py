"""Behaviour tests of the sentiment model in the manner of CheckList (Ribeiro et al., ACL 2020), with failure rates.

    python -m recipes.caption_minilm.checklist --data val.tsv --out checklist.json [--profile lite]

Invariance: final punctuation, letter case and the names of people must not change the label. Direction: a negation, an
intensifier or an emoji must move P(positive) − P(negative) the right way. The names and half of the emoji here
are none that training varies tweets with.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from recipes.caption_minilm.first_names import NAMES
from recipes.caption_minilm.options import trial
from virality_core.models.language.sentiment_model import SentimentModel
from virality_core.training.evaluation.sentiment import predict

MAX_FLIPS = 0.05  # share of labels an invariance may change
MIN_RIGHT = 0.85  # share of outputs that must move the right way
_EMOJI_TWEETS = 100  # each gets each emoji
_EXAMPLES = 5  # failures kept to look at


def _words(text: str) -> list[str]:
    return text.split()


_THINGS = ("The food", "This video", "My new phone", "The concert", "Her voice", "This place", "The ending", "My day")
_GOOD = _words("good great amazing beautiful fun lovely nice perfect helpful delicious happy funny brilliant cool")
_BAD = _words("bad terrible awful ugly boring horrible sad rude disgusting annoying stupid lame broken useless scary")
_NEW_NAMES = _words("Olivia Noah Priya Mateo Chloe Omar Ingrid Kwame Yuki Fatima")
_NEW_SURNAMES = _words("Miller Novak Sharma Garcia Okafor Tanaka Haddad Larsen")
_HAPPY = {"varied in training": "😍😊🎉❤👏", "not in training": "😻🌟🏆💝😚"}
_UNHAPPY = {"varied in training": "😡😢👎💔😞", "not in training": "😿😾😥💩😨"}
_END = re.compile(r"[\s.!?…]+$")
_PERSON = re.compile(rf"\b(?:{'|'.join(NAMES)})\b(?: [A-Z][a-z]+\b)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`failures` of `n` tries; `examples` are a few pairs of before and after that failed."""

    n: int
    failures: int
    rate: float
    allowed: float
    passed: bool
    examples: list[tuple[str, str]]


def run(model: SentimentModel, tweets: Sequence[str]) -> dict[str, Outcome]:
    """Every test by its name."""
    chance = random.Random(0)
    outcomes = {
        "final punctuation: taken off": _unchanged(model, tweets, lambda text: _END.sub("", text)),
        "final punctuation: full stop": _unchanged(model, tweets, lambda text: _END.sub("", text) + "."),
        "case: lower": _unchanged(model, tweets, str.lower),
        "case: upper": _unchanged(model, tweets, str.upper),
        "names swapped": _unchanged(model, tweets, lambda text: _PERSON.sub(lambda m: _person(m[0], chance), text)),
    }
    for mood, adjectives, sign in (("positive", _GOOD, 1), ("negative", _BAD, -1)):
        plain = [f"{thing} is {word}" for thing in _THINGS for word in adjectives]
        for negation in ("not", "never"):
            pairs = [(text, text.replace(" is ", f" is {negation} ")) for text in plain]
            outcomes[f"negation: {negation}, {mood}"] = _moved(model, pairs, -sign)
        for intensifier in ("very", "so", "really", "absolutely"):
            pairs = [(text, text.replace(" is ", f" is {intensifier} ")) for text in plain]
            outcomes[f"intensifier: {intensifier}, {mood}"] = _moved(model, pairs, sign)
    sample = tweets[:_EMOJI_TWEETS]
    for emoji_by_origin, mood, sign in ((_HAPPY, "positive", 1), (_UNHAPPY, "negative", -1)):
        for origin, all_emoji in emoji_by_origin.items():
            pairs = [(text, f"{text} {emoji}") for emoji in all_emoji for text in sample]
            outcomes[f"emoji: {mood}, {origin}"] = _moved(model, pairs, sign)
    return outcomes


def summary(outcomes: dict[str, Outcome]) -> dict[str, float]:
    """The failure rate of each kind of test, over all of its tries."""
    kinds = sorted({name.split(":")[0] for name in outcomes})
    of_kind = {kind: [o for name, o in outcomes.items() if name.split(":")[0] == kind] for kind in kinds}
    return {kind: sum(o.failures for o in found) / sum(o.n for o in found) for kind, found in of_kind.items()}


def _person(name: str, chance: random.Random) -> str:
    new = chance.choice(_NEW_NAMES)
    return f"{new} {chance.choice(_NEW_SURNAMES)}" if " " in name else new


def _unchanged(model: SentimentModel, texts: Iterable[str], change: Callable[[str], str]) -> Outcome:
    pairs = [(text, changed) for text in texts if (changed := change(text)) != text]
    before, after = _both(model, pairs)
    return _outcome(pairs, before.argmax(1) != after.argmax(1), MAX_FLIPS)


def _moved(model: SentimentModel, pairs: list[tuple[str, str]], sign: int) -> Outcome:
    before, after = _both(model, pairs)
    moved = (after[:, 2] - after[:, 0]) - (before[:, 2] - before[:, 0])
    return _outcome(pairs, sign * moved <= 0.0, 1.0 - MIN_RIGHT)


def _both(model: SentimentModel, pairs: list[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    distinct = sorted({text for pair in pairs for text in pair})
    row = {text: index for index, text in enumerate(distinct)}
    probabilities = predict(model, distinct)
    return tuple(probabilities[[row[pair[side]] for pair in pairs]] for side in (0, 1))  # type: ignore[return-value]


def _outcome(pairs: list[tuple[str, str]], failed: np.ndarray, allowed: float) -> Outcome:
    failures = int(failed.sum())
    rate = failures / len(pairs) if pairs else 0.0
    return Outcome(
        n=len(pairs),
        failures=failures,
        rate=rate,
        allowed=allowed,
        passed=rate <= allowed,
        examples=[pair for pair, bad in zip(pairs, failed, strict=True) if bad][:_EXAMPLES],
    )


def main(arguments: list[str] | None = None) -> None:
    """The command. Tweets are never written: examples of failures only where they come from a template."""
    asked = trial((__doc__ or "").split("\n")[0], arguments)
    outcomes = run(asked.model, asked.texts)
    tests = {name: asdict(outcome) for name, outcome in outcomes.items()}
    for name, test in tests.items():
        if not name.startswith(("negation", "intensifier")):
            del test["examples"]
    asked.out.write_text(
        json.dumps({"failure_rates": summary(outcomes), "tests": tests}, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()

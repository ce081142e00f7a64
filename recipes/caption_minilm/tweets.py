"""Tweets for the lite caption model: near duplicates found, split, and varied during training."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from virality_core.models.language.sentiment_model import LABELS
from virality_core.models.language.text_normalizer import pieces
from virality_core.training.datasets.labeled_text import Example

SAME = 0.8  # tweets that share this much of their words (Jaccard) are near duplicates
HELD_OUT_SHARE = 10  # one group of near duplicates in ten is kept for the final figure

_WORDS = re.compile(r"[a-z0-9']+")
_NOISE = re.compile(r"\\u[0-9a-f]{4}|https?:\S*|www\.\S*|@\w+")
_END = re.compile(r"[\s.!?…]+$")

_NAMES = """
Adam Alex Amy Andrew Anna Ashley Ben Beyonce Bill Bob Brad Brian Carly Charlie Chris Dan Daniel David Donald
Drake Ed Emma Eric Frank Gary George Greg Hannah Harry Hillary Jack James Jason Jay Jen Jeff Jim Joe John Jon
Josh Justin Kanye Kate Katy Kevin Kim Kyle Lady Larry Laura Liam Louis Luke Madonna Mark Martin Mary Matt
Michael Michelle Mike Miley Naruto Nash Niall Nick Nicki Paul Peter Rob Rick Roger Ryan Sam Sarah Scott Sean
Serena Shawn Steve Taylor Tim Tom Tony Tyler Will Zayn
"""
#: First names common in tweets: training swaps them for each other, the behavior tests for other names.
NAMES = _NAMES.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """`train` to fit on, `val` to choose with, `held_out` to measure once; and what was dropped from `train`."""

    train: list[Example]
    val: list[Example]
    held_out: list[Example]
    dropped_like_val: int
    dropped_repeats: int


def split(train: Sequence[Example], val: Sequence[Example]) -> Split:
    """Drop near duplicates within `train` and of `val`, and hold out a tenth. Near duplicates stay on one side."""
    examples = [*train, *val]
    groups = _groups([frozenset(_WORDS.findall(_NOISE.sub(" ", e.text.lower()))) for e in examples])
    like_val = set(groups[len(train) :])
    kept: list[Example] = []
    held_out: list[Example] = []
    dropped_like_val = dropped_repeats = 0
    known: set[int] = set()
    for group, example in zip(groups, train, strict=False):
        if group in like_val:
            dropped_like_val += 1
        elif group in known:
            dropped_repeats += 1
        else:
            known.add(group)
            digest = hashlib.sha256(example.text.encode(errors="replace")).digest()
            (held_out if digest[0] % HELD_OUT_SHARE == 0 else kept).append(example)
    return Split(
        train=kept,
        val=list(val),
        held_out=held_out,
        dropped_like_val=dropped_like_val,
        dropped_repeats=dropped_repeats,
    )


def _groups(bags: Sequence[frozenset[str]]) -> list[int]:
    """For each bag of words, the lowest index in its group of near duplicates (chains included)."""
    parent = list(range(len(bags)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    frequency = Counter(word for bag in bags for word in bag)
    by_word: dict[str, list[int]] = defaultdict(list)
    for index, bag in enumerate(bags):
        # Bags that share 80 % of their words share one of the rarest 20 % + 1 of the words of each.
        rarest = sorted(bag, key=lambda word: (frequency[word], word))[: len(bag) // 5 + 1] or [""]
        candidates = {other for word in rarest for other in by_word[word]}
        for other in sorted(candidates):
            if len(bag & bags[other]) >= SAME * len(bag | bags[other]):
                low, high = sorted((root(index), root(other)))
                parent[high] = low
        for word in rarest:
            by_word[word].append(index)
    return [root(index) for index in range(len(bags))]


POSITIVE_EMOJI = "😂🤣😍🥰😘😊😁😀😃😄🤩🥳😎🙌👏👍💕💖💗❤💙💜🔥💯✨🎉💪🤗😇🙏😋"
NEGATIVE_EMOJI = "😡🤬😠😢😭😞😔😒🙄😤😩😫😖😣👎💔🤮🤢😷😰😱🤦😑😕☹"
NEUTRAL_EMOJI = "📍📷📸🎥🎬📅🕐👉👇➡🔗📢📺🎵🎶📰📱💻🚗🏈⚽🏀🌍🗓☕🍕"
_NAME = re.compile(rf"\b(?:{'|'.join(NAMES)})\b")
_SMILES = re.compile(r"(?<!\w)[:=]-?[)\]D]+(?!\w)")
_FROWNS = re.compile(r"(?<!\w)[:=]'?-?[(\[]+(?!\w)")
_BY_LABEL = (NEGATIVE_EMOJI, NEUTRAL_EMOJI, POSITIVE_EMOJI)


def vary(example: Example, rng: random.Random) -> str:
    """The tweet with small random changes that keep its label: emoji, final punctuation, names.

    The tweets have no emoji (their collectors removed them), and captions are full of them: half of the emoticons
    become emoji, and one tweet in fourteen gets one to three emoji of its label's mood.
    """
    text = example.text
    text = _SMILES.sub(lambda match: f" {rng.choice('😊🙂😀😁😄')} " if rng.random() < 0.5 else match[0], text)
    text = _FROWNS.sub(lambda match: f" {rng.choice('🙁☹😞😢😔')} " if rng.random() < 0.5 else match[0], text)
    if rng.random() < 0.3:
        text = _NAME.sub(lambda _: rng.choice(NAMES), text)
    if rng.random() < 0.15:
        text = _END.sub("", text)
    elif rng.random() < 0.1:
        text = _END.sub("", text) + rng.choice((".", ".", "...", "!", " "))
    if rng.random() < 0.07:
        text = f"{text} {rng.choice(_BY_LABEL[example.label]) * rng.choice((1, 1, 2, 3))}"
    return text


def normalize(text: str, known: frozenset[str]) -> list[str]:
    """The words the model reads; `known` is its vocabulary."""
    return [piece.reads for piece in pieces(text, is_known=known.__contains__) if piece.reads]


def batches(lengths: Sequence[int], size: int, rng: random.Random) -> Iterator[list[int]]:
    """Indices in random batches of texts of similar length, so that there is little padding."""
    order = list(range(len(lengths)))
    rng.shuffle(order)
    window = size * 64
    groups = []
    for start in range(0, len(order), window):
        block = sorted(order[start : start + window], key=lengths.__getitem__)
        groups += [block[first : first + size] for first in range(0, len(block), size)]
    rng.shuffle(groups)
    yield from groups


def label_shares(examples: Sequence[Example]) -> list[float]:
    """The share of each label."""
    counts = Counter(example.label for example in examples)
    return [counts[label] / len(examples) for label in range(len(LABELS))]

"""Tweets for the lite caption model: read, near duplicates found, split, and varied while training."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recipes.caption_minilm.first_names import NAMES
from virality_core.models.language.sentiment_model import LABELS
from virality_core.models.language.text_normalizer import pieces
from virality_core.training.datasets.labelled_text import Example

SAME = 0.8  # two tweets that share this much of their words (Jaccard) count as one
HELD_OUT_SHARE = 10  # one group of near duplicates in ten is kept for the final figure

_WORDS = re.compile(r"[a-z0-9']+")
_NOISE = re.compile(r"\\u[0-9a-f]{4}|https?:\S*|www\.\S*|@\w+")
_END = re.compile(r"[\s.!?…]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """`train` to fit on, `val` to choose with, `held_out` to measure once; and what was left out of `train`."""

    train: list[Example]
    val: list[Example]
    held_out: list[Example]
    dropped_like_val: int
    dropped_repeats: int


def split(train: Sequence[Example], val: Sequence[Example]) -> Split:
    """Train without what is like val and without repeats; a tenth held out. Near duplicates stay on one side."""
    examples = [*train, *val]
    groups = _groups([frozenset(_WORDS.findall(_NOISE.sub(" ", e.text.lower()))) for e in examples])
    like_val = {groups[index] for index in range(len(train), len(examples))}
    kept: list[Example] = []
    held_out: list[Example] = []
    dropped_like_val = dropped_repeats = 0
    seen: set[int] = set()
    for index, example in enumerate(train):
        if groups[index] in like_val:
            dropped_like_val += 1
        elif groups[index] in seen:
            dropped_repeats += 1
        else:
            seen.add(groups[index])
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
    """For each bag of words, the lowest index of a bag it is nearly the same as (by way of others, too)."""
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


def vary(example: Example, chance: random.Random) -> str:
    """The tweet with small changes that leave its label as it is: emoji, final punctuation, names.

    The tweets have no emoji (their collectors took them out), captions are full of them: an emoticon becomes an emoji
    half of the time, and one tweet in fourteen gets one to three emoji of its label's mood.
    """
    text = example.text
    text = _SMILES.sub(lambda match: f" {chance.choice('😊🙂😀😁😄')} " if chance.random() < 0.5 else match[0], text)
    text = _FROWNS.sub(lambda match: f" {chance.choice('🙁☹😞😢😔')} " if chance.random() < 0.5 else match[0], text)
    if chance.random() < 0.3:
        text = _NAME.sub(lambda _: chance.choice(NAMES), text)
    if chance.random() < 0.15:
        text = _END.sub("", text)
    elif chance.random() < 0.1:
        text = _END.sub("", text) + chance.choice((".", ".", "...", "!", " "))
    if chance.random() < 0.07:
        text = f"{text} {chance.choice(_BY_LABEL[example.label]) * chance.choice((1, 1, 2, 3))}"
    return text


def reads(text: str, known: frozenset[str]) -> list[str]:
    """What the model reads for each piece of the text."""
    return [piece.reads for piece in pieces(text, is_known=known.__contains__) if piece.reads]


def batches(lengths: Sequence[int], size: int, chance: random.Random) -> Iterator[list[int]]:
    """Indices in random batches of texts of about the same length, so that little is padding."""
    order = list(range(len(lengths)))
    chance.shuffle(order)
    window = size * 64
    groups = []
    for start in range(0, len(order), window):
        block = sorted(order[start : start + window], key=lengths.__getitem__)
        groups += [block[first : first + size] for first in range(0, len(block), size)]
    chance.shuffle(groups)
    yield from groups


def shares(examples: Sequence[Example]) -> list[float]:
    """The share of each label."""
    counts = Counter(example.label for example in examples)
    return [counts[label] / len(examples) for label in range(len(LABELS))]

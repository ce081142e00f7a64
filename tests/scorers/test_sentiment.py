"""The caption scorer: its signal, what it skips and why, and captions nobody should post."""

from __future__ import annotations

import json

import numpy as np
import pytest

from virality_core.config.signals import Rating
from virality_core.scorers import base
from virality_core.scorers.caption.sentiment import Sentiment, SentimentReader, SentimentScorer
from virality_core.types import FrameBatch, Post, Reel, Signal, Skipped, VideoInfo, to_plain

HOSTILE = (
    "\0\0\0",
    "a\0b",
    "\ud800 lone \udfff surrogates",
    "zero\u200dwidth\u200b joiners\u200d\ufeff",
    "😍😭🔥" * 50,
    "#fyp #viral #NewYearSale2026",
    "<script>alert('love')</script><b>great</b>",
    "مرحبا بكم في قناتي الجديدة",
    "\u202eevil\u202c good",
    "&#x110000; &amp;&lt;3 \\ud83d",
    "good day " * 6000,
    "x" * 50_000,
    "(" * 50_000,
)


@pytest.fixture(scope="module")
def reader() -> SentimentReader:
    return SentimentReader(profile="lite")


@pytest.fixture(scope="module")
def scorer() -> SentimentScorer:
    return SentimentScorer(profile="lite")


@pytest.fixture(autouse=True)
def rating(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal's place in a population is the fusion table's matter, not the scorer's."""
    rated = Rating(desirability=50.0, percentile=None, reference="a test")
    monkeypatch.setattr(base, "rate", lambda *_, **__: rated)


@pytest.mark.parametrize("caption", HOSTILE)
def test_hostile_captions_are_read_with_right_offsets(reader: SentimentReader, caption: str) -> None:
    found = reader.read(caption)
    assert found.characters == len(caption)
    assert 0 <= found.read_characters <= len(caption)
    for token in found.tokens:
        assert token.text == caption[token.start : token.end]
        assert token.text.strip()
        assert token.end <= found.read_characters
        assert np.isfinite(token.weight)
    p = found.probabilities
    assert p.negative + p.neutral + p.positive == pytest.approx(1.0, abs=1e-5)
    json.dumps(to_plain(found), allow_nan=False).encode()


def test_a_cut_is_said(reader: SentimentReader) -> None:
    found = reader.read("good day " * 6000)
    (note,) = reader.notes(found)
    assert str(found.read_characters) in note
    assert "54000" in note
    assert reader.notes(reader.read("a short one")) == ()


@pytest.mark.parametrize(
    ("caption", "sign"),
    [
        ("I absolutely love this, best day ever", 1),
        ("😍😍😍", 1),
        ("worst service ever, I am so angry and disappointed", -1),
        ("this is not good 😡", -1),
    ],
)
def test_plain_captions(scorer: SentimentScorer, caption: str, sign: int) -> None:
    answer = scorer.answer(caption)
    assert isinstance(answer, Signal)
    assert sign * answer.value > 0.3
    assert isinstance(answer.details, Sentiment)
    assert answer.value == pytest.approx(answer.details.probabilities.positive - answer.details.probabilities.negative)
    assert answer.model is not None
    assert (answer.model.id, answer.model.variant) == ("caption-minilm", "lite")


@pytest.mark.parametrize(
    ("caption", "why"),
    [
        ("", "no caption"),
        (" \n", "no caption"),
        ("\0", "no caption"),
        ("xin chào các bạn hôm nay mình", "English"),
        ("привет всем", "English"),
    ],
)
def test_what_it_does_not_read_is_skipped_with_a_reason(scorer: SentimentScorer, caption: str, why: str) -> None:
    answer = scorer.answer(caption)
    assert isinstance(answer, Skipped)
    assert why in answer.reason


def test_scores_a_post(scorer: SentimentScorer) -> None:
    frames = FrameBatch(rgb=np.zeros((1, 4, 4, 3), np.uint8), seconds=np.zeros(1))
    info = VideoInfo(
        name="a.mp4", size_bytes=1, container="mp4", codec="h264", width=4, height=4, rotation_degrees=0,
        duration_seconds=1.0, frame_rate=1.0, frame_count=1, bit_rate=None, pixel_format="yuv420p", transfer="sdr",
        has_alpha=False, audio=None,
    )  # fmt: skip
    told: list[float] = []
    (answer,) = scorer.score(
        Reel(info=info, frames=frames), Post(caption="what a lovely day"), lambda _, fraction: told.append(fraction)
    )
    assert isinstance(answer, Signal)
    assert told == [0.0, 1.0]


def test_reading_is_the_same_whatever_was_read_before(reader: SentimentReader) -> None:
    first = reader.read("what a lovely day 😍")
    reader.read("awful, I hate it")
    assert reader.read("what a lovely day 😍") == first
    p = first.probabilities
    assert reader.probabilities("what a lovely day 😍") == pytest.approx((p.negative, p.neutral, p.positive), abs=1e-5)

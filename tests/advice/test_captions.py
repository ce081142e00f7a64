"""Caption variants are written by rule, tried only where they can count, and confirmed by the real models; covers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from virality_core import load_scorers, score_reel
from virality_core.advice import advise, better_cover, candidates
from virality_core.advice.candidates import CALL_TO_ACTION, QUESTION
from virality_core.advice.trial import rescorer, with_advice
from virality_core.pipeline import Scorers
from virality_core.score import Weighting
from virality_core.scorers.caption.keywords import read_keywords
from virality_core.scorers.picture.aesthetics import AestheticsDetails
from virality_core.types import Post, Report, Timeline


def _tags_by_lift(scorers: Scorers) -> tuple[list[str], list[str]]:
    """Hashtags of the table that ships: those that did worst and those that did best."""
    from virality_core.scorers.caption.trend_table import load_trends

    lifts = {
        key: row.lift
        for key, rows in load_trends().tags.items()
        for row in rows[:1]
        if row.population.answers and row.lift is not None and key.isascii() and not row.generic
    }
    ordered = sorted(lifts, key=lambda key: float(lifts[key] or 0.0))
    return ordered[:8], ordered[-8:]


@pytest.mark.parametrize("language", sorted(QUESTION))
def test_what_is_written_is_what_its_rule_says(language: str) -> None:
    for phrases, name in ((QUESTION, "question"), (CALL_TO_ACTION, "call_to_action")):
        assert name in {finding.name for finding in read_keywords(phrases[language], language).findings}


def test_with_the_stated_weights_only_hashtags_are_tried(drawn_clip: Path, lite: Scorers) -> None:
    worst, best = _tags_by_lift(lite)
    caption = f"A day in the park. Then it rained #{worst[0]} #{best[0]}"
    report = score_reel(drawn_clip, Post(caption=caption), scorers=lite)
    tried = [change for change in candidates(report) if change.caption is not None]
    assert [(change.kind, change.caption) for change in tried] == [
        ("hashtags", f"A day in the park. Then it rained #{best[0]}")
    ]
    assert not [change for change in candidates(replace(report, contributions=())) if change.caption is not None]


def test_more_hashtags_than_the_platform_takes(drawn_clip: Path, lite: Scorers) -> None:
    worst, best = _tags_by_lift(lite)
    typed = [best[4], best[0], best[1], worst[0], best[2], best[3], best[0], "neverheardofit"]
    post = Post(caption="hello " + " ".join(f"#{tag}" for tag in typed), platform="instagram")
    report = score_reel(drawn_clip, post, scorers=lite)
    fewer = [change for change in candidates(report) if "allows" in change.text]
    kept = f"hello #{best[4]} #{best[0]} #{best[1]} #{best[2]} #{best[3]}"
    assert [change.caption for change in fewer] == [kept], "the repeated one, the unknown one and the worst go"
    points = rescorer(drawn_clip, report, lite)(fewer[0]) - report.score
    advice = advise(report.score, fewer, lambda _: report.score + points)
    assert bool(advice) == (points >= 0.5), "what the models don't confirm is not advised"


def test_a_weighting_that_counts_words_tries_wordings(drawn_clip: Path) -> None:
    weights = {"brightness": 1.0, "sentiment": 3.0}
    values = tuple(weights.values())
    fitted = Weighting(way="learned", names=tuple(weights), shares=values, draws=np.array([values, values]))
    scorers = load_scorers("lite", device="cpu", weighting=fitted)
    caption = "This was a long day. We lost the match in the rain #football"
    report = score_reel(drawn_clip, Post(caption=caption), scorers=scorers)
    tried = {change.text: change.caption for change in candidates(report) if change.kind == "caption"}
    assert set(tried.values()) == {
        "This was a long day.\nWe lost the match in the rain #football",
        f"{caption}\n{QUESTION['en']}",
        f"{caption}\n{CALL_TO_ACTION['en']}",
    }
    advised = with_advice(drawn_clip, report, scorers)
    rescore = rescorer(drawn_clip, report, scorers)
    gains = {c.text: rescore(c) - report.score for c in candidates(report) if c.kind == "caption"}
    assert {a.text for a in advised.advice if a.kind == "caption"} <= {t for t, gain in gains.items() if gain >= 0.5}
    for advice in advised.advice:
        if advice.kind == "caption":
            again = score_reel(drawn_clip, Post(caption=tried[advice.text] or ""), scorers=scorers)
            assert again.score - report.score == pytest.approx(advice.points, abs=0.1)


def _with_marks(report: Report, marks: list[float]) -> Report:
    """The report with these marks, 0.4 s apart."""
    line = Timeline(seconds=np.arange(len(marks)) * 0.4, values=np.array(marks))
    signals = []
    for signal in report.signals:
        if signal.name == "aesthetics":
            assert isinstance(signal.details, AestheticsDetails)
            cover = replace(signal.details, cover_seconds=0.4 * int(np.argmax(marks)), cover_value=max(marks))
            signal = replace(signal, timeline=line, details=cover)
        signals.append(signal)
    return replace(report, signals=tuple(signals))


def test_a_better_cover_is_said_with_its_time_and_without_points(drawn_clip: Path, lite: Scorers) -> None:
    report = score_reel(drawn_clip, scorers=lite)
    found = better_cover(_with_marks(report, [4.2, 4.5, 5.6, 4.3]))
    assert found is not None
    assert (found.kind, found.start, found.end, found.points) == ("cover", 0.8, 0.8, 0.0)
    assert found.before == found.after == report.score
    assert "0:00.8 is rated 5.6 of 10 for looks, the first frame 4.2" in found.text
    assert better_cover(_with_marks(report, [5.6, 4.5, 5.65])) is None, "no clear gain, no advice"
    assert better_cover(replace(report, signals=())) is None

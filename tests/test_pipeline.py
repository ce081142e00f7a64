"""score_reel end to end: on the real clips, on drawn ones, and what happens when a scorer can't answer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from tests.media.clips import Clip
from virality_core import Post, load_scorers, score_reel
from virality_core.errors import Cancelled, InputError, UsageError, WeightsError
from virality_core.forecast.features import Facts
from virality_core.models import weights
from virality_core.pipeline import Scorers
from virality_core.scorers.base import Scorer
from virality_core.scorers.caption.caption_report import CaptionReader
from virality_core.types import Plan, Progress, Reel, Signal, Skipped
from virality_core.what_if import own_history, with_caption, with_history


def bundled_quality() -> bool:
    """Whether the project bundles a quality model; without one that signal is skipped in the lite profile."""
    return any(item.component == "quality" and item.source == "bundled" for item in weights.entries())


def test_real_clips_are_scored(shared_media: Path, lite: Scorers) -> None:
    captions = json.loads((shared_media / "captions.json").read_text())
    for path in sorted(shared_media.glob("*.mp4")):
        report = score_reel(path, Post(caption=captions[path.name]), scorers=lite)
        plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert 0.0 < report.score < 100.0
        assert math.fsum(c["points"] for c in plain["contributions"]) == pytest.approx(plain["score"], abs=1e-6)
        about_the_caption = {"sentiment", "keywords", "hashtags"}
        # not every clip has a beat or a face, none is posted with a title, and no network of one's own was added
        about_the_rest = {"music", "tempo", "cut_to_beat", "virality", "shot_scale"}
        without_model = set() if bundled_quality() else {"quality"}
        assert {skip.name for skip in report.skipped} <= about_the_caption | about_the_rest | without_model, path.name
        assert report.coverage > (0.98 if bundled_quality() else 0.89), "all but what the hashtags weigh"
        assert [finding["kind"] for finding in plain["findings"]].count("low_resolution") == 1, "480 pixels wide"
        aesthetics = report.signal("aesthetics")
        assert aesthetics is not None
        assert aesthetics.timeline is not None
        assert report.thumbnails is not None
        assert set(aesthetics.timeline.seconds) <= set(report.thumbnails.seconds)
        assert set(plain["timings"]) >= {"decode", "aesthetics", "look", "pacing", "total"}


def test_the_same_reel_scores_the_same_from_a_path_and_from_memory(drawn_clip: Path, lite: Scorers) -> None:
    from_path = score_reel(drawn_clip, scorers=lite)
    from_memory = score_reel(BytesIO(drawn_clip.read_bytes()), scorers=lite, name=drawn_clip.name)
    assert from_memory.score == from_path.score
    assert from_memory.to_dict()["signals"] == from_path.to_dict()["signals"]


def test_progress_only_rises_and_ends_at_one(drawn_clip: Path, lite: Scorers) -> None:
    told: list[tuple[str, float]] = []
    score_reel(drawn_clip, scorers=lite, progress=lambda stage, fraction: told.append((stage, fraction)))
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert all(stage for stage, _ in told)


@pytest.mark.parametrize("stop_at", [0.0, 0.2, 0.5, 0.9])
def test_it_can_be_cancelled_at_any_stage(drawn_clip: Path, lite: Scorers, stop_at: float) -> None:
    def progress(stage: str, fraction: float) -> None:
        if fraction >= stop_at:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        score_reel(drawn_clip, scorers=lite, progress=progress)


class _Broken(Scorer):
    stage = "broken"
    names = ("sharpness", "noise")
    plan = Plan(stills=1)

    def score(self, reel: Reel, post: Post, progress: Progress) -> Sequence[Signal | Skipped]:
        raise WeightsError("The weights of the sharpness model are not there.")


def test_a_scorer_that_cannot_answer_is_skipped_with_its_reason(drawn_clip: Path, lite: Scorers) -> None:
    others = tuple(s for s in lite.scorers if not set(s.names) & set(_Broken.names))
    report = score_reel(drawn_clip, scorers=Scorers(scorers=(*others, _Broken()), profile="lite", device=lite.device))
    assert [skip.reason for skip in report.skipped if skip.name in _Broken.names] == [
        "The weights of the sharpness model are not there."
    ] * 2
    assert report.coverage < 1.0
    assert math.fsum(c.points for c in report.contributions) == pytest.approx(report.score, abs=1e-6)


def test_nothing_answered_is_an_error_not_a_score(drawn_clip: Path, lite: Scorers) -> None:
    with pytest.raises(InputError, match="every signal was skipped"):
        score_reel(drawn_clip, scorers=Scorers(scorers=(_Broken(),), profile="lite", device=lite.device))


def test_a_still_reel_and_a_single_frame_are_scored(make_clip: Callable[..., Clip], lite: Scorers) -> None:
    for frames in (1, 6):
        report = score_reel(make_clip(frames=frames).path, scorers=lite)
        assert report.signal("aesthetics") is not None
        assert all(skip.reason.endswith(".") for skip in report.skipped)


def test_another_caption_gives_the_report_that_scoring_anew_gives(drawn_clip: Path, lite: Scorers) -> None:
    first = score_reel(drawn_clip, Post(caption="I love this #fyp", platform="tiktok"), scorers=lite)
    desk = CaptionReader("lite")
    for caption in ("I hate this", "", "xin chào các bạn #meo #fyp"):
        post = Post(caption=caption, platform="tiktok")
        changed, anew = with_caption(first, post, desk.answers(post)), score_reel(drawn_clip, post, scorers=lite)
        assert changed.score == pytest.approx(anew.score, abs=1e-9)
        assert (changed.band, changed.coverage) == (anew.band, anew.coverage)
        assert {s.name: s.value for s in changed.signals} == pytest.approx({s.name: s.value for s in anew.signals})
        assert {(s.name, s.reason) for s in changed.skipped} == {(s.name, s.reason) for s in anew.skipped}
        assert set(changed.provenance.models) == set(anew.provenance.models)
        assert changed.provenance.ran == anew.provenance.ran
        assert changed.to_dict()["provenance"]["post"]["caption"] == caption


def test_another_caption_keeps_the_ranges_of_own_posts(drawn_clip: Path, lite: Scorers) -> None:
    posts = [Facts(caption="look", duration_seconds=float(10 + number % 7)) for number in range(14)]
    history = own_history(posts, {"likes": [100.0 + 9.0 * number for number in range(14)]})
    first = with_history(score_reel(drawn_clip, Post(caption="one"), scorers=lite), history)
    post = Post(caption="another #fyp")
    changed = with_caption(first, post, (), history=history)
    assert changed.engagement == with_history(replace(first, provenance=changed.provenance), history).engagement
    assert changed.engagement is not None
    assert (changed.engagement.own_posts, changed.engagement.plays) == (14, None)
    assert changed.to_dict()["engagement"]["own_posts"] == 14
    with pytest.raises(UsageError, match="their history is needed"):
        with_caption(first, post, ())


def test_what_ran_counts_only_models_that_come_in_both_kinds(drawn_clip: Path, lite: Scorers) -> None:
    with_both, without = (Post(caption=caption) for caption in ("I love this", ""))
    auto = load_scorers("auto", device="cpu")
    report = score_reel(drawn_clip, with_both, scorers=auto)
    caption = next(model for model in report.provenance.models if model.id.startswith("caption"))
    assert report.provenance.ran == caption.variant
    assert score_reel(drawn_clip, with_both, scorers=lite).provenance.ran == "lite"
    assert score_reel(drawn_clip, without, scorers=lite).provenance.ran == "lite"

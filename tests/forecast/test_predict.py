"""The bundled model: ranges for a post, what must be said beside them, and odd input."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from virality_core.errors import UsageError, WeightsError
from virality_core.forecast.model import bundled_model
from virality_core.forecast.predict import COUNTS, collections, facts_of
from virality_core.forecast.predict import predict as predict_with
from virality_core.models.language.minilm import embed_captions
from virality_core.types import Engagement, Post, VideoInfo


def video(seconds: float = 15.0) -> VideoInfo:
    return VideoInfo(
        name="made.mp4",
        size_bytes=1,
        container="mp4",
        codec="h264",
        width=1080,
        height=1920,
        rotation_degrees=0,
        duration_seconds=seconds,
        frame_rate=30.0,
        frame_count=450,
        bit_rate=None,
        pixel_format="yuv420p",
        transfer="sdr",
        has_alpha=False,
        audio=None,
    )


def predict(post: Post, info: VideoInfo, *collection: str) -> Engagement:
    return predict_with(post, info, embed_captions, *collection)


def test_a_post_gets_ranges_of_all_five_counts() -> None:
    found = predict(Post(caption="meo #meo", followers=20_000), video())
    for name in COUNTS:
        of = getattr(found, name)
        assert 0.0 <= of.low < of.median < of.high, name
    assert found.plays is not None
    assert found.likes is not None
    assert found.plays.median > found.likes.median
    assert found.population == "posts of accounts this size, TikTok posts from Vietnam, 2025"
    assert any("Saves" in note for note in found.notes)


def test_without_followers_it_says_so_and_is_wider_on_average() -> None:
    sizes = (300, 3_000, 30_000, 300_000, 3_000_000)
    unknown = predict(Post(caption="meo"), video())
    assert not unknown.sized
    assert "any size" in unknown.population
    assert any("not stated" in note for note in unknown.notes)
    assert unknown.likes is not None
    known = [predict(Post(caption="meo", followers=size), video()).likes for size in sizes]
    widths = [of.high / of.low for of in known if of is not None]
    assert unknown.likes.high / unknown.likes.low > sum(widths) / len(widths)


def test_other_platforms_are_told_that_the_posts_are_tiktoks() -> None:
    for platform, name in (("instagram", "Instagram"), ("youtube", "YouTube")):
        notes = predict(Post(platform=platform), video()).notes  # type: ignore[arg-type]
        assert f"This is what a TikTok post like this would get; no public {name} data of this kind exists." in notes
    assert not any("no public" in note for note in predict(Post(platform="tiktok"), video()).notes)


def test_a_collection_without_saves_has_none() -> None:
    found = predict(Post(), video(), "tiktok-us-2025")
    assert found.saves is None
    assert found.plays is not None
    assert "smp_video" not in collections(), "popularity is no count"
    with pytest.raises(UsageError, match="tiktok-vn-2025"):
        predict(Post(), video(), "smp_video")


@pytest.mark.parametrize("followers", [0, 1, 10**10])
def test_followers_at_the_edges(followers: int) -> None:
    found = predict(Post(followers=followers), video())
    assert any("are a guess" in note for note in found.notes)


@pytest.mark.parametrize("followers", [-1, 10**12])
def test_followers_beyond_them_are_refused(followers: int) -> None:
    with pytest.raises(UsageError, match="followers must be 0 to"):
        Post(followers=followers)


def test_the_time_is_read_in_utc_and_the_date_is_not_read() -> None:
    east = datetime(2026, 11, 22, 1, 0, tzinfo=timezone(timedelta(hours=7)))
    facts = facts_of(Post(posted_at=east), video())
    assert (facts.hour, facts.weekday) == (18.0, 5)
    assert facts == facts_of(Post(posted_at=datetime(2021, 11, 20, 18, 0, tzinfo=UTC)), video())


def test_the_model_is_small_and_reads_nothing_that_is_not_there() -> None:
    model = bundled_model()
    assert set(model.collections) >= {"smp_video", "tiktok-vn-2025", "tiktok-us-2025", "tiktok-top-users-2020"}
    with pytest.raises(WeightsError, match="no tensor"):
        model.fit("tiktok-us-2025", "likes", "full")

"""The form's optional fields: they reach the post, are kept for the next reel, and bad values get a message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from tests.app.conftest import Page
from tests.scorers.clips import info
from virality_core.forecast.predict import predict
from virality_core.models.language.minilm import embed_captions
from virality_core.types import Post


def test_what_is_stated_reaches_the_post_and_stays_for_the_next(
    open_page: Callable[..., Page], drawn_clip_bytes: bytes
) -> None:
    page = open_page()
    page.app.number_input(key="followers").set_value(5_000)
    page.app.number_input(key="following").set_value(120)
    page.app.number_input(key="videos").set_value(0)
    page.app.date_input(key="post_day").set_value(date(2026, 12, 24))
    page.app.selectbox(key="post_hour").set_value(18)
    page.upload("my reel.mp4", drawn_clip_bytes)
    page.wait_for_result()
    post = page.visit.post
    assert (post.following, post.videos) == (120, 0)
    assert post.posted_at == datetime(2026, 12, 24, 18, tzinfo=UTC), "no browser, no time zone: UTC, and it says so"
    assert "SMP-Video" in page.html
    assert "2026-12-24 18:00 UTC" in page.html
    page.app.button(key="again").click().run()
    assert page.app.selectbox(key="post_hour").value == 18
    assert page.app.selectbox(key="post_hour").label == "Posting hour (UTC)"
    assert page.app.number_input(key="following").value == 120


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (lambda app: app.selectbox(key="post_hour").set_value(7), "Add a posting date"),
        (lambda app: app.date_input(key="post_day").set_value(date(2026, 1, 1)), "Add a posting hour"),
    ],
)
def test_half_a_time_gets_a_sentence_and_no_reel_is_scored(
    open_page: Callable[..., Page], drawn_clip_bytes: bytes, fill: Callable[..., object], message: str
) -> None:
    page = open_page()
    fill(page.app)
    page.upload("my reel.mp4", drawn_clip_bytes)
    assert not page.app.exception
    assert message in page.html
    assert page.visit.job is None


def test_following_and_videos_are_read_by_the_one_collection_that_knows_them() -> None:
    video = info(width=1080, height=1920, seconds=20.0)
    few, many = (
        predict(Post(caption="x", followers=5_000, following=100, videos=count), video, embed_captions)
        for count in (20, 20_000)
    )
    assert few.likes == many.likes
    assert few.notes[:-1] == many.notes[:-1]
    assert few.notes[-1] != many.notes[-1]
    assert "popularity index" in few.notes[-1]
    without = predict(Post(caption="x", videos=20), video, embed_captions).notes[-1]
    assert "which are not stated" in without
    assert "popularity" not in " ".join(predict(Post(caption="x", followers=5_000), video, embed_captions).notes)


def test_the_hour_counts_in_utc() -> None:
    video = info(width=1080, height=1920, seconds=20.0)
    at = datetime(2026, 12, 24, 18, tzinfo=UTC)
    same = at.astimezone()
    assert predict(Post(posted_at=at, followers=9), video, embed_captions) == predict(
        Post(posted_at=same, followers=9), video, embed_captions
    )

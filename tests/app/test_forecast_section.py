"""The forecast of likes and plays, the chart of other weightings, and the range on the gauge."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.forecast.own_posts.test_data_export import instagram, zipped
from ui import forecast
from ui.score import gauge, shares
from ui.visit import Visit
from virality_core import Post, Report, score_reel
from virality_core.forecast.own_posts.reader import read_own_posts
from virality_core.pipeline import Scorers
from virality_core.what_if import own_history


@pytest.fixture(scope="module")
def report(drawn_clip: Path, lite: Scorers) -> Report:
    post = Post(caption="look #fyp", followers=50_000, platform="instagram")
    return score_reel(drawn_clip, post, scorers=lite)


def _page(report: Report) -> AppTest:
    def script(visit):  # type: ignore[no-untyped-def]
        from ui import forecast

        visit.collect_finished_jobs()
        forecast.show(visit.report, visit)

    visit = Visit()
    visit.report = report
    return AppTest.from_function(script, args=(visit,), default_timeout=60).run()


@pytest.fixture(autouse=True)
def engine_ends() -> Iterator[None]:
    yield
    st.cache_resource.clear()


def _upload(page: AppTest, name: str, data: bytes, kind: str) -> None:
    """Upload a file of own posts and wait for the result."""
    page.file_uploader(key="own_posts").upload(name, data, kind).run()
    deadline = time.monotonic() + 60
    while page.get("progress"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        page.run()


def _html(page: AppTest) -> str:
    return "\n".join(str(element.proto.body) for element in page.get("html"))


def test_ranges_are_shown_with_their_population_and_one_click_hides_them(report: Report) -> None:
    page = _page(report)
    assert not page.exception
    shown = _html(page)
    assert "Posts of accounts this size, TikTok posts from Vietnam, 2025" in shown
    assert "no public Instagram data of this kind exists" in shown
    assert "<table" in shown
    assert all(name in shown for name in ("Likes", "Comments", "Shares", "Saves", "Plays"))
    page.toggle(key="engagement_shown").set_value(False).run()
    assert not page.exception
    assert "<table" not in _html(page)


def test_another_collection_can_be_chosen(report: Report) -> None:
    page = _page(report)
    page.selectbox(key="engagement_collection").set_value("tiktok-us-2025").run()
    assert not page.exception
    assert "mostly from the US" in _html(page)
    assert "Saves" not in _html(page)


def test_own_posts_take_the_place_of_the_collection(report: Report) -> None:
    rows = "\n".join(f"2025-05-{day:02d},{100 + 9 * day},c{day}" for day in range(1, 20))
    page = _page(report)
    _upload(page, "posts.csv", f"date,likes,caption\n{rows}".encode(), "text/csv")
    assert not page.exception
    assert "Your own 19 posts" in _html(page)
    assert "Plays" not in _html(page)
    assert "tended to" in _html(page)
    page.selectbox(key="engagement_own").set_value("tiktok-us-2025").run()
    assert "mostly from the US" in _html(page)
    page.button(key="forget_posts").click().run()
    assert not page.exception
    assert "TikTok posts from Vietnam, 2025" in _html(page)
    assert "own 19 posts" not in _html(page)


def test_instagrams_own_export_takes_the_place_too(report: Report) -> None:
    page = _page(report)
    _upload(page, "instagram.zip", zipped(instagram()), "application/zip")
    assert not page.exception
    assert "Your own 13 posts" in _html(page)
    assert "Saves" in _html(page)


def test_the_visits_own_ranges_are_in_the_next_report_and_gone_with_the_visit(report: Report) -> None:
    posts = read_own_posts(zipped(instagram()), "instagram.zip")
    visit = Visit()
    visit.report = report
    visit.use_history(own_history(posts.facts, posts.outcomes), posts.notes)
    assert visit.report.engagement is not None
    assert visit.report.engagement.own_posts == 13
    visit.clear_reel()
    assert visit.history is not None
    again = visit._with_choices(report)
    assert again.engagement is not None
    assert again.engagement.own_posts == 13
    visit.clear()
    assert visit.history is None


def test_bad_own_posts_are_one_sentence_and_the_collection_stays(report: Report) -> None:
    page = _page(report)
    _upload(page, "<b>.csv", b"likes\n1\n2\n", "text/csv")
    assert not page.exception
    assert "at least 10" in _html(page)
    assert "TikTok posts from Vietnam, 2025" in _html(page)


def test_a_report_without_engagement_has_no_section(report: Report) -> None:
    page = _page(replace(report, engagement=None))
    assert not page.exception
    assert _html(page) == ""


def test_the_chart_has_a_bar_a_count_on_a_logarithmic_axis(report: Report) -> None:
    assert report.engagement is not None
    drawn = forecast.chart(report.engagement).to_dict()
    assert drawn["layer"][0]["encoding"]["x"]["scale"]["type"] == "log"
    assert [row["count"] for row in drawn["data"]["values"]] == ["Likes", "Comments", "Shares", "Saves", "Plays"]
    assert all(row["low"] <= row["median"] <= row["high"] for row in drawn["data"]["values"])


def test_the_weights_chart_moves_by_what_the_weight_is_worth(report: Report) -> None:
    drawn = shares.chart(report).to_dict()
    rows = drawn["data"]["values"]
    assert len(rows) == len(report.contributions)
    assert [row["moves"] for row in rows] == sorted((row["moves"] for row in rows), reverse=True)
    for row in rows:
        assert min(row["without"], row["double"]) - 1e-9 <= report.score <= max(row["without"], row["double"]) + 1e-9


def test_the_gauge_shows_the_doubt(report: Report) -> None:
    assert report.uncertainty is not None
    assert f"--low:{report.uncertainty.low:.2f};--high:{report.uncertainty.high:.2f}" in gauge._ring(report)
    assert f"Range: {report.uncertainty.low:.0f} to" in gauge._ring(report)
    assert "rv-span" not in gauge._ring(replace(report, uncertainty=None))


def test_the_json_has_engagement_and_uncertainty(report: Report) -> None:
    plain = report.to_dict()
    assert set(plain["engagement"]["likes"]) == {"median", "low", "high"}
    assert "TikTok" in plain["engagement"]["population"]
    assert plain["uncertainty"]["low"] <= plain["score"] <= plain["uncertainty"]["high"]
    assert plain["provenance"]["fusion"] == "prior"

"""The hashtags of a caption against the table: kinds, limits, lifts, and what is said where nothing is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from virality_core.config.platforms import rules_of
from virality_core.errors import WeightsError
from virality_core.scorers.caption.hashtags import Hashtags, HashtagScorer, read_hashtags
from virality_core.scorers.caption.trend_table import TrendTable, load_trends, unstretched
from virality_core.types import Post, Signal, Skipped, to_plain


def population(last: str, *, followers: bool = True, answers: bool = True) -> dict[str, object]:
    return {
        "posts": 1000,
        "authors": 500,
        "first": "2020-01-01",
        "last": last,
        "followers_known": followers,
        "answers": answers,
    }


@pytest.fixture
def table(tmp_path: Path) -> TrendTable:
    plain = {
        "schema": 1,
        "measure": "made up",
        "min_authors": 5,
        "generic": {"share_of_authors": 0.02, "authors": 50, "stem_share": 0.04},
        "collections": {
            "old": population("2020-12-31"),
            "new": population("2025-05-31"),
            "untested": population("2026-01-01", answers=False),
            "unsized": population("2025-06-01", followers=False, answers=False),
        },
        "tags": {
            "fyp": {"new": [400, 300, -0.05, 0.03, 1], "unsized": [300, 290, None, None, 1]},
            "cat": {"new": [40, 30, 0.5, 0.1, 0], "old": [9, 9, -0.9, 0.2, 0]},
            "dog": {"old": [20, 15, 0.1, 0.1, 0], "untested": [20, 15, 2.0, 0.1, 0]},
            "bird": {"untested": [20, 15, 2.0, 0.1, 0]},
            "fish": {"unsized": [12, 11, None, None, 0]},
        },
    }
    path = tmp_path / "hashtags.json"
    path.write_text(json.dumps(plain), encoding="utf-8")
    return load_trends(path)


def test_kinds(table: TrendTable) -> None:
    reading = read_hashtags("#FYP #fypppppp #fypage #cat #fish #nobodyusesthis", "tiktok", table)
    assert [tag.kind for tag in reading.tags] == ["generic"] * 3 + ["specific", "specific", "unknown"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [("fyppppp", "fyp"), ("xhhhhhh", "xh"), ("cool", "cool"), ("aaabbb", "ab"), ("", ""), ("aa", "aa")],
)
def test_stretched_tags(key: str, expected: str) -> None:
    assert unstretched(key) == expected


def test_the_lift_is_of_the_newest_population_that_holds_out_of_sample(table: TrendTable) -> None:
    reading = read_hashtags("#cat #dog #bird #fish #unknowntag", None, table)
    assert (reading.known, reading.lift) == (2, pytest.approx((0.5 + 0.1) / 2))
    assert [row.population.name for row in reading.tags[1].rows] == ["untested", "old"]
    assert reading.tags[2].counted is None


def test_a_repeated_tag_counts_once_in_the_lift_and_twice_against_the_limit(table: TrendTable) -> None:
    reading = read_hashtags("#cat #CAT #cat #fyp #dog #dog", "tiktok", table)
    assert reading.repeated == ("cat", "dog")
    assert reading.lift == pytest.approx((0.5 - 0.05 + 0.1) / 3)
    assert reading.over_limit == 6 - rules_of("tiktok").hashtag_limit


def test_limits(table: TrendTable) -> None:
    caption = " ".join(f"#tag{number}" for number in range(7))
    assert read_hashtags(caption, "instagram", table).over_limit == 2
    assert read_hashtags(caption, "tiktok", table).over_limit == 2
    assert read_hashtags(caption, "youtube", table).over_limit == 0
    assert read_hashtags(caption, None, table).over_limit is None


def test_the_signal(table: TrendTable) -> None:
    better = HashtagScorer(table).read(Post(caption="#cat #dog"))
    worse = HashtagScorer(table).read(Post(caption="#fyp"))
    assert isinstance(better, Signal)
    assert isinstance(worse, Signal)
    assert better.value == pytest.approx(0.3)
    assert better.desirability > worse.desirability
    assert better.percentile == better.desirability
    assert isinstance(better.details, Hashtags)
    json.dumps(to_plain(better))


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        ("", "There are no hashtags"),
        ("no tags here", "There are no hashtags"),
        ("#unknowntag", "no data"),
        ("#bird #fish", "these 2 hashtags did"),
    ],
)
def test_nothing_known_is_skipped_never_average(table: TrendTable, caption: str, said: str) -> None:
    answer = HashtagScorer(table).read(Post(caption=caption))
    assert isinstance(answer, Skipped)
    assert said in answer.reason


def test_the_shipped_table_keeps_its_promises() -> None:
    table = load_trends()
    assert table.min_authors == 5
    assert sum(population.answers for population in table.populations.values()) >= 1
    for rows in table.tags.values():
        for row in rows:
            assert row.authors >= 5
            assert row.posts >= row.authors
            assert (row.lift is None) == (not row.population.followers_known)
            assert row.population.last is not None
    assert table.is_generic("fyp")
    assert table.is_generic("fypppppppp")
    assert table.is_generic("viralvideo")
    assert not table.is_generic("catsoftiktok")
    assert not table.is_generic("")


@pytest.mark.parametrize("caption", ["#a\x00#b\ud800", "#" * 50_000, "#a" * 25_000, "\u202e#שלום", "<i>#fyp</i>"])
def test_awkward_captions(caption: str) -> None:
    reading = read_hashtags(caption, "tiktok", load_trends())
    for tag in reading.tags:
        assert caption[tag.tag.start : tag.tag.end] == tag.tag.text


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 2}', '{"schema": 1, "collections": 3}'])
def test_a_damaged_table_is_an_error_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WeightsError, match="virality trends build"):
        load_trends(path)

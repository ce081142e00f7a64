"""Counts and times as exports write them, and every kind of export."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from virality_core.errors import InputError, UsageError
from virality_core.forecast.own_posts.data_export import repaired
from virality_core.training.datasets.exports import ExportedPost, count_of, read_exports, time_of

Touch = Callable[[str], Path]


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (1234, 1234),
        ("1234", 1234),
        ("1,234,567", 1_234_567),
        ("1.2M", 1_200_000),
        ("3k", 3000),
        ("2 B", 2_000_000_000),
        (0, 0),
        (None, None),
        ("", None),
        ("n/a", None),
        (math.nan, None),
    ],
)
def test_counts_are_read_as_people_write_them(value: object, count: int | None) -> None:
    assert count_of(value, "likes", "line 2") == count


@pytest.mark.parametrize("value", [-1, "-5", "-1.2M", "many", "1.2.3", "1,23", [], True, math.inf, 10**400, "9" * 400])
def test_what_is_no_count_is_refused_with_its_place(value: object) -> None:
    with pytest.raises(InputError, match=r"`likes` in line 2") as caught:
        count_of(value, "likes", "line 2")
    assert "\n" not in str(caught.value)


def test_times() -> None:
    assert time_of(1_700_000_000, "x") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert time_of("1700000000000", "x") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert time_of("20231114", "x") == datetime(2023, 11, 14, tzinfo=UTC)
    assert time_of("2023-11-14T23:13:20+01:00", "x") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert time_of(None, "x") is None
    for value in ("yesterday", "99999999", -5, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-14:00"):
        with pytest.raises(InputError, match="The time in x"):
            time_of(value, "x")


@pytest.fixture
def touch(tmp_path: Path) -> Touch:
    """Makes an empty file under the folder of videos."""

    def make(name: str) -> Path:
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path.resolve()

    return make


def _read(tmp_path: Path, *sources: Path, **options: Any) -> list[ExportedPost | InputError]:
    return list(read_exports(sources, tmp_path / "videos", **options))


def _ones(found: list[ExportedPost | InputError]) -> list[ExportedPost]:
    assert not [one for one in found if isinstance(one, InputError)], found
    return [one for one in found if isinstance(one, ExportedPost)]


def test_a_scrapers_json(tmp_path: Path, touch: Touch) -> None:
    video = touch("deep/700.mp4")
    good = {
        "id": "700",
        "text": "hi #x",
        "createTime": 1_700_000_000,
        "authorMeta": {"id": "9", "name": "ann", "fans": "1.5K"},
        "diggCount": 10,
        "playCount": "2M",
        "shareCount": None,
    }
    posts = [good, {**good, "diggCount": -3}, {**good, "authorMeta": None}, "no object"]
    (tmp_path / "posts.json").write_text(json.dumps({"collector": posts}))
    found = _read(tmp_path, tmp_path / "posts.json")
    one = _ones(found[:1])[0]
    assert (one.video, one.author, one.author_name, one.caption) == (video, "9", "ann", "hi #x")
    assert (one.likes, one.plays, one.shares, one.comments, one.followers) == (10, 2_000_000, None, None, 1500)
    for other, said in zip(found[1:], ("a count of 0 or more", "no author", "no object"), strict=True):
        assert said in str(other)


def test_a_csv_with_its_own_columns(tmp_path: Path, touch: Touch) -> None:
    video = touch("a.mov")
    (tmp_path / "posts.csv").write_text("datei,konto,views,like_count\nvideos/a.mov,ann,1.2K,5\n")
    (one,) = _ones(_read(tmp_path, tmp_path / "posts.csv", mapping={"video": "datei", "author": "konto"}))
    assert (one.video, one.author, one.plays, one.likes, one.shares) == (video, "ann", 1200, 5, None)
    (tmp_path / "parted.csv").write_text("\ufeffvideo;author;views;caption\nvideos/a.mov;ann;1,200;a, b\n")
    (one,) = _ones(_read(tmp_path, tmp_path / "parted.csv"))
    assert (one.video, one.author, one.plays, one.caption) == (video, "ann", 1200, "a, b")
    with pytest.raises(InputError, match="--map video=COLUMN"):
        _read(tmp_path, tmp_path / "posts.csv")
    with pytest.raises(UsageError, match="has no column 'nope'"):
        _read(tmp_path, tmp_path / "posts.csv", mapping={"video": "nope", "author": "konto"})
    with pytest.raises(UsageError, match="no column 'colour' to map"):
        _read(tmp_path, tmp_path / "posts.csv", mapping={"colour": "x"})


def test_yt_dlps_files_beside_the_videos(tmp_path: Path, touch: Touch) -> None:
    video = touch("Some title [abc].webm")
    info = {"id": "abc", "uploader_id": "@ann", "like_count": 3, "view_count": 100, "upload_date": "20240102"}
    (tmp_path / "videos" / "Some title [abc].info.json").write_text(json.dumps(info))
    (tmp_path / "videos" / "broken.info.json").write_text("{")
    found = _read(tmp_path, tmp_path / "videos")
    (one,) = [one for one in found if isinstance(one, ExportedPost)]
    assert (one.video, one.likes, one.plays, one.comments) == (video, 3, 100, None)
    assert one.posted_at == datetime(2024, 1, 2, tzinfo=UTC)
    assert sum(isinstance(one, InputError) for one in found) == 1


def test_instagrams_export(tmp_path: Path, touch: Touch) -> None:
    video = touch("media/reels/202311/x.mp4")
    activity = tmp_path / "your_instagram_activity"
    (activity / "media").mkdir(parents=True)
    (activity / "past_instagram_insights").mkdir()
    reel = {"uri": "media/reels/202311/x.mp4", "creation_timestamp": 1_700_000_000, "title": "caf\u00c3\u00a9"}
    (activity / "media" / "reels.json").write_text(json.dumps({"ig_reels_media": [{"media": [reel]}]}))
    insight = {
        "media_map_data": {"Media Thumbnail": {"creation_timestamp": 1_700_000_000}},
        "string_map_data": {"Instagram Likes": {"value": "12"}, "Instagram Plays": {"value": "1,300"}},
    }
    (activity / "past_instagram_insights" / "reels.json").write_text(json.dumps({"organic_insights_reels": [insight]}))
    (one,) = _ones(_read(tmp_path, activity))
    assert (one.video, one.caption, one.likes, one.plays, one.shares) == (video, "café", 12, 1300, None)
    for name in ("past_instagram_insights/posts.json", "media/reels_2.json"):
        (activity / name).write_text("{bad")
    found = _read(tmp_path, activity)
    assert found[0] == one, "what is damaged stops nothing"
    assert [str(error).split()[0] for error in found[1:]] == ["posts.json", "reels_2.json"]
    assert repaired("日本") == "日本"


@pytest.mark.parametrize("text", ["", "[", '{"a": 1}', "[" * 100_000, "\x00\xff"])
def test_what_is_no_export_is_one_sentence(tmp_path: Path, touch: Touch, text: str) -> None:
    touch("a.mp4")
    (tmp_path / "posts.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        _read(tmp_path, tmp_path / "posts.json")
    assert "\n" not in str(caught.value)


def test_a_listed_path_finds_nothing_outside_the_folder(tmp_path: Path, touch: Touch) -> None:
    touch("a.mp4")
    (tmp_path / "secret.mp4").touch()
    (tmp_path / "posts.csv").write_text("video,author\n../secret.mp4,ann\n/etc/passwd,ann\n")
    assert [one.video for one in _ones(_read(tmp_path, tmp_path / "posts.csv"))] == [None, None]


def test_a_name_that_two_videos_share_finds_neither(tmp_path: Path, touch: Touch) -> None:
    first, _ = touch("one/a.mp4"), touch("two/a.mp4")
    (tmp_path / "posts.csv").write_text("video,author\na.mp4,ann\none/a.mp4,ann\n")
    assert [one.video for one in _ones(_read(tmp_path, tmp_path / "posts.csv"))] == [None, first]

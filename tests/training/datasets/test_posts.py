"""What a user's own export may look like, and the one sentence for each way it can be wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from virality_core.errors import InputError
from virality_core.training.datasets.posts import read_posts


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_and_json_lines_give_the_same_posts(tmp_path: Path) -> None:
    csv = write(
        tmp_path,
        "mine.csv",
        'user,likes,hashtags,followers,posted_at\nann,10,"#FYP, cat #cat",900,2025-05-01 10:00:00\n',
    )
    lines = (
        '{"user": "ann", "likes": 10, "hashtags": ["FYP", "#cat", "cat"], "followers": 900, '
        '"posted_at": "2025-05-01T10:00:00"}'
    )
    json_lines = write(tmp_path, "mine.jsonl", lines + "\n\n")
    packed = tmp_path / "mine.jsonl.gz"
    packed.write_bytes(gzip.compress(lines.encode()))
    (post,) = read_posts(csv)
    assert (post,) == read_posts(json_lines) == read_posts(packed)
    assert (post.hashtags, post.hashtag_count, post.collection) == (("fyp", "cat"), 3, "mine")
    assert (post.comments, post.shares, post.followers) == (None, None, 900.0)


def test_without_a_list_the_caption_is_parsed(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"user": 7, "likes": "3", "caption": "hi #One#two @x", "plays": 9}')
    (post,) = read_posts(path)
    assert post.hashtags == ("one", "two")
    assert not hasattr(post, "plays")


def test_half_characters_are_read_as_text_that_can_be_written(tmp_path: Path) -> None:
    text = '{"user": "a\\ud800", "likes": 3, "caption": "c\\ud800", "music_title": "m\\ud800", "source": "s\\ud800"}'
    (post,) = read_posts(write(tmp_path, "a.jsonl", text))
    assert (post.author, post.caption, post.music_title, post.collection) == ("a?", "c?", "m?", "s?")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", "", "a.jsonl holds no posts"),
        ("a.csv", "user,likes,caption\n", "a.csv holds no posts"),
        ("a.jsonl", "not json", "Line 1 of a.jsonl is not JSON"),
        ("a.jsonl", "[1]", "Line 1 of a.jsonl is not a JSON object"),
        (
            "a.jsonl",
            '{"user": "a", "likes": 1, "caption": ""}\n{"likes": 1, "caption": ""}',
            "no `user` in line 2 of a.jsonl",
        ),
        ("a.csv", "user,caption\nann,hi\n", "no `likes` in line 2 of a.csv"),
        ("a.jsonl", '{"user": "a", "likes": 1}', "neither `hashtags` nor `caption` in line 1"),
        ("a.jsonl", '{"user": "a", "likes": -1, "caption": ""}', "`likes` in line 1 of a.jsonl is -1"),
        ("a.jsonl", '{"user": "a", "likes": "many", "caption": ""}', "is 'many'; a count of 0 or more"),
        ("a.jsonl", '{"user": "a", "likes": NaN, "caption": ""}', "is nan"),
        (
            "a.jsonl",
            '{"user": "a", "likes": 1, "hashtags": {"a": 1}}',
            "`hashtags` in line 1 of a.jsonl must be a list",
        ),
        ("a.jsonl", '{"user": "a", "likes": 1, "caption": "", "posted_at": "May"}', "is 'May'; a date like"),
        ("a.jsonl", "[" * 100_000, "Line 1 of a.jsonl is not JSON"),
        ("a.csv.gz", "user", "can't be read"),
    ],
)
def test_each_fault_is_one_sentence(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_posts(write(tmp_path, name, text))
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert message.endswith(".")


def test_files_that_are_not_text_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_posts(tmp_path / "absent.csv")
    path = tmp_path / "photo.csv"
    path.write_bytes(b"\xff\xd8\xff\xe0" * 20)
    with pytest.raises(InputError, match="can't be read as a UTF-8"):
        read_posts(path)
    with pytest.raises(InputError, match="can't be read"):
        read_posts(tmp_path)

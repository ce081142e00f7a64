"""A platform's own list: counts with a date, never a lift; a wrong list is one sentence, and nothing is written."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from virality_core.cli import main
from virality_core.errors import InputError, UsageError
from virality_core.report import wording
from virality_core.scorers.caption.hashtags import HashtagScorer, read_hashtags
from virality_core.scorers.caption.trend_table import load_trends
from virality_core.scorers.sound.music import MusicScorer
from virality_core.training.trends.platform_list import read_trend_list
from virality_core.types import Post, Signal, Skipped

DAY = date(2026, 11, 20)
HASHTAGS = """Rank,Hashtag,Posts,Video Views,Trend,Industry
1,#NewThing,1.2M,"98,765,432",Up,Pets
2,FYP,"12,345",3B,-2,
3,#mèo,900,-,same,Pets
"""
SONGS = "Rank;Song name;Artist;Uses;Rank diff\n1;Winter Light;Someone;320K;4\n2;original sound - Bob;Bob;12;0\n"


def _file(folder: Path, text: str, name: str = "creative-center-vn.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_as_such_lists_write_them(tmp_path: Path) -> None:
    found = read_trend_list(_file(tmp_path, HASHTAGS), DAY)
    assert found.collection == "creative-center-vn"
    assert dict(found.rows) == {
        "#NewThing": (1_200_000, 1, 98_765_432, "up"),
        "FYP": (12_345, 2, 3_000_000_000, "down"),
        "#mèo": (900, 3, None, "same"),
    }
    assert found.ignored == ("Industry",)
    own = read_trend_list(_file(tmp_path, "Nombre,n\nvida,7\n"), DAY, {"name": "Nombre", "posts": "n"})
    assert dict(own.rows) == {"vida": (7, None, None, None)}


def test_the_table_that_ships_gains_the_list_and_keeps_its_lifts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, music = tmp_path / "hashtags.json", tmp_path / "music.json"
    lists = ["--list", str(_file(tmp_path, HASHTAGS)), "--music-list", str(_file(tmp_path, SONGS, "songs.csv"))]
    asked = ["trends", "build", *lists, "--date", str(DAY), "--out", str(out), "--music", str(music)]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "3 names listed on 2026-11-20; shown, does not count in the signal" in said
    assert "not read: Industry" in said
    table, before = load_trends(out), load_trends()
    assert set(before.tags) <= set(table.tags)
    assert [row for row in table.rows("fyp") if row.authors is not None] == list(before.rows("fyp"))
    (new,) = table.rows("newthing")
    assert new.usage(DAY) == "number 1 in the list of 2026-11-20, rising: 1,200,000 posts, 98,765,432 views"
    assert "3 months ago" in new.usage(DAY + timedelta(days=100)), "a stale list is said to be stale"
    assert read_hashtags("#NewThing", None, table).lift is None, "a count says nothing of what a tag goes with"
    for caption in ("#mèo", "hello #mèo #fyp"):
        old, fresh = (HashtagScorer(t, today=DAY).read(Post(caption=caption)) for t in (before, table))
        assert isinstance(old, Signal)
        assert isinstance(fresh, Signal)
        assert fresh.value == old.value
        assert "the newest of these posts is from 2025-05-28, 18 months ago" in wording.describe(fresh)
    song = MusicScorer(music, today=DAY).read(Post(music="Winter Light"))
    assert isinstance(song, Skipped)
    assert "number 1 in the list of 2026-11-20, rising: 320,000 posts" in song.reason
    shared = MusicScorer(music, today=DAY).read(Post(music="original sound - bob"))
    assert isinstance(shared, Skipped)
    assert "ifferent sounds" in shared.reason
    again = json.loads(out.read_text(encoding="utf-8"))
    assert main(asked) == 0
    assert json.loads(out.read_text(encoding="utf-8")) == again


def test_how_new_the_data_is_is_always_said() -> None:
    fresh = HashtagScorer(today=date(2025, 6, 1)).read(Post(caption="#mèo"))
    assert isinstance(fresh, Signal)
    assert wording.describe(fresh).endswith("the newest of these posts is from 2025-05-28")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no column of names"),
        ("Rank,Hashtag\n", "lists no names"),
        ("Rank,Posts\n1,2\n", "--column name=HEADER"),
        ("Rank,Hashtag\n1,#a\n2,\n", "no name of 1 to 200 characters in line 3"),
        ("Rank,Hashtag,Posts\n1,#a,many\n", "`Posts` in line 2 of list.csv is 'many'"),
        ("Rank,Hashtag,Posts\n1,#a,-5\n", "'-5'; a count"),
        ("Rank,Hashtag,Posts\n1,#a," + "9" * 5000 + "\n", "a count"),
        ("Rank,Hashtag,Trend\n1,#a,sideways\n", "up, down, same"),
        ("Rank,Hashtag\n1,###\n", "can be looked up"),
        ("Rank,Hashtag\n1," + "x" * 300 + "\n", "1 to 200 characters"),
        ('Rank,Hashtag\n1,"' + "x" * 200_000 + "\n", "can't be read as a UTF-8 CSV file"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_written(
    text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = _file(tmp_path, text, "list.csv"), tmp_path / "out.json"
    out.write_text("what was there")
    code = main(["trends", "build", "--list", str(path), "--date", str(DAY), "--out", str(out)])
    assert code == InputError.exit_code
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1
    assert out.read_text() == "what was there"


def test_a_wrong_list_leaves_the_table_of_posts_unwritten(tmp_path: Path) -> None:
    posts = _file(tmp_path, "user,likes,hashtags\n" + "".join(f"u{n},{n},a\n" for n in range(40)), "posts.csv")
    wrong, out = _file(tmp_path, "Hashtag,Posts\n#a,x\n", "list.csv"), tmp_path / "out.json"
    asked = ["trends", "build", "--data", str(posts), "--list", str(wrong), "--date", str(DAY), "--out", str(out)]
    assert main(asked) == InputError.exit_code
    assert not out.exists()


def test_wrong_wishes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, HASHTAGS)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    with pytest.raises(UsageError, match="in the future"):
        read_trend_list(path, tomorrow)
    with pytest.raises(UsageError, match="no column 'Name'"):
        read_trend_list(path, DAY, {"name": "Name"})
    with pytest.raises(InputError, match="no file"):
        read_trend_list(tmp_path / "absent.csv", DAY)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("Hashtag\nmème\n".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        read_trend_list(latin, DAY)
    for asked in (["--list", str(path), "--date", str(DAY)], ["--list", str(path), "--out", "x"], ["--out", "x"]):
        assert main(["trends", "build", *asked]) == UsageError.exit_code
    said = capsys.readouterr().err
    assert "--list needs --out" in said
    assert "needs --date" in said
    assert "othing to build from" in said

"""Music by title: what is known is said with its date, what many sounds share is not, and nothing is guessed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from virality_core.errors import WeightsError
from virality_core.report import wording
from virality_core.scorers.sound.music import MusicDetails, MusicScorer, title_key
from virality_core.types import Post, Signal, Skipped

TABLE = {
    "schema": 1,
    "measure": "made",
    "columns": [],
    "min_authors": 5,
    "generic": {"share_of_authors": 0.02, "authors": 50, "stem_share": 0.04},
    "collections": {
        "new": {
            "posts": 900,
            "authors": 800,
            "first": "2026-01-01",
            "last": "2026-05-01",
            "followers_known": True,
            "answers": True,
        },
        "counted": {
            "posts": 50,
            "authors": 50,
            "first": "2026-01-01",
            "last": "2026-06-01",
            "followers_known": False,
            "answers": False,
        },
    },
    "tags": {
        "a song": {"new": [12, 11, 0.39, 0.2, 0, 32000], "counted": [7, 7, None, None, 0, None]},
        "original sound": {"new": [500, 480, None, None, 1, None]},
        "only counted": {"counted": [9, 9, None, None, 0, None]},
    },
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "music.json"
    path.write_text(json.dumps(TABLE))
    return path


def _read(table: Path, title: str | None, *, today: date = date(2026, 5, 20)) -> Signal | Skipped:
    return MusicScorer(table, today=today).read(Post(music=title))


def test_a_known_title_whatever_its_case_and_blanks(table: Path) -> None:
    for title in ("A Song", "  a   SONG ", "Ａ song"):
        found = _read(table, title)
        assert isinstance(found, Signal)
        assert found.value == pytest.approx(0.39)
        said = wording.describe(found)
        assert "32,000 videos used it by 2026-05-01" in said
        assert "48 % more" in said
        assert "months ago" not in said


def test_old_data_is_said_to_be_old(table: Path) -> None:
    found = _read(table, "a song", today=date(2026, 11, 22))
    assert isinstance(found, Signal)
    assert isinstance(found.details, MusicDetails)
    assert "2026-05-01" in str(found.details.dated)
    assert "6 months ago" in wording.describe(found)
    posted = MusicScorer(table, today=date(2030, 1, 1)).read(
        Post(music="a song", posted_at=datetime(2026, 5, 2, tzinfo=UTC))
    )
    assert isinstance(posted, Signal)
    assert isinstance(posted.details, MusicDetails)
    assert "ago" not in str(posted.details.dated), "the day of the post counts, not the day of the score"


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        (None, "No music"),
        ("   ", "No music"),
        ("Original Sound", "Many different sounds"),
        ("original sound - somebody", "Many different sounds"),
        ("never heard of it", "no data"),
        ("only counted", "9 posts"),
        ("x" * 10**6, "no data"),
        ("\ud800", "no data"),
    ],
)
def test_what_is_not_known_is_said(table: Path, title: str | None, reason: str) -> None:
    found = _read(table, title)
    assert isinstance(found, Skipped)
    assert reason in found.reason


def test_the_table_that_ships_reads() -> None:
    found = MusicScorer(today=date(2026, 11, 22)).read(Post(music="QKThr"))
    assert isinstance(found, Signal)
    assert isinstance(MusicScorer().read(Post(music="nhạc nền")), Skipped)


def test_a_broken_table_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "music.json"
    path.write_text("[]")
    with pytest.raises(WeightsError, match="can't be read"):
        MusicScorer(path)


def test_a_long_title_is_cut() -> None:
    assert len(title_key("ﷺ" * 10**5)) <= 200

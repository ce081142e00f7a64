"""`virality trends build`: from a file of posts to a table the scorer reads, the same bytes each time."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from tests.training.made_posts import made_posts
from virality_core.cli import trends
from virality_core.errors import InputError, UsageError
from virality_core.scorers.caption.hashtags import HashtagScorer
from virality_core.scorers.caption.trend_table import load_trends
from virality_core.types import Post, Signal


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    trends.add_parser(parser.add_subparsers())
    args = parser.parse_args(["trends", "build", *map(str, arguments)])
    return args.run(args) or 0


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    rows = ["user,likes,hashtags,followers,posted_at"]
    for post in made_posts(1200, tags={"up": 0.9, "down": -0.9, "mèo": 0.5, "still": 0.0}):
        tags = " ".join(post.hashtags)
        rows.append(f"{post.author},{post.likes:.0f},{tags},{post.followers:.0f},{post.posted_at}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_the_table_is_what_the_scorer_reads(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, metrics, compared = (tmp_path / "new" / name for name in ("table.json", "metrics.json", "population.json"))
    assert run("--data", export, "--out", out, "--metrics", metrics, "--population", compared) == 0
    assert "mine: 1200 posts" in capsys.readouterr().out
    table = load_trends(out)
    assert set(table.tags) == {"up", "down", "mèo", "still"}
    answer = HashtagScorer(table).read(Post(caption="#up #Mèo"))
    assert isinstance(answer, Signal)
    assert answer.value > 0.3
    assert json.loads(metrics.read_text(encoding="utf-8"))["same_collection"]["mine"]["interval"][0] > 0.0
    assert len(json.loads(compared.read_text(encoding="utf-8"))["quantiles"]) == 99
    again = tmp_path / "again.json"
    assert run("--data", export, "--out", again) == 0
    assert again.read_bytes() == out.read_bytes()


def test_wrong_options_and_files_are_said_in_words(export: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--min-authors must be 1 or more, not 0"):
        run("--data", export, "--out", tmp_path / "x.json", "--min-authors", 0)
    with pytest.raises(UsageError, match="--generic-share"):
        run("--data", export, "--out", tmp_path / "x.json", "--generic-share", 2)
    with pytest.raises(InputError, match="There is no file"):
        run("--data", tmp_path / "absent.csv", "--out", tmp_path / "x.json")
    with pytest.raises(InputError, match="can't be written"):
        run("--data", export, "--out", export / "x.json")
    assert not (tmp_path / "x.json").exists()

"""`virality evaluate engagement` and `virality train engagement`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.conftest import SHARED
from virality_core.cli import main

ROWS = [
    {
        "source": "tiktok-vn-2025",
        "post": f"p{place}",
        "user": f"u{place}",
        "caption": "meo #meo",
        "hashtags": None,
        "music_title": None,
        "followers": None if place % 3 == 0 else 1000 * place,
        "duration_s": None,
        "posted_at": None,
        "plays": 1000 * place,
        "likes": 10 * place,
        "comments": None,
        "shares": 0,
        "saves": None,
    }
    for place in range(1, 30)
]
SMP = [{"pid": "x", "uid": f"u{n}", "post_content": "a,fyp", "user_follower_count": n, "popularity": n} for n in (2, 9)]
KEYS = {"collection", "target", "baseline", "n", "spearman", "mae_ln", "mape", "coverage80", "width80"}


def _evaluate(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str, str | None], dict[str, object]]:
    assert main(["evaluate", "engagement", "--data", str(path), "--json", "-"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(line) == KEYS for line in lines)
    return {(line["collection"], line["target"], line["baseline"]): line for line in lines}


def test_rows_for_model_and_baselines_of_each_collection_and_pooled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "posts.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, [*ROWS, *SMP])).encode()))
    table = _evaluate(path, capsys)
    for target, count in (("likes", 29), ("plays", 29), ("shares", 29)):
        for baseline in (None, "constant", "followers"):
            row = table["tiktok-vn-2025", target, baseline]
            assert row["n"] == count
            assert row["mape"] is None
            assert table["all", target, baseline]["n"] == count
    assert ("tiktok-vn-2025", "saves", None) not in table
    assert table["smp_video", "popularity", None]["mape"] is not None
    assert table["tiktok-vn-2025", "likes", "constant"]["spearman"] is None


def test_a_collection_it_does_not_know_is_read_as_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join(json.dumps({**row, "source": None}) for row in ROWS))
    assert ("unknown", "likes", None) in _evaluate(path, capsys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no posts"),
        ("{", "Line 1"),
        ("[1]", "Line 1"),
        ('{"likes": 1}', "`user` in line 1"),
        ('{"user": "u", "likes": -3}', "holds no posts"),
    ],
)
def test_a_file_of_another_shape_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text(text)
    assert main(["evaluate", "engagement", "--data", str(path)]) == 3
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_no_file_and_no_gzip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "engagement", "--data", str(tmp_path / "none.jsonl")]) == 3
    (tmp_path / "posts.jsonl.gz").write_bytes(b"no gzip")
    assert main(["evaluate", "engagement", "--data", str(tmp_path / "posts.jsonl.gz")]) == 3
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(json.dumps(ROWS[0]).encode() * 50)[:-20])
    assert main(["evaluate", "engagement", "--data", str(tmp_path / "cut.jsonl.gz")]) == 3
    assert capsys.readouterr().err.count("\n") == 3


def test_training_refuses_too_few_posts_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    out = tmp_path / "model"
    assert main(["train", "engagement", "--data", str(path), "--out", str(out)]) == 3
    assert "fewer than 200 posts" in capsys.readouterr().err
    assert not out.exists()


def test_the_shipped_figures_are_of_the_shipped_model() -> None:
    """The first rows of metrics.json, measured anew on the same test authors."""
    from virality_core.forecast.model import bundled_model
    from virality_core.models import weights
    from virality_core.training.datasets.posts import read_outcomes
    from virality_core.training.evaluation.forecast import predictions, rows
    from virality_core.training.forecast.train import is_test

    data = SHARED / "data" / "smp_video" / "train.jsonl"
    if not data.is_file():
        pytest.skip("the shared posts are not there")
    stated = json.loads((weights.folder() / "engagement" / "metrics.json").read_text())["rows"]
    test = [post for post in read_outcomes(data) if is_test(post)]
    for row in rows(predictions(bundled_model(), test)):
        if row["collection"] == "smp_video":
            (same,) = [of for of in stated if all(of[key] == row[key] for key in ("collection", "target", "baseline"))]
            assert {key: same[key] for key in KEYS} == pytest.approx(row, abs=2e-3)


def test_no_draws_is_bad_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["train", "engagement", "--data", "posts.jsonl", "--out", str(tmp_path), "--coverage", "0"]
    assert main(args) == 2
    assert "1 or more" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

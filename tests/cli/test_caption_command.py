"""`virality caption` and `virality evaluate caption`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from virality_core.cli import evaluate, signals
from virality_core.errors import InputError, UsageError


def run(*argv: str) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    signals.add_parser(commands)
    evaluate.add_parser(commands)
    args = parser.parse_args(argv)
    return args.run(args) or 0


def test_a_line_for_each_caption(capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["I love this 😍 #BestDayEver", "xin chào các bạn hôm nay", "lone \ud800 surrogate"]
    assert run("caption", *texts, "--profile", "lite", "--json", "-") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["text"] for line in lines] == texts
    assert [line["language"] for line in lines] == ["en", "vi", "en"]
    first = lines[0]
    assert set(first["probabilities"]) == {"negative", "neutral", "positive"}
    assert sum(first["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    assert [token["text"] for token in first["tokens"]] == ["I", "love", "this", "😍", "#BestDayEver"]
    assert all(set(token) == {"text", "start", "end", "weight"} for token in first["tokens"])
    assert "English" in lines[1]["notes"][0]
    assert lines[0]["notes"] == []


def test_no_caption_has_no_probabilities(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("caption", "", "  ", "--profile", "lite") == 0
    for line in map(json.loads, capsys.readouterr().out.splitlines()):
        assert line["probabilities"] is None
        assert line["notes"] == ["There is no caption to read."]


def test_lines_go_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("caption", "fine", "--profile", "lite", "--json", str(tmp_path / "out.jsonl")) == 0
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["text"] == "fine"
    assert capsys.readouterr().out == ""
    with pytest.raises(UsageError, match="Can't write"):
        run("caption", "fine", "--profile", "lite", "--json", str(tmp_path / "missing" / "out.jsonl"))


def test_evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data.tsv"
    rows = ["2\tI love this so much", "0\tI hate this, it is awful", "1\tThe match starts at 8pm on Friday", "2\tawful"]
    data.write_text("label\ttext\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert run("evaluate", "caption", "--data", str(data), "--profile", "lite", "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 4
    assert found["accuracy"] == 0.75
    assert found["macro_recall"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert {"macro_f1", "ece"} <= set(found)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\tlabel\n", "header"),
        ("label\ttext\n3\tx\n", "line 2"),
        ("label\ttext\nno tab\n", "line 2"),
        ("label\ttext\n", "no rows"),
    ],
)
def test_evaluate_says_what_is_wrong_with_a_file(tmp_path: Path, content: str, message: str) -> None:
    data = tmp_path / "data.tsv"
    data.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        run("evaluate", "caption", "--data", str(data), "--profile", "lite")


def test_evaluate_says_that_a_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        run("evaluate", "caption", "--data", str(tmp_path / "none.tsv"), "--profile", "lite")

"""What a user may name by mistake or on purpose, in every command that opens a path: pipes, devices, odd names."""

from __future__ import annotations

import gzip
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.training.made_posts import made_posts
from virality_core import files
from virality_core.cli import main
from virality_core.errors import ViralityError
from virality_core.forecast.own_posts_fit import read_history
from virality_core.score import read_weighting
from virality_core.training.datasets import posts
from virality_core.training.datasets.exports import read_exports
from virality_core.training.score.manifest import read_manifest
from virality_core.training.virality.checkpoints import STATE, load_state

PIPE = "PIPE"
COMMANDS: dict[str, Callable[[str, Path], list[str]]] = {
    "score": lambda path, _: ["score", path, "--profile", "lite"],
    "quality": lambda path, _: ["quality", path, "--profile", "lite"],
    "aesthetics": lambda path, _: ["aesthetics", path, "--profile", "lite"],
    "evaluate": lambda path, _: ["evaluate", "caption", "--profile", "lite", "--data", path],
    "trends": lambda path, folder: ["trends", "build", "--data", path, "--out", str(folder / "table.json")],
    "engagement": lambda path, _: ["evaluate", "engagement", "--data", path],
    "fit-history": lambda path, folder: ["fit-history", path, "--out", str(folder / "table.json")],
    "fit-fusion": lambda path, folder: ["fit-fusion", path, "--out", str(folder / "table.json")],
}


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        code = main(list(argv))
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", [PIPE, "/dev/zero", "/dev/full", "/proc/self/maps", "/", "none/at/all", "a\0b"])
@pytest.mark.parametrize("command", COMMANDS)
def test_one_sentence_and_no_waiting(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, path: str
) -> None:
    if path == PIPE:
        path = str(tmp_path / "pipe")
        os.mkfifo(path)
    code, out, err = run(capsys, *COMMANDS[command](path, tmp_path))
    assert (code, out) == (3, "")
    assert err.count("\n") == 1, err
    assert "fault" not in err
    assert "Errno" not in err
    assert not (tmp_path / "table.json").exists()


def report_of_a_reel(path: Path) -> object:
    rows = "".join(json.dumps({"outcome": number, "report": str(path)}) + "\n" for number in range(60))
    (path.parent / "manifest.jsonl").write_text(rows)
    return read_manifest(path.parent / "manifest.jsonl")


def tensors_of_a_state(path: Path) -> object:
    (path.parent / STATE).write_text(json.dumps({"file": path.name}))
    return load_state(path.parent, torch.device("cpu"))


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a scraper's JSON": ("posts.json", lambda path: list(read_exports([path], path.parent))),
    "a CSV of posts": ("posts.csv", lambda path: list(read_exports([path], path.parent))),
    "a history": ("history.json", read_history),
    "fitted weights": ("fusion.json", read_weighting),
    "a report": ("report.json", report_of_a_reel),
    "a run's state": (STATE, lambda path: load_state(path.parent, torch.device("cpu"))),
    "its tensors": ("state-1.safetensors", tensors_of_a_state),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("device", [PIPE, "/dev/zero"])
@pytest.mark.parametrize("what", READERS)
def test_no_reader_waits_for_a_pipe_or_reads_a_device(tmp_path: Path, what: str, device: str) -> None:
    name, read = READERS[what]
    path = tmp_path / name
    if device == PIPE:
        os.mkfifo(path)
    else:
        path.symlink_to(device)
    with pytest.raises(ViralityError, match="can't be read"):
        read(path)


@pytest.mark.parametrize("command", COMMANDS)
def test_control_characters_stay_out_of_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    path = tmp_path / "red\x1b[31m\nline\u202e.mp4"
    path.write_bytes(b"\x00\x01\x02 nothing of use \xff" * 20)
    code, out, err = run(capsys, *COMMANDS[command](str(path), tmp_path))
    assert code == 3
    assert err.endswith("\n")
    assert (out + err[:-1]).isprintable(), repr(err)


def test_bad_use_is_printable_too(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "score", "x.mp4", "--no\x1b[31m")
    assert code == 2
    assert err[:-1].isprintable()


@pytest.mark.parametrize("command", ["score", "quality", "evaluate", "caption"])
@pytest.mark.parametrize("where", ["", "a\0b"])
def test_an_empty_destination_is_bad_use(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, where: str
) -> None:
    argv = ["caption", "x"] if command == "caption" else COMMANDS[command](str(tmp_path / "x"), tmp_path)
    code, out, err = run(capsys, *argv, "--json", where)
    assert (code, out) == (2, "")
    assert "file name" in err


def test_a_byte_order_mark_is_no_part_of_the_header(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "texts.tsv"
    path.write_bytes("\ufefflabel\ttext\n2\tlovely\n".encode())
    code, out, _ = run(capsys, *COMMANDS["evaluate"](str(path), tmp_path))
    assert code == 0
    assert json.loads(out)["n"] == 1


ROWS = {
    "a number too large": '{"user": "u", "likes": 1' + "0" * 400 + ', "hashtags": []}\n',
    "more digits than Python reads": '{"user": "u", "likes": 1' + "0" * 5000 + ', "hashtags": []}\n',
    "a field too long": '{"user": "u", "likes": 5, "hashtags": ["' + "a" * 1_100_000 + '"]}\n',
}


@pytest.mark.parametrize("kind", ROWS)
def test_odd_rows_are_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str) -> None:
    (tmp_path / "rows.jsonl").write_text(ROWS[kind])
    code, _, err = run(capsys, *COMMANDS["trends"](str(tmp_path / "rows.jsonl"), tmp_path))
    assert (code, err.count("\n")) == (3, 1)
    assert "fault" not in err
    assert len(err) < 300


def test_a_damaged_archive_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines = "".join(json.dumps({"user": f"u{i}", "likes": i, "hashtags": [f"t{i}"]}) + "\n" for i in range(2000))
    packed = gzip.compress(lines.encode())
    broken = packed[: len(packed) // 2] + b"\xff" * 40 + packed[len(packed) // 2 + 40 :]
    (tmp_path / "rows.jsonl.gz").write_bytes(broken)
    code, _, err = run(capsys, *COMMANDS["trends"](str(tmp_path / "rows.jsonl.gz"), tmp_path))
    assert (code, err.count("\n")) == (3, 1)
    assert "fault" not in err


def test_an_endless_archive_is_not_read_to_its_end(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posts, "MAX_CHARACTERS", 100_000)
    line = json.dumps({"user": "u", "likes": 1, "hashtags": []}) + "\n"
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(line.encode() * 10_000))
    code, _, err = run(capsys, *COMMANDS["trends"](str(tmp_path / "rows.jsonl.gz"), tmp_path))
    assert code == 3
    assert "too large" in err


@pytest.mark.parametrize(("limit", "most"), [("MAX_POSTS", 9_999), ("MAX_CHARACTERS", 100_000)])
def test_posts_are_not_read_without_end(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(posts, limit, most)
    line = json.dumps({"user": "u", "likes": 1, "source": "made"}) + "\n"
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(line.encode() * 10_000))
    code, out, err = run(capsys, *COMMANDS["engagement"](str(tmp_path / "rows.jsonl.gz"), tmp_path))
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert f"{most:,}" in err


@pytest.fixture
def half_letters(tmp_path: Path) -> Path:
    """Posts whose hashtag holds half a character, which JSON allows and UTF-8 does not."""
    path = tmp_path / "rows.jsonl"
    made = made_posts(600, tags={"up": 0.5, "down": -0.5})
    rows = [
        {"user": one.author, "likes": one.likes, "followers": one.followers, "hashtags": [*one.hashtags, "a\ud800"]}
        for one in made
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_half_letters_can_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path, half_letters: Path) -> None:
    code, _, err = run(capsys, *COMMANDS["trends"](str(half_letters), tmp_path))
    assert (code, err) == (0, "")
    assert set(json.loads((tmp_path / "table.json").read_text())["tags"]) >= {"up", "down"}


def test_a_table_stays_until_the_new_one_is_complete(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, half_letters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "table.json"
    table.write_text("the old one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    code, _, err = run(capsys, *COMMANDS["trends"](str(half_letters), tmp_path))
    assert code == 3
    assert "No space left" in err
    assert table.read_text() == "the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl", "table.json"]


def test_writing_keeps_modes_links_and_devices(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("old")
    kept.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(kept)
    files.write_atomically(link, "new")
    assert link.is_symlink()
    assert kept.read_text() == "new"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    files.write_atomically(Path("/dev/null"), "gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomically(Path("/dev/full"), "x")

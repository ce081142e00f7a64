"""Where commands write: whole or not at all, and never over what they read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from virality_core.cli import main


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    made = random.Random(0)
    path = tmp_path / "posts.csv"
    path.write_text("likes,caption\n" + "".join(f"{made.randint(10, 900)},post {i}\n" for i in range(12)))
    return path


def test_a_neighbour_a_link_stay(posts: Path, tmp_path: Path) -> None:
    neighbour = tmp_path / "mine.json.part"
    neighbour.write_text("the user's own")
    link = tmp_path / "mine.json"
    link.symlink_to("kept.json")
    assert main(["fit-history", str(posts), "--out", str(link)]) == 0
    assert neighbour.read_text() == "the user's own"
    assert link.is_symlink()
    assert "effects" in (tmp_path / "kept.json").read_text()


@pytest.mark.parametrize("command", ["fit-history", "fit-fusion"])
def test_no_place_to_write_is_one_sentence(
    posts: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for out in ("", "a\0b"):
        with pytest.raises(SystemExit, match="2"):
            main([command, str(posts), "--out", out])
        assert "a file name is needed" in capsys.readouterr().err
    if command == "fit-history":
        assert main([command, str(posts), "--out", str(folder)]) == 2
        assert "Can't write" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "posts.csv"]


READ = ("manifest.json", "model.json", "read.csv")
OVERWRITING = {
    "fit-history": ["fit-history", "read.csv", "--out", "read.csv"],
    "fit-fusion": ["fit-fusion", "read.csv", "--out", "by/../read.csv"],
    "trends": ["trends", "build", "--data", "read.csv", "--out", "table.json", "--metrics", "link.csv"],
    "evaluate caption": ["evaluate", "caption", "--data", "read.csv", "--json", "link.csv"],
    "evaluate engagement": ["evaluate", "engagement", "--data", "read.csv", "--json", "read.csv"],
    "evaluate history": ["evaluate", "history", "--data", "link.csv", "--json", "read.csv"],
    "quality": ["quality", "other.mp4", "read.csv", "--json", "read.csv"],
    "train engagement": ["train", "engagement", "--data", "read.csv", "model.json", "--out", "."],
    "preprocess": ["preprocess", "manifest.json", "--videos", ".", "--out", "."],
}


@pytest.mark.parametrize("command", OVERWRITING)
def test_what_is_read_is_never_overwritten(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in READ:
        Path(name).write_text("the user's own\n")
    Path("link.csv").symlink_to("read.csv")
    assert main(OVERWRITING[command]) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", *READ]
    assert all(Path(name).read_text() == "the user's own\n" for name in READ)

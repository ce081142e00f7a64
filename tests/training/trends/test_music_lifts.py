"""The table of music: planted effects come back, shared titles are told by their counts, rare ones are left out."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from virality_core.cli import main
from virality_core.errors import InputError
from virality_core.training.datasets.posts import read_posts
from virality_core.training.trends.music import music_table, shared_titles, with_music


def _posts(path: Path) -> Path:
    """Forty authors a song: “good” doubles what their followers predict, “plain” does nothing."""
    rng = np.random.default_rng(0)
    rows = []
    for author in range(400):
        followers = float(np.exp(rng.uniform(4, 12)))
        title = ("Good", "Plain", "Original Sound", "Rare", None)[0 if author < 40 else 1 if author < 80 else 2]
        title = "Rare" if author == 399 else None if author > 300 else title
        effect = math.log(2) if title == "Good" else 0.0
        uses = {"Good": 5000 + author, "Plain": 800, "Original Sound": int(rng.integers(1, 10**6)), "Rare": 3}
        rows.append(
            {
                "source": "made",
                "user": f"u{author}",
                "caption": "hello",
                "likes": round(math.exp(0.6 * math.log(followers) + effect + rng.normal(0, 0.5))),
                "followers": round(followers),
                "posted_at": "2026-05-01 12:00:00",
                "music_title": title,
                "music_uses": uses.get(title or ""),
            }
        )
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_planted_effects_come_back(tmp_path: Path) -> None:
    posts = with_music(read_posts(_posts(tmp_path / "posts.jsonl")))
    assert shared_titles(posts) == {"original sound"}
    table = music_table(posts, min_authors=5)
    good, plain, shared = (table["tags"][title]["made"] for title in ("good", "plain", "original sound"))
    assert 0.3 < good[2] - plain[2] < math.log(2) + 0.3
    assert good[5] == pytest.approx(5020, abs=5)
    assert good[4] == plain[4] == 0
    assert shared[2:] == [None, None, 1, None]
    assert "rare" not in table["tags"]


def test_the_command_writes_both_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = _posts(tmp_path / "posts.jsonl")
    tagged = data.read_text().replace('"hello"', '"hello #one"')
    data.write_text(tagged)
    out, music = tmp_path / "tags.json", tmp_path / "music.json"
    assert main(["trends", "build", "--data", str(data), "--out", str(out), "--music", str(music)]) == 0
    assert "titles of one sound" in capsys.readouterr().out
    assert json.loads(music.read_text())["collections"]["made"]["last"] == "2026-05-01"
    assert not list(tmp_path.glob("*.new"))


def test_a_file_without_music_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "posts.jsonl"
    rows = [{"user": f"u{n}", "likes": n, "followers": 5, "hashtags": ["a"]} for n in range(30)]
    data.write_text("\n".join(json.dumps(row) for row in rows))
    code = main(
        ["trends", "build", "--data", str(data), "--out", str(tmp_path / "t.json"), "--music", str(tmp_path / "m.json")]
    )
    assert code == InputError.exit_code
    assert "names no music" in capsys.readouterr().err

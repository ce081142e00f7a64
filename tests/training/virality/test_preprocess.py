"""The manifest, from generated videos and a scraper's JSON: parts, copies, what can't be read, and going on."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples import moving_videos
from virality_core.cli import main
from virality_core.errors import InputError, UsageError
from virality_core.training.virality import manifest, near_duplicates
from virality_core.training.virality.preprocess import PROBED, SKIPPED, Settings
from virality_core.training.virality.preprocess import preprocess as run

COUNT = 24


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    moving_videos.make(folder, COUNT, authors=8)
    return folder


@pytest.fixture
def videos(drawn: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(drawn, tmp_path / "videos"))


def _posts(videos: Path) -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = json.loads((videos / "posts.json").read_text())["collector"]
    return posts


def _write(videos: Path, posts: list[dict[str, Any]]) -> None:
    (videos / "posts.json").write_text(json.dumps({"collector": posts}))


def test_the_manifest_has_what_training_needs(videos: Path, tmp_path: Path) -> None:
    result = run([videos / "posts.json"], videos, tmp_path / "data")
    assert sum(result.parts.values()) == COUNT
    assert all(result.parts.values())
    assert (result.skipped, result.notes) == ((), ())
    data = manifest.read(tmp_path / "data")
    by_id = {post["id"]: post for post in _posts(videos)}
    for row in data.rows:
        post = by_id[Path(row.video).stem]
        assert (row.likes, row.plays, row.followers) == (
            post["diggCount"],
            post["playCount"],
            post["authorMeta"]["fans"],
        )
        assert row.author == post["authorMeta"]["id"]
        assert row.is_viral == (row.score > data.metadata["threshold"])
        assert (row.width, row.height) == (moving_videos.WIDTH, moving_videos.HEIGHT)
        assert row.seconds == pytest.approx(moving_videos.FRAMES / moving_videos.RATE)
    parts = {
        author: {row.part for row in data.rows if row.author == author} for author in {row.author for row in data.rows}
    }
    assert all(len(some) == 1 for some in parts.values())
    training = [row.score for row in data.part("train")]
    assert data.metadata["threshold"] == pytest.approx(np.quantile(training, 0.5))


def test_a_copy_stays_with_its_original(videos: Path, tmp_path: Path) -> None:
    """The same film at another size and quality, by another account, is found; different films are not."""
    posts = _posts(videos)
    drawn = moving_videos.draw(10_000).frames
    moving_videos.encode(videos / "1.mp4", drawn)
    moving_videos.encode(videos / "2.mp4", np.ascontiguousarray(drawn[:, ::2, ::2]))
    for name in ("1", "2"):
        posts.append({**posts[0], "id": name, "authorMeta": {"id": f"solo{name}", "name": f"solo{name}"}})
    _write(videos, posts)
    result = run([videos / "posts.json"], videos, tmp_path / "data")
    assert any("2 videos look like copies" in note for note in result.notes)
    rows = {row.video: row for row in manifest.read(tmp_path / "data").rows}
    assert rows["1.mp4"].group == rows["2.mp4"].group
    assert rows["1.mp4"].part == rows["2.mp4"].part


def test_real_clips_are_no_copies_but_their_copies_are(shared_media: Path, tmp_path: Path) -> None:
    looked = [near_duplicates.fingerprint(path) for path in sorted(shared_media.glob("*.mp4"))]
    half = looked[0][0].frames.rgb[:, ::2, ::2]
    half = half[:, : half.shape[1] // 2 * 2, : half.shape[2] // 2 * 2]
    assert half.shape[0] == 5
    moving_videos.encode(tmp_path / "copy.mp4", np.repeat(np.ascontiguousarray(half), 8, axis=0))
    prints = np.stack([tiny for _, tiny in looked])
    again = np.stack([*prints, near_duplicates.fingerprint(tmp_path / "copy.mp4")[1]])
    assert near_duplicates.pairs(prints, np.ones(3)) == []
    assert near_duplicates.pairs(again, np.ones(4)) == [(0, 3)]


def test_what_can_not_be_used_is_listed_and_the_rest_goes_on(videos: Path, tmp_path: Path) -> None:
    posts = _posts(videos)
    (videos / f"{posts[0]['id']}.mp4").write_bytes(b"no video")
    (videos / f"{posts[1]['id']}.mp4").unlink()
    posts[2]["diggCount"] = -1
    posts[3] |= {"diggCount": None, "playCount": None}
    posts[4]["playCount"] = "1.2M"
    posts[5] |= {"authorMeta": {**posts[5]["authorMeta"], "name": "another name"}, "text": "lone \ud800 surrogate"}
    _write(videos, posts)
    result = run([videos / "posts.json"], videos, tmp_path / "data")
    assert sum(result.parts.values()) == COUNT - 4
    said = "\n".join(result.skipped)
    assert len(result.skipped) == 4
    assert all(part in said for part in ("no video", "a count of 0 or more", "less than half", posts[0]["id"]))
    assert any("have several names" in note for note in result.notes)
    listed = [json.loads(line)["reason"] for line in (tmp_path / "data" / SKIPPED).read_text().splitlines()]
    assert listed == list(result.skipped)
    assert next(row.plays for row in manifest.read(tmp_path / "data").rows if posts[4]["id"] in row.video) == 1_200_000


def test_a_link_out_of_the_folder_is_left_out_and_the_manifest_can_be_read(videos: Path, tmp_path: Path) -> None:
    video = videos / f"{_posts(videos)[0]['id']}.mp4"
    video.rename(tmp_path / "elsewhere.mp4")
    video.symlink_to(tmp_path / "elsewhere.mp4")
    (skipped,) = run([videos / "posts.json"], videos, tmp_path / "data").skipped
    assert "a link out of it is not followed" in skipped
    assert len(manifest.read(tmp_path / "data").rows) == COUNT - 1


def test_half_characters_in_names_stop_nothing(videos: Path, tmp_path: Path) -> None:
    """A video's name that is not UTF-8 can't be in a manifest; an account's can."""
    posts = _posts(videos)
    (videos / f"{posts[0]['id']}.mp4").rename(videos / os.fsdecode(b"v\xff3.mp4"))
    posts[0]["id"] = "v\udcff3"
    for post in posts:
        post["authorMeta"]["id"] += "\ud800"
    _write(videos, posts)
    (skipped,) = run([videos / "posts.json"], videos, tmp_path / "data").skipped
    assert "not UTF-8" in skipped
    assert len(manifest.read(tmp_path / "data").rows) == COUNT - 1


def test_a_wrong_quantile_is_refused_before_a_video_is_opened(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="within 0 and 1"):
        run([videos / "posts.json"], videos, tmp_path / "data", Settings(quantile=1.5))
    assert not (tmp_path / "data").exists()


def test_it_goes_on_where_it_was_stopped(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    fingerprint = near_duplicates.fingerprint

    def counting(path: Path) -> Any:
        opened.append(path)
        if len(opened) == 10:
            raise KeyboardInterrupt
        return fingerprint(path)

    monkeypatch.setattr(near_duplicates, "fingerprint", counting)
    with pytest.raises(KeyboardInterrupt):
        run([videos / "posts.json"], videos, tmp_path / "data")
    journal = tmp_path / "data" / PROBED
    assert len(journal.read_text().splitlines()) == 9
    with journal.open("a") as file:
        file.write('{"key": "half a li')  # as a kill in the middle of a write leaves it
    run([videos / "posts.json"], videos, tmp_path / "data")
    assert len(opened) == 10 + COUNT - 9
    rows = manifest.read(tmp_path / "data").rows
    run([videos / "posts.json"], videos, tmp_path / "data")
    assert len(opened) == 10 + COUNT - 9, "nothing is opened twice"
    assert manifest.read(tmp_path / "data").rows == rows
    assert len(journal.read_text().splitlines()) == COUNT


def test_moved_videos_are_found_when_told(videos: Path, tmp_path: Path) -> None:
    run([videos / "posts.json"], videos, tmp_path / "data")
    videos.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"24 of 24 videos .* --videos FOLDER"):
        manifest.read(tmp_path / "data")
    assert len(manifest.read(tmp_path / "data", tmp_path / "elsewhere").rows) == COUNT


def test_a_damaged_manifest_is_one_sentence(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no manifest"):
        manifest.read(tmp_path)
    run([videos / "posts.json"], videos, tmp_path / "data")
    (tmp_path / "data" / manifest.ROWS).write_bytes(b"PAR1 nothing")
    with pytest.raises(InputError, match="can't be read") as caught:
        manifest.read(tmp_path / "data")
    assert "\n" not in str(caught.value)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("file", [manifest.METADATA, manifest.ROWS])
def test_a_pipe_in_place_of_a_manifest_is_not_waited_for(tmp_path: Path, file: str) -> None:
    (tmp_path / manifest.METADATA).write_text('{"schema": 1}')
    (tmp_path / file).unlink(missing_ok=True)
    os.mkfifo(tmp_path / file)
    with pytest.raises(InputError, match="pipe"):
        manifest.read(tmp_path)


def test_by_time(videos: Path, tmp_path: Path) -> None:
    run([videos / "posts.json"], videos, tmp_path / "data", Settings(split="time"))
    rows = sorted(manifest.read(tmp_path / "data").rows, key=lambda row: str(row.posted_at))
    order = [row.part for row in rows]
    assert order == sorted(order, key=["train", "val", "test"].index)


def test_the_command(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["preprocess", str(videos / "posts.json"), "--videos", str(videos), "--out", str(tmp_path / "data")]
    assert main([*base, "--weights", "plays=1,likes=1", "--quantile", "0.8"]) == 0
    assert "24 videos" in capsys.readouterr().out
    made = json.loads((tmp_path / "data" / manifest.METADATA).read_text())
    assert made["weights"] == {"likes": 0.5, "plays": 0.5, "shares": 0.0, "comments": 0.0}
    for wrong in (["--weights", "likes"], ["--weights", "likes=x"], ["--quantile", "2"], ["--map", "x"]):
        assert main([*base, *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main([*base[:2], "--videos", str(tmp_path / "nowhere"), *base[4:]]) == 3

"""Where training and its evaluation write: names as long as can be, folders that can't be written to."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from examples import moving_videos
from tests.training.virality.material import SMALL_INPUT, material
from virality_core.errors import InputError, UsageError
from virality_core.files import writable_folder
from virality_core.training.virality import checkpoints
from virality_core.training.virality.dataset import VideoDataset
from virality_core.training.virality.evaluate import _thumbnail


def test_a_thumbnail_of_a_video_with_the_longest_name(tmp_path: Path) -> None:
    video = tmp_path / f"{'a' * 251}.mp4"
    moving_videos.encode(video, moving_videos.draw(1).frames)
    shown = _thumbnail(video, tmp_path)
    assert shown is not None
    assert (tmp_path.parent / shown).is_file()


@pytest.mark.parametrize("out", ["file", "file/x", "/proc/nowhere", "/proc", "null\0", "taken"])
def test_a_folder_that_can_not_be_written_to_is_refused(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "taken" / "manifest.json").mkdir(parents=True)
    with pytest.raises(UsageError, match="Can't write") as caught:
        writable_folder(tmp_path / out, "manifest.json")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "taken").iterdir()) == [tmp_path / "taken" / "manifest.json"]
    assert writable_folder(tmp_path / "new" / "deep", "manifest.json").is_dir()


def test_a_video_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    kept = material(tmp_path / "data", 6)
    data = VideoDataset(kept.rows, kept.videos, SMALL_INPUT, training=True, cache=tmp_path / "cache")
    (kept.videos / kept.rows[0].video).unlink()
    with pytest.raises(InputError, match="can't be read any more"):
        data[0]


def test_a_state_that_can_not_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(tensors: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "save_file", stopped)
    network = nn.Linear(2, 1)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save_state(tmp_path, network, {}, torch.optim.SGD(network.parameters(), 0.1), {"step": 1})
    assert list(tmp_path.iterdir()) == []

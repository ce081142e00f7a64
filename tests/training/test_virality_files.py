"""Where training and its evaluation write: names as long as can be, folders that can't be written to."""

from __future__ import annotations

from pathlib import Path

from examples import moving_videos
from virality_core.training.assess import _thumbnail


def test_a_thumbnail_of_a_video_with_the_longest_name(tmp_path: Path) -> None:
    video = tmp_path / f"{'a' * 251}.mp4"
    moving_videos.encode(video, moving_videos.draw(1).frames)
    shown = _thumbnail(video, tmp_path)
    assert shown is not None
    assert (tmp_path.parent / shown).is_file()

"""The changed copy that is made in memory: the copy that is written to disk, and never larger than a reel may be."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from virality_core.errors import Cancelled, InputError
from virality_core.media import DEFAULT_LIMITS, open_reel
from virality_core.media.encoding.edited_copy import Edits, edited_mp4, write_edited
from virality_core.types import Plan


def _darker(frame: np.ndarray) -> np.ndarray:
    return frame // 2


def test_it_is_the_copy_that_goes_to_disk(drawn_clip: Path, tmp_path: Path) -> None:
    told: list[float] = []
    made = edited_mp4(
        BytesIO(drawn_clip.read_bytes()),
        Edits(edit_frame=_darker),
        name="x.mp4",
        progress=lambda _, share: told.append(share),
    )
    beside = write_edited(drawn_clip, tmp_path / "beside.mp4", Edits(edit_frame=_darker))
    plan = Plan(stills=3)
    ours, theirs = open_reel(BytesIO(made), plan, name="x.mp4"), open_reel(beside, plan)
    assert np.array_equal(ours.frames.rgb, theirs.frames.rgb)
    assert np.array_equal(ours.frames.seconds, theirs.frames.seconds)
    assert ours.info.audio is not None
    was = open_reel(drawn_clip, plan).frames.rgb.astype(int)
    assert abs(ours.frames.rgb.astype(int) - was // 2).mean() < 3.0
    assert made.index(b"moov") < made.index(b"mdat"), "it plays while it loads"
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert any(0.2 < share < 0.8 for share in told), "the bar moves"


def test_a_copy_that_grows_too_large_is_refused(drawn_clip: Path) -> None:
    grown = lambda frame: np.random.default_rng(0).integers(0, 255, frame.shape, dtype=np.uint8)  # noqa: E731
    limits = replace(DEFAULT_LIMITS, max_bytes=drawn_clip.stat().st_size)
    with pytest.raises(InputError, match="larger than"):
        edited_mp4(BytesIO(drawn_clip.read_bytes()), Edits(edit_frame=grown), limits=limits)


def test_it_can_be_stopped_and_what_is_no_reel_is_one_sentence(drawn_clip: Path) -> None:
    def stop(stage: str, fraction: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        edited_mp4(BytesIO(drawn_clip.read_bytes()), Edits(edit_frame=_darker), progress=stop)
    with pytest.raises(InputError, match="video"):
        edited_mp4(BytesIO(b"no video"), Edits(edit_frame=_darker), name="x.mp4")

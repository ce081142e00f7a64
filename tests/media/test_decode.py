"""Decoding costs no more than it must, and what the search for cuts is given is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.media.clips import Clip, read_barcode
from virality_core.errors import Cancelled
from virality_core.media.container.source import Source
from virality_core.media.decoding.frame_decoder import FrameDecoder
from virality_core.media.decoding.opened_video import open_video
from virality_core.types import no_progress

MakeClip = Callable[..., Clip]
OPTIONS = (("preset", "veryfast"), ("crf", "18"), ("x264-params", "keyint=30:min-keyint=30:scenecut=0:bframes=2"))


@pytest.fixture
def clip(make_clip: MakeClip) -> Clip:
    return make_clip(frames=240, options=OPTIONS)


@pytest.fixture
def decoder(clip: Clip) -> Iterator[FrameDecoder]:
    with Source(clip.path) as source, open_video(source, no_progress) as decoder:
        yield decoder


def decoded_frames(decoder: FrameDecoder) -> int:
    return sum(worker.decoded_frames for worker in decoder.workers)


def test_a_keyframe_costs_one_frame(decoder: FrameDecoder) -> None:
    before = decoded_frames(decoder)
    small = decoder.keyframes(no_progress)
    assert [read_barcode(luma) for luma in small.luma] == [0, 30, 60, 90, 120, 150, 180, 210]
    assert decoded_frames(decoder) - before == 8
    assert decoder.keyframes(no_progress).seconds[3] == small.seconds[3]
    assert decoded_frames(decoder) - before == 8, "keyframes are remembered"


def test_a_frame_costs_no_more_than_its_group_up_to_it(decoder: FrameDecoder) -> None:
    got, before = [], decoded_frames(decoder)
    decoder.decode([int(decoder.index.frame_pts[100])], lambda _, frame: got.append(frame), no_progress)
    assert [read_barcode(frame.to_ndarray(format="rgb24")) for frame in got] == [100]
    assert decoded_frames(decoder) - before <= 13, "from 90 to 100, a reordered frame or two after it"


def test_stretches(decoder: FrameDecoder, clip: Clip) -> None:
    stretches = [(0.5, 0.7), (3.0, 3.05), (7.9, 99.0), (100.0, 101.0)]
    for (start, end), run in zip(stretches, decoder.luma_between(stretches, no_progress), strict=True):
        expected = [number for number, when in enumerate(clip.seconds) if start <= when < end]
        assert [read_barcode(luma) for luma in run.luma] == expected
        np.testing.assert_allclose(run.seconds, [clip.seconds[n] for n in expected], atol=1e-3)
        alone = [read_barcode(decoder.converter.small_luma(frame)) for _, frame in decoder.frames_between(start, end)]
        assert alone == expected


def test_workers_errors_reach_the_caller(decoder: FrameDecoder) -> None:
    def on_frame(pts: int, frame: object) -> None:
        raise KeyError("a fault in the code that takes frames")

    with pytest.raises(KeyError):
        decoder.decode(decoder.index.frame_pts.tolist(), on_frame, no_progress)


def test_cancel_is_heard_while_decoding(decoder: FrameDecoder) -> None:
    taken = 0

    def on_frame(pts: int, frame: object) -> None:
        nonlocal taken
        taken += 1

    def progress(stage: str, fraction: float) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        decoder.decode(decoder.index.frame_pts.tolist() * 3, on_frame, progress)
    before = taken
    assert before <= 240
    decoder.decode([int(decoder.index.frame_pts[5])], on_frame, no_progress)
    assert taken == before + 1, "the workers can be used again"

"""Decoding costs no more than it must, and what the search for cuts is given is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import pytest

from tests.media.clips import Clip, read_barcode
from virality_core.errors import Cancelled
from virality_core.media.container.source import Source
from virality_core.media.container.stream_index import survey
from virality_core.media.decoding.first_frame import first_decoder
from virality_core.media.decoding.frame_decoder import Decoder
from virality_core.media.decoding.probe import checked_video, describe

MakeClip = Callable[..., Clip]
OPTIONS = (("preset", "veryfast"), ("crf", "18"), ("x264-params", "keyint=30:min-keyint=30:scenecut=0:bframes=2"))


def silent(stage: str, fraction: float) -> None:
    pass


@pytest.fixture
def clip(make_clip: MakeClip) -> Clip:
    return make_clip(frames=240, options=OPTIONS)


@pytest.fixture
def decoder(clip: Clip) -> Iterator[Decoder]:
    with Source(clip.path) as source, source.open() as container:
        table = survey(source, container, checked_video(source, container), progress=silent)
        first = first_decoder(source, container, table)
        with closing(first.decoder):
            _, picture = describe(source, container, checked_video(source, container), first.frame)
        with Decoder(source, table, picture) as decoder:
            yield decoder


def test_a_keyframe_costs_one_frame(decoder: Decoder) -> None:
    small = decoder.keyframes_small(silent)
    assert [read_barcode(frame.luma) for frame in small] == [0, 30, 60, 90, 120, 150, 180, 210]
    assert decoder.decoded_frames == 8
    assert decoder.keyframes_small(silent)[3].seconds == small[3].seconds
    assert decoder.decoded_frames == 8, "keyframes are remembered"


def test_a_frame_costs_no_more_than_its_group_up_to_it(decoder: Decoder) -> None:
    got = []
    decoder.take([int(decoder.survey.shown[100])], lambda _, frame: got.append(frame), silent)
    assert [read_barcode(frame.to_ndarray(format="rgb24")) for frame in got] == [100]
    assert decoder.decoded_frames <= 13, "from 90 to 100, a reordered frame or two after it"


def test_stretches(decoder: Decoder, clip: Clip) -> None:
    stretches = [(0.5, 0.7), (3.0, 3.05), (7.9, 99.0), (100.0, 101.0)]
    for (start, end), frames in zip(stretches, decoder.small_between(stretches, silent), strict=True):
        expected = [number for number, when in enumerate(clip.seconds) if start <= when < end]
        assert [read_barcode(frame.luma) for frame in frames] == expected
        np.testing.assert_allclose([frame.seconds for frame in frames], [clip.seconds[n] for n in expected], atol=1e-3)
        alone = [read_barcode(decoder.small(frame)) for _, frame in decoder.frames_between(start, end)]
        assert alone == expected


def test_workers_errors_reach_the_caller(decoder: Decoder) -> None:
    def take(tick: int, frame: object) -> None:
        raise KeyError("a fault in the code that takes frames")

    with pytest.raises(KeyError):
        decoder.take(decoder.survey.shown.tolist(), take, silent)


def test_cancel_is_heard_while_decoding(decoder: Decoder) -> None:
    taken = 0

    def take(tick: int, frame: object) -> None:
        nonlocal taken
        taken += 1

    def progress(stage: str, fraction: float) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        decoder.take(decoder.survey.shown.tolist() * 3, take, progress)
    before = taken
    assert before <= 240
    decoder.take([int(decoder.survey.shown[5])], take, silent)
    assert taken == before + 1, "the workers can be used again"

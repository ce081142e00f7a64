"""Streams that open and are odd: side data that PyAV has no name for, a codec that can't be opened."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.media.clips import Clip, barcode, read_barcode
from virality_core.errors import InputError
from virality_core.media import open_reel, probe
from virality_core.types import Plan

ORIENTATION = 0x0112


def jpeg(number: int, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    with io.BytesIO() as out:
        Image.fromarray(barcode(number, 160, 96)).save(out, "JPEG", exif=exif, quality=90)
        return out.getvalue()


@pytest.mark.parametrize("orientation", [1, 3])
def test_frames_with_exif_are_read(tmp_path: Path, orientation: int) -> None:
    """Cameras write Exif into each picture of Motion JPEG; PyAV 18 raises where its kind of side data is asked for."""
    path = tmp_path / "camera.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuvj420p"
        for number in range(12):
            packet = av.Packet(jpeg(number, orientation))
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 30)
            packet.is_keyframe = True
            container.mux(packet)
    reel = open_reel(path, Plan(stills=4, runs=True, exact=True))
    upright = reel.frames.rgb if orientation == 1 else reel.frames.rgb[:, ::-1, ::-1]
    numbers = [read_barcode(np.ascontiguousarray(image)) for image in upright]
    assert [number / 30 for number in numbers] == pytest.approx(reel.frames.seconds.tolist(), abs=1e-3)


def test_a_codec_that_cant_be_opened(make_clip: Callable[..., Clip], tmp_path: Path) -> None:
    """H.264 that says it is something else: one sentence that names the codec, at both doors."""
    data = make_clip(frames=30).path.read_bytes()
    place = data.index(b"avc1", data.index(b"stsd"))
    path = tmp_path / "reel.mp4"
    path.write_bytes(data[:place] + b"hap1" + data[place + 4 :])
    for door in (probe, lambda file: open_reel(file, Plan(stills=2))):
        with pytest.raises(InputError, match="can't be opened") as refused:
            door(path)
        assert "\n" not in str(refused.value)

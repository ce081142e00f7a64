"""An MP4 that is written into memory, its index in front so that a browser plays it while it loads."""

from __future__ import annotations

import io

import av
from av.container import OutputContainer

OPTIONS = {"movflags": "+faststart"}


def open_mp4(out: io.BytesIO) -> OutputContainer:
    """A container to be filled and closed; `out` holds the whole file afterwards."""
    return av.open(out, "w", format="mp4", options=OPTIONS, io_open=lambda *_: _Again(out))


class _Again:
    """Reads what has been written so far: the MP4 writer moves its own output to make room for the index in front."""

    def __init__(self, out: io.BytesIO) -> None:
        self._out = out
        self._place = 0

    def read(self, size: int) -> bytes:
        with self._out.getbuffer() as view:
            data = bytes(view[self._place : self._place + size])
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place}.get(whence, len(self._out.getbuffer()))
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place

"""Writes an MP4 into memory, its index first so that a browser can play it while it loads."""

from __future__ import annotations

import io

import av
from av.container import OutputContainer

OPTIONS = {"movflags": "+faststart"}


def open_mp4(out: io.BytesIO) -> OutputContainer:
    """A container to fill and close; `out` then holds the whole file."""
    return av.open(out, "w", format="mp4", options=OPTIONS, io_open=lambda *_: _Reader(out))


class _Reader:
    """Reads back what has been written: the MP4 muxer moves its own output to make room for the index."""

    def __init__(self, out: io.BytesIO) -> None:
        self._out = out
        self._position = 0

    def read(self, size: int) -> bytes:
        with self._out.getbuffer() as view:
            data = bytes(view[self._position : self._position + size])
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence, len(self._out.getbuffer()))
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

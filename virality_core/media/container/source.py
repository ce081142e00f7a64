"""Opens a stranger's file: by its bytes alone, in an allowed container, and never anything the file points to."""

from __future__ import annotations

import errno
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Never, TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from virality_core.errors import InputError
from virality_core.files import open_regular, printable
from virality_core.media.guards.file_type import VIDEO_FORMATS, other_kind, picture_kind
from virality_core.media.guards.limits import DEFAULT_LIMITS, MEGABYTE, Limits
from virality_core.media.guards.mp4_tables import MAX_TRACKS, check_tables

#: a video as callers name it: a path, or an open binary file (an upload that lives in memory)
VideoSource = str | os.PathLike[str] | BinaryIO | io.BytesIO

StreamT = TypeVar("StreamT", bound=Stream)

_BUFFER_BYTES = 256 * 1024  # fewer calls into Python than libav's 32 KiB; larger wastes reading after each seek
_HEAD_BYTES = 4096
_MAX_NAME = 120
_OPEN_OPTIONS = {
    "max_streams": str(MAX_TRACKS),
    "ignore_chapters": "1",  # in MP4 their titles may overlap in the file, and each is kept apart
}
_WHAT_WORKS = "upload a video such as MP4, MOV or WebM"

#: every way libav, or a callback under it, tells that a file is damaged or not what it claims
AV_ERRORS = (FFmpegError, ValueError, OverflowError, MemoryError, OSError, RuntimeError, LookupError)


class Source:
    """A video's bytes and the name to call it by. It can be opened several times, also while open.

    Use as a context manager: a file that was opened from a path is closed with it; one the caller opened stays open.
    """

    def __init__(self, source: VideoSource, *, name: str | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        """Checks size and first bytes.

        Raises:
            InputError: no such file, empty, larger than the limit, or by its first bytes not a video.
        """
        self.limits = limits
        self._owned = isinstance(source, str | os.PathLike)
        if isinstance(source, str | os.PathLike):
            self.name = _plain_name(name or os.fspath(source))
            self._file: BinaryIO = _open_path(Path(source), self.name)
        else:
            self.name = _plain_name(name or str(getattr(source, "name", "")))
            # Others may read the upload meanwhile: its bytes are shared without a copy, its place stays.
            self._file = io.BytesIO(source.getvalue()) if isinstance(source, io.BytesIO) else source
        self._lock = threading.Lock()
        try:
            try:
                self.size_bytes = self._file.seek(0, os.SEEK_END)
                self.head = _Reader(self._file, self._lock).read(_HEAD_BYTES)
            except OSError as error:  # a file of the kernel's, or a broken disk
                raise InputError(f"“{self.name}” can't be read; {_WHAT_WORKS}.") from error
            self._check()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file if this object opened it."""
        if self._owned:
            self._file.close()

    @contextmanager
    def open(self) -> Iterator[InputContainer]:
        """A container over the bytes, closed at the end of the block.

        Raises:
            InputError: not a container this package takes, or damaged beyond reading.
        """
        options = {
            **_OPEN_OPTIONS,
            "format_whitelist": VIDEO_FORMATS,
            "max_pixels": str(self.limits.max_pixels),
        }
        try:
            container = av.open(
                _Reader(self._file, self._lock),
                "r",
                options=options,
                metadata_errors="replace",
                buffer_size=_BUFFER_BYTES,
                io_open=_refuse_to_open,
            )
        except AV_ERRORS as error:
            raise InputError(f"“{self.name}” can't be read as a video: {self._guess()}; {_WHAT_WORKS}.") from error
        try:
            yield container
        finally:
            container.close()

    def _guess(self) -> str:
        if self.head[4:8] == b"ftyp" or b"moov" in self.head or b"mdat" in self.head:
            return "it is damaged or was cut off before its table of contents (moov)"
        return f"it is a {kind}" if (kind := other_kind(self.head)) else "it is damaged or in a format not known here"

    def _check(self) -> None:
        if self.size_bytes == 0:
            raise InputError(f"“{self.name}” is empty; {_WHAT_WORKS}.")
        if self.size_bytes > self.limits.max_bytes:
            raise InputError(
                f"“{self.name}” has {self.size_bytes / MEGABYTE:.0f} MB; "
                f"the largest video taken has {self.limits.max_bytes / MEGABYTE:.0f} MB."
            )
        if kind := picture_kind(self.head) or other_kind(self.head):
            raise InputError(f"“{self.name}” is a {kind}, not a video; {_WHAT_WORKS}.")
        check_tables(self._read_at, self.size_bytes, name=self.name, limits=self.limits)

    def _read_at(self, place: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(place)
            return self._file.read(count)


def main_video(container: InputContainer, name: str) -> VideoStream:
    """The stream a player shows: the best video stream that is not a cover picture.

    Raises:
        InputError: there is none, or no decoder for it.
    """
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    best = container.streams.best("video")
    stream = best if best in streams else next(iter(streams), None)
    if stream is None:
        what = "holds sound but no video" if container.streams.audio else "holds no video"
        raise InputError(f"“{name}” {what}; {_WHAT_WORKS}.")
    if stream.codec_context is None:
        raise InputError(f"“{name}” holds video in a codec not known here; export it as H.264 or HEVC.")
    return stream


def until_damage(packets: Iterator[Packet[StreamT]]) -> Iterator[Packet[StreamT]]:
    """The packets up to the file's end or to where it can't be read on."""
    while True:
        try:
            packet = next(packets, None)
        except AV_ERRORS:
            return
        if packet is None:
            return
        yield packet


def no_frame(name: str) -> str:
    """What to tell when not one frame can be read."""
    return f"“{name}” holds no readable video frame: it is damaged or was cut off; export it again."


def main_audio(container: InputContainer) -> AudioStream | None:
    """The best sound stream there is a decoder for (a phone may add one of spatial sound that only it can play)."""
    best = container.streams.best("audio")
    streams = [best, *container.streams.audio]
    return next((s for s in streams if isinstance(s, AudioStream) and s.codec_context is not None), None)


class _Reader:
    """A read-only view of a file with a place of its own, so that several containers on threads can share the file."""

    def __init__(self, file: BinaryIO, lock: threading.Lock) -> None:
        self._file = file
        self._lock = lock
        self._place = 0

    def read(self, size: int) -> bytes:
        with self._lock:
            self._file.seek(self._place)
            data = self._file.read(size)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            with self._lock:
                offset = self._file.seek(offset, whence)
        self._place = max(0, offset + (self._place if whence == os.SEEK_CUR else 0))
        return self._place

    def tell(self) -> int:
        return self._place


def _plain_name(name: str) -> str:
    """The last part of a path or upload name, printable and of bounded length: fit for messages and logs."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return printable(last[:_MAX_NAME]) or "upload"


def _open_path(path: Path, name: str) -> BinaryIO:
    try:
        return open_regular(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"There is no file “{name}” at the place given.") from error
    except IsADirectoryError as error:
        raise InputError(f"“{name}” is no file but a folder; {_WHAT_WORKS}.") from error
    except OSError as error:
        why = "it is a pipe or a device" if error.errno == errno.EINVAL else "check the path and its permissions"
        raise InputError(f"“{name}” can't be opened: {why}.") from error


def _refuse_to_open(*_: object) -> Never:
    raise PermissionError("a video may not open other files")

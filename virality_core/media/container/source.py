"""Opens an untrusted file with FFmpeg: only its own bytes, only allowed containers, nothing it points to."""

from __future__ import annotations

import errno
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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

#: A path, or an open binary file such as an upload in memory.
VideoSource = str | os.PathLike[str] | BinaryIO | io.BytesIO

StreamT = TypeVar("StreamT", bound=Stream)

_BUFFER_BYTES = 256 * 1024  # fewer calls into Python than FFmpeg's 32 KiB; larger wastes reads after each seek
_HEAD_BYTES = 4096
_MAX_NAME = 120
_SUGGESTION = "upload a video such as MP4, MOV or WebM"

#: All that PyAV, FFmpeg or our reader may raise on a damaged file.
AV_ERRORS = (FFmpegError, ValueError, OverflowError, MemoryError, OSError, RuntimeError, LookupError)


class Source:
    """A video's bytes and display name. Can be opened several times at once.

    A context manager: closes a file that it opened itself; one that the caller opened stays open.
    """

    def __init__(self, source: VideoSource, *, name: str | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        """Raise InputError if the file is missing, empty, too large, or by its first bytes or tables not a video."""
        self.limits = limits
        self._owned = isinstance(source, str | os.PathLike)
        if isinstance(source, str | os.PathLike):
            self.name = _display_name(name or os.fspath(source))
            self._file: BinaryIO = _open_path(Path(source), self.name)
        else:
            self.name = _display_name(name or str(getattr(source, "name", "")))
            # Shares the bytes without a copy and leaves the upload's position alone: others may be reading it.
            self._file = io.BytesIO(source.getvalue()) if isinstance(source, io.BytesIO) else source
        self._lock = threading.Lock()
        try:
            try:
                self.size_bytes = self._file.seek(0, os.SEEK_END)
                self.head = self._read_at(0, _HEAD_BYTES)
            except OSError as error:  # a kernel file, or a broken disk
                raise InputError(f"“{self.name}” can't be read; {_SUGGESTION}.") from error
            if self.size_bytes == 0:
                raise InputError(f"“{self.name}” is empty; {_SUGGESTION}.")
            if self.size_bytes > self.limits.max_bytes:
                raise InputError(
                    f"“{self.name}” is {self.size_bytes / MEGABYTE:.0f} MB; "
                    f"the limit is {self.limits.max_bytes / MEGABYTE:.0f} MB."
                )
            if kind := picture_kind(self.head) or other_kind(self.head):
                raise InputError(f"“{self.name}” is a {kind}, not a video; {_SUGGESTION}.")
            check_tables(self._read_at, self.size_bytes, name=self.name, limits=self.limits)
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
        """A container, closed at the end of the block. Raises InputError if it is not allowed, or damaged."""
        options = {
            "format_whitelist": VIDEO_FORMATS,
            "max_pixels": str(self.limits.max_pixels),
            "max_streams": str(MAX_TRACKS),
            "ignore_chapters": "1",  # MP4 chapter titles may overlap in the file, and FFmpeg copies each one
        }
        try:
            container = av.open(
                PositionedReader(self._read_at, lambda: self.size_bytes),
                "r",
                options=options,
                metadata_errors="replace",
                buffer_size=_BUFFER_BYTES,
                io_open=_refuse_to_open,
            )
        except AV_ERRORS as error:
            raise InputError(f"“{self.name}” can't be read as a video: {self._guess()}; {_SUGGESTION}.") from error
        with container:
            yield container

    def _guess(self) -> str:
        if self.head[4:8] == b"ftyp" or b"moov" in self.head or b"mdat" in self.head:
            return "it is damaged or was cut off before its table of contents (moov)"
        return f"it is a {kind}" if (kind := other_kind(self.head)) else "it is damaged or in an unknown format"

    def _read_at(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(count)


def main_video(container: InputContainer, name: str) -> VideoStream:
    """The stream a player shows: the best one that isn't cover art. Raises InputError if there is none to decode."""
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    best = container.streams.best("video")
    stream = best if best in streams else next(iter(streams), None)
    if stream is None:
        what = "has sound but no video" if container.streams.audio else "has no video"
        raise InputError(f"“{name}” {what}; {_SUGGESTION}.")
    if stream.codec_context is None:
        raise InputError(f"“{name}” uses an unknown video codec; export it as H.264 or HEVC.")
    return stream


def until_damage(packets: Iterator[Packet[StreamT]]) -> Iterator[Packet[StreamT]]:
    """The packets up to the end of the file, or to damage that can't be read past."""
    with suppress(*AV_ERRORS):
        for packet in packets:  # noqa: UP028  (`yield from` would close `packets`, which may be read further)
            yield packet


def no_frame(name: str) -> str:
    """The message for a video in which no frame can be decoded."""
    return f"“{name}” has no readable video frame: it is damaged or was cut off; export it again."


def main_audio(container: InputContainer) -> AudioStream | None:
    """The best audio stream FFmpeg can decode (phones may add a spatial one that only they can play)."""
    streams = [container.streams.best("audio"), *container.streams.audio]
    return next((s for s in streams if isinstance(s, AudioStream) and s.codec_context is not None), None)


class PositionedReader:
    """A file-like view of bytes with its own position, so that several can share them."""

    def __init__(self, read_at: Callable[[int, int], bytes], size: Callable[[], int]) -> None:
        """`read_at` returns at most (offset, count) bytes."""
        self._read_at, self._size = read_at, size
        self._position = 0

    def read(self, count: int) -> bytes:
        data = self._read_at(self._position, count)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence, self._size())
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position


def _display_name(name: str) -> str:
    """The last part of a path or upload name, printable and short: safe in messages and logs."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return printable(last[:_MAX_NAME]) or "upload"


def _open_path(path: Path, name: str) -> BinaryIO:
    try:
        return open_regular(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"There is no file “{name}”.") from error
    except IsADirectoryError as error:
        raise InputError(f"“{name}” is a folder, not a file; {_SUGGESTION}.") from error
    except OSError as error:
        why = "it is a pipe or a device" if error.errno == errno.EINVAL else "check the path and its permissions"
        raise InputError(f"“{name}” can't be opened: {why}.") from error


def _refuse_to_open(*_: object) -> Never:
    raise PermissionError("a video may not open other files")

"""Opens files that a user names, and writes files whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import uuid
from pathlib import Path
from typing import BinaryIO

from virality_core.errors import UsageError

_JOINERS = "\u200c\u200d"  # not printable by themselves, but part of words and emoji


def open_regular(path: Path) -> BinaryIO:
    """An ordinary file, opened for reading. A pipe is not waited for, and a device not read without end.

    Raises:
        OSError: there is no such file, it may not be read, is a folder (IsADirectoryError), or is neither file nor
            folder; `strerror` says so in words.
    """
    try:
        _check_regular(os.stat(path), path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a name with a null in it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    try:
        _check_regular(os.fstat(descriptor), path)  # another file may have taken the name meanwhile
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, limit: int) -> bytes:
    """What an ordinary file holds, at most `limit` bytes, whatever size the file system states.

    Raises:
        OSError: as `open_regular`, and for a larger file; `strerror` says so in words.
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is over {limit // 10**6} MB", str(path))
    return data


def _check_regular(status: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))


def printable(name: object) -> str:
    """A name or message that may hold what a stranger typed, without what controls a terminal or turns text around."""
    return "".join(letter if letter.isprintable() or letter in _JOINERS else "�" for letter in str(name))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is never seen half written, and an older one stays until the new one is complete.

    What is no ordinary file (a device, a pipe) is written to as it is.

    Raises:
        OSError: it can't be written; nothing is left behind.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8")
        return
    beside = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with beside.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.is_file():
            os.chmod(beside, stat.S_IMODE(target.stat().st_mode))
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def usable(folder: Path, *names: str) -> Path:
    """The folder, made if need be, in which files of these names can be written.

    Raises:
        UsageError: it is none and can't be made, can't be written to, or holds a folder of such a name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:  # ValueError: a null in its name
        raise UsageError(f"Can't write into {folder}: {getattr(error, 'strerror', None) or error}.") from error
    taken = next((name for name in names if (folder / name).is_dir()), None)
    if taken is not None:
        raise UsageError(f"Can't write {taken} into {folder}: there is a folder of that name.")
    return folder

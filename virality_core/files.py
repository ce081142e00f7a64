"""Opens files that a user names, and writes files completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import uuid
from pathlib import Path
from typing import BinaryIO

from virality_core.errors import UsageError

_JOINERS = "\u200c\u200d"  # not printable, but part of words and emoji


def open_regular(path: Path) -> BinaryIO:
    """Open an ordinary file for reading; never waits for a pipe or reads a device without end.

    Raises:
        OSError: There is no such file, it may not be read, or it isn't an ordinary file; `strerror` says so in words.
    """
    try:
        _check_regular(os.stat(path), path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a null in the name
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    try:
        _check_regular(os.fstat(descriptor), path)  # the file may have been replaced meanwhile
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, limit: int) -> bytes:
    """The content of an ordinary file of at most `limit` bytes, whatever size the file system states.

    Raises:
        OSError: As `open_regular`, and for a larger file.
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
    """Text from a stranger, without characters that control a terminal or reverse the direction of text."""
    return "".join(letter if letter.isprintable() or letter in _JOINERS else "�" for letter in str(name))


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that readers see the old one or the complete new one. Devices and pipes are written to directly.

    Raises:
        OSError: It can't be written; nothing is left behind.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8")
        return
    temporary = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.is_file():
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def writable_folder(folder: Path, *names: str) -> Path:
    """The folder, created if needed, after checking that files of these names can be written there.

    Raises:
        UsageError: It can't be created or written to, or has a folder of such a name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:  # ValueError: a null in its name
        raise UsageError(f"Can't write into {folder}: {getattr(error, 'strerror', None) or error}.") from error
    for name in names:
        if (folder / name).is_dir():
            raise UsageError(f"Can't write {name} into {folder}: there is a folder of that name.")
    return folder

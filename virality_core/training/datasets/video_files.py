"""Finds the videos that exports name: by path, name or stem, never outside their folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from virality_core.errors import InputError

SUFFIXES = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".3gp", ".gif", ".ts", ".flv")


class VideoFiles:
    """The video files under a folder, by path, name and stem. A name that two files share finds neither."""

    def __init__(self, folder: Path) -> None:
        """Walk the folder once. Raises InputError where there is none."""
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder} with videos.")
        self.folder = folder.resolve()
        paths = (path for path in self.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        found = sorted(path for path in paths if is_file_inside(self.folder, path))
        names, stems = Counter(path.name for path in found), Counter(path.stem for path in found)
        self._by_path = {path.relative_to(self.folder).as_posix(): path for path in found}
        self._by_name = {path.name: path for path in found if names[path.name] == 1}
        self._by_stem = {path.stem: path for path in found if stems[path.stem] == 1}

    def find(self, name: str) -> Path | None:
        """The file that an export calls so (a path, a name, an id), or None."""
        text = name.replace("\\", "/").strip()
        last = text.rpartition("/")[2]
        return (self._by_path.get(text) or self._by_name.get(last) or self._by_stem.get(last)) if last else None

    def next_to(self, path: Path, stem: str) -> Path | None:
        """The file of that stem in the folder of `path`, or None."""
        try:
            folder = path.parent.resolve().relative_to(self.folder)
        except ValueError:
            return None
        names = ((folder / f"{stem}{suffix}").as_posix() for suffix in SUFFIXES)
        return next((self._by_path[name] for name in names if name in self._by_path), None)


def is_file_inside(folder: Path, path: Path) -> bool:
    """Whether it is a file in a folder (resolved), and not a link that leads out of it."""
    return path.resolve().is_relative_to(folder) and path.is_file()

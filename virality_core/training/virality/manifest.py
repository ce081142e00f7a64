"""The manifest that `preprocess` writes and training reads: a row per video in Parquet, its origin in JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from virality_core.errors import InputError
from virality_core.files import open_regular, read_regular, write_atomically
from virality_core.training.datasets.exports import is_file_inside
from virality_core.training.virality.split import Part

ROWS = "manifest.parquet"
METADATA = "manifest.json"
SCHEMA = 1

_MAX_BYTES = 16 * 10**6  # of the JSON: far more than it ever has


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One video. `video` is relative to the folder of videos; counts are null where the export had none."""

    video: str
    part: Part
    author: str
    score: float  # 0–1
    is_viral: bool
    likes: int | None
    plays: int | None
    shares: int | None
    comments: int | None
    followers: int | None
    caption: str
    posted_at: datetime | None
    seconds: float
    width: int
    height: int
    frame_rate: float
    group: int  # the same for copies of a video, and for an author's posts


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The rows, the folder their videos are in, and the metadata: how they were selected and labeled."""

    rows: tuple[Row, ...]
    videos: Path
    metadata: dict[str, Any]

    def part(self, part: Part) -> tuple[Row, ...]:
        """The rows of one part. Raises InputError where it is empty."""
        found = tuple(row for row in self.rows if row.part == part)
        if not found:
            raise InputError(f"The manifest has no {part} videos; run preprocess on more accounts.")
        return found


def write(folder: Path, rows: Sequence[Row], metadata: dict[str, Any]) -> None:
    """Write both files, each as a whole or not at all."""
    import pyarrow as pa
    from pyarrow import parquet

    text = json.dumps({"schema": SCHEMA, **metadata}, indent=1, allow_nan=False) + "\n"
    part = folder / f".{ROWS}.part"
    try:
        parquet.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=_schema()), part)
        os.replace(part, folder / ROWS)
    finally:
        part.unlink(missing_ok=True)
    write_atomically(folder / METADATA, text)


def read(folder: Path, videos: Path | None = None) -> Manifest:
    """The manifest of a folder, every video found.

    Args:
        folder: where `preprocess` wrote it.
        videos: where the videos are now, if they were moved since.

    Raises:
        InputError: there is none, it is damaged, or videos are missing.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        metadata = json.loads(read_regular(folder / METADATA, _MAX_BYTES))
        open_regular(folder / ROWS).close()
        table = parquet.read_table(folder / ROWS)
        if not isinstance(metadata, dict) or metadata.get("schema") != SCHEMA:
            raise ValueError("it is of another version")
        rows = tuple(_row(plain) for plain in table.to_pylist())
    except FileNotFoundError:
        raise InputError(f"There is no manifest in {folder}; `virality preprocess` writes one.") from None
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise InputError(f"The manifest in {folder} can't be read ({error}); run preprocess again.") from error
    root = (videos or Path(str(metadata.get("videos", "")))).resolve()
    missing = [row.video for row in rows if not is_file_inside(root, root / row.video)]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(rows)} videos of the manifest are not in {root} ({missing[0]} is the first); say "
            "where they are now with --videos FOLDER."
        )
    return Manifest(rows=rows, videos=root, metadata=metadata)


def _row(plain: dict[str, Any]) -> Row:
    row = Row(**{field.name: plain[field.name] for field in fields(Row)})
    if row.part not in get_args(Part) or not 0.0 <= row.score <= 1.0:
        raise ValueError(f"a row has part {row.part!r} and score {row.score}")
    return row


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"float": pa.float64(), "int": pa.int64(), "bool": pa.bool_(), "datetime": pa.timestamp("us", tz="UTC")}
    return pa.schema([(field.name, kinds.get(str(field.type).partition(" ")[0], pa.string())) for field in fields(Row)])

"""`virality preprocess`: from an export and a folder of videos to the manifest that training reads.

Read the posts → open every video, list what can't be read → tie copies and authors together → split → fit the label on
the training part → write. Opening takes the time: each video's result goes to `probed.jsonl` at once, so that an
interrupted run continues where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from virality_core.errors import InputError
from virality_core.files import writable_folder, write_atomically
from virality_core.training.datasets.exports import COUNTS, ExportedPost, Kind, read_exports
from virality_core.training.virality import label as labels
from virality_core.training.virality import manifest, near_duplicates
from virality_core.training.virality.manifest import Row
from virality_core.training.virality.split import By, Part, by_group, by_time, groups, ties_of

PROBED = "probed.jsonl"
SKIPPED = "skipped.jsonl"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the manifest depends on besides the export and the videos."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict(labels.WEIGHTS))
    quantile: float = 0.5
    split: By = "author"
    seed: int = 0
    kind: Kind = "auto"
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What opening a video gave: its measures and fingerprint, or why it can't be read."""

    seconds: float = 0.0
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    fingerprint: str = ""  # hex
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How many rows each part has, what was skipped and why, and what a reader should know."""

    parts: dict[str, int]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


Readable = Sequence[tuple[ExportedPost, Probe]]


def preprocess(
    sources: Sequence[Path], videos: Path, out: Path, settings: Settings | None = None, say: Say | None = None
) -> Result:
    """Write `manifest.parquet`, `manifest.json` and `skipped.jsonl` into `out`.

    Args:
        sources, videos: see `exports.read_exports`.
        out: a folder, created if needed. An interrupted run there is continued.
        settings: the label's weights and quantile, the split.
        say: receives sentences on the progress.

    Raises:
        InputError: no post is left, or they can't be split. UsageError: a setting is not allowed, or `out` can't be
            written to.
    """
    settings = settings or Settings()
    weights, quantile = labels.checked_weights(settings.weights), labels.checked_quantile(settings.quantile)
    writable_folder(out, PROBED, SKIPPED, manifest.ROWS, manifest.METADATA)
    skipped: list[str] = []
    posts = _usable(list(read_exports(sources, videos, kind=settings.kind, mapping=settings.mapping)), weights, skipped)
    probes = _probe_all([post.video for post in posts if post.video is not None], out / PROBED, say)
    readable: list[tuple[ExportedPost, Probe]] = []
    for post in posts:
        probe = probes[str(post.video)]
        if probe.error:
            skipped.append(f"{post.video_name}: {probe.error}")
        else:
            readable.append((post, probe))
    if not readable:
        raise InputError(f"No post is left of {len(skipped)} ({skipped[0] if skipped else 'the export is empty'}).")
    prints = np.stack([np.frombuffer(bytes.fromhex(probe.fingerprint), np.uint8) for _, probe in readable])
    copies = near_duplicates.pairs(prints, np.array([probe.seconds for _, probe in readable]))
    notes = _notes(readable, copies)
    group, parts = _split(readable, copies, settings)
    counts = [{name: getattr(post, name) for name in COUNTS} for post, _ in readable]
    label, scores = labels.fit(counts, [part == "train" for part in parts], weights, quantile)
    root = videos.resolve()
    rows = []
    for (post, probe), part, score, one in zip(readable, parts, scores.tolist(), group, strict=True):
        if not np.isfinite(score):
            skipped.append(f"{post.where}: its counts are ones that no training post has.")
            continue
        assert post.video is not None
        rows.append(
            Row(
                video=post.video.relative_to(root).as_posix(),
                part=part,
                author=_storable(post.author),
                score=score,
                is_viral=score > label.threshold,
                caption=_storable(post.caption),
                posted_at=post.posted_at,
                group=one,
                **{name: getattr(post, name) for name in (*COUNTS, "followers")},
                **{name: getattr(probe, name) for name in ("seconds", "width", "height", "frame_rate")},
            )
        )
    sizes = {part: sum(row.part == part for row in rows) for part in ("train", "val", "test")}
    metadata: dict[str, Any] = {
        "videos": str(root),
        "weights": label.weights,
        "ranges": {name: list(ends) for name, ends in label.ranges.items()},
        "quantile": label.quantile,
        "threshold": label.threshold,
        "split": settings.split,
        "seed": settings.seed,
        "missing_counts": "never zero: the weight is shared out among the known counts; posts with less than half of "
        "the weight are left out",
        "parts": sizes,
        "skipped": len(skipped),
        "notes": notes,
    }
    _write_lines(out / SKIPPED, [json.dumps({"reason": reason}) for reason in skipped])
    manifest.write(out, rows, metadata)
    return Result(parts=sizes, skipped=tuple(skipped), notes=tuple(notes))


def _usable(
    found: Sequence[ExportedPost | InputError], weights: Mapping[str, float], skipped: list[str]
) -> list[ExportedPost]:
    """The posts that have a video and enough counts, each video once; why others don't goes into `skipped`."""
    posts: dict[Path, ExportedPost] = {}
    for post in found:
        if isinstance(post, InputError):
            skipped.append(str(post))
        elif post.video is None:
            skipped.append(
                f"{post.where}: there is no video {post.video_name!r} in the folder (a link out of it is not "
                "followed), or two have that name."
            )
        elif _storable(str(post.video)) != str(post.video):
            skipped.append(f"{post.where}: the name of the video {post.video_name!r} is not UTF-8; rename the file.")
        elif not labels.has_score({name: getattr(post, name) for name in COUNTS}, weights):
            skipped.append(f"{post.where}: it has less than half of the counts that make up the score.")
        elif post.video in posts:
            first = posts[post.video].where
            skipped.append(f"{post.where}: the video {post.video.name} already belongs to {first}.")
        else:
            posts[post.video] = post
    return list(posts.values())


def _probe_all(paths: Sequence[Path], journal: Path, say: Say | None) -> dict[str, Probe]:
    """Open each video that is not in the journal as it is now."""
    known = _read_journal(journal)
    found: dict[str, Probe] = {}
    with journal.open("a", encoding="utf-8") as lines:
        for number, path in enumerate(paths, start=1):
            status = path.stat()
            key = f"{path}|{status.st_size}|{status.st_mtime_ns}"
            if key not in known:
                known[key] = _probe(path)
                lines.write(json.dumps({"key": key, **asdict(known[key])}) + "\n")
                lines.flush()
                if say is not None and (number % 50 == 0 or number == len(paths)):
                    say(f"{number} of {len(paths)} videos opened.")
            found[str(path)] = known[key]
    return found


def _probe(path: Path) -> Probe:
    try:
        reel, fingerprint = near_duplicates.fingerprint(path)
    except InputError as error:
        return Probe(error=str(error))
    info = reel.info
    return Probe(
        seconds=info.duration_seconds,
        width=info.width,
        height=info.height,
        frame_rate=info.frame_rate,
        fingerprint=fingerprint.tobytes().hex(),
    )


def _read_journal(journal: Path) -> dict[str, Probe]:
    known: dict[str, Probe] = {}
    if not journal.exists():
        return known
    text = journal.read_text(encoding="utf-8", errors="replace")
    complete = text[: text.rfind("\n") + 1]
    if complete != text:  # a run was killed while it wrote its last line
        _write_lines(journal, complete.splitlines())
    for line in complete.splitlines():
        try:
            plain = json.loads(line)
            key = str(plain.pop("key"))
            probe = Probe(**plain)
            if probe.error or len(bytes.fromhex(probe.fingerprint)) == near_duplicates.SIZE:
                known[key] = probe
        except (ValueError, TypeError, KeyError, AttributeError):
            pass  # the video is opened again
    return known


def _split(readable: Readable, copies: Sequence[tuple[int, int]], settings: Settings) -> tuple[list[int], list[Part]]:
    """Each post's group and part. Accounts are tied by id and by name: a renamed account stays one."""
    posts = [post for post, _ in readable]
    if settings.split == "time":
        group = groups(len(posts), copies)
        return group, by_time([post.posted_at for post in posts], group, [post.where for post in posts])
    authors = ties_of([post.author for post in posts]) + ties_of([post.author_name for post in posts])
    group = groups(len(posts), [*copies, *authors])
    return group, by_group(group, [post.author for post in posts], settings.seed)


def _notes(readable: Readable, copies: Sequence[tuple[int, int]]) -> list[str]:
    names: dict[str, set[str]] = {}
    for post, _ in readable:
        names.setdefault(post.author, set()).add(post.author_name)
    renamed = sorted(author for author, some in names.items() if len(some - {""}) > 1)
    notes = []
    if renamed:
        notes.append(
            f"{len(renamed)} account ids have several names ({renamed[0]} is the first): each is kept in one part, as "
            "one account that was renamed."
        )
    if copies:
        copied = {index for pair in copies for index in pair}
        notes.append(f"{len(copied)} videos look like copies of one another; each set of copies is kept in one part.")
    if all(post.followers is None for post, _ in readable):
        notes.append("No followers are known, so a comparison with account size is not possible.")
    return notes


def _storable(text: str) -> str:
    """The text without lone surrogates, which Parquet can't hold."""
    return text.encode("utf-8", "replace").decode()


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    write_atomically(path, "".join(line + "\n" for line in lines))

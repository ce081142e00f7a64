"""From an export and a folder of videos to the manifest that training reads. `virality preprocess` runs it.

Read the posts → open every video, list what can't be read → tie copies and authors together → part them → fit the
label on the training part → write. Opening is what takes time: each video's answer is kept in `probed.jsonl` as soon as
it is there, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from virality_core.errors import InputError
from virality_core.files import usable, write_whole
from virality_core.training.datasets.exports import Kind, read_exports
from virality_core.training.datasets.video_post import COUNTS, Listed
from virality_core.training.virality import label as virality_label
from virality_core.training.virality import manifest
from virality_core.training.virality import near_duplicates as fingerprint
from virality_core.training.virality.manifest import Row
from virality_core.training.virality.split import By, Part, by_group, by_time, groups, ties_of

PROBED = "probed.jsonl"
SKIPPED = "skipped.jsonl"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the manifest depends on besides the export and the videos."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict(virality_label.WEIGHTS))
    quantile: float = 0.5
    split: By = "author"
    seed: int = 0
    kind: Kind = "auto"
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What opening a video gave: its measures and fingerprint, or why it can't be read."""

    seconds: float = 0.0
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    fingerprint: str = ""  # hex
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How many rows each part has, what was left out and why, and what a reader should know."""

    parts: dict[str, int]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


def preprocess(
    sources: Sequence[Path], videos: Path, out: Path, settings: Settings | None = None, say: Say | None = None
) -> Result:
    """Write `manifest.parquet`, `manifest.json` and `skipped.jsonl` into `out`.

    Args:
        sources, videos: see `exports.read_exports`.
        out: a folder; made if need be. A run that was stopped there is continued.
        settings: the label's weights and quantile, the split.
        say: told what is going on, a sentence at a time.

    Raises:
        InputError: no post is left, or they can't be parted. UsageError: a setting is not allowed, or
            `out` can't be written to.
    """
    how, tell = settings or Settings(), say or _silent
    weights, quantile = virality_label.checked_weights(how.weights), virality_label.checked_quantile(how.quantile)
    usable(out, PROBED, SKIPPED, manifest.ROWS, manifest.MADE)
    skipped: list[str] = []
    posts = _usable(list(read_exports(sources, videos, kind=how.kind, mapping=how.mapping)), weights, skipped)
    looked = _probe_all([post.video for post in posts if post.video is not None], out / PROBED, tell)
    kept: list[tuple[Listed, Probed]] = []
    for post in posts:
        probed = looked[str(post.video)]
        if probed.error:
            skipped.append(f"{post.wanted}: {probed.error}")
        else:
            kept.append((post, probed))
    if not kept:
        raise InputError(f"No post is left of {len(skipped)} ({skipped[0] if skipped else 'the export is empty'}).")
    copies = _copies([probed for _, probed in kept])
    notes = _notes(kept, copies)
    group, parts = _parted(kept, copies, how)
    counts = [{name: getattr(post, name) for name in COUNTS} for post, _ in kept]
    label, scores = virality_label.fit(counts, [part == "train" for part in parts], weights, quantile)
    root = videos.resolve()
    rows = []
    for (post, probed), part, score, one in zip(kept, parts, scores.tolist(), group, strict=True):
        if np.isfinite(score):
            rows.append(_row(post, probed, root, part=part, score=score, threshold=label.threshold, group=one))
        else:
            skipped.append(f"{post.where}: its counts are ones that no training post has.")
    sizes = {part: sum(row.part == part for row in rows) for part in ("train", "val", "test")}
    made: dict[str, Any] = {
        "videos": str(root),
        "weights": label.weights,
        "ranges": {name: list(ends) for name, ends in label.ranges.items()},
        "quantile": label.quantile,
        "threshold": label.threshold,
        "split": how.split,
        "seed": how.seed,
        "missing_counts": "never zero: the weight is shared out among the counts that are there; posts with less than "
        "half of the weight are left out",
        "parts": sizes,
        "skipped": len(skipped),
        "notes": notes,
    }
    _write_lines(out / SKIPPED, [json.dumps({"reason": reason}) for reason in skipped])
    manifest.write(out, rows, made)
    return Result(parts=sizes, skipped=tuple(skipped), notes=tuple(notes))


def _usable(found: Sequence[Listed | InputError], weights: Mapping[str, float], skipped: list[str]) -> list[Listed]:
    """The posts that have a video and enough counts; each video once, the rest noted in `skipped`."""
    posts: dict[Path, Listed] = {}
    for post in found:
        if isinstance(post, InputError):
            skipped.append(str(post))
        elif post.video is None:
            skipped.append(
                f"{post.where}: there is no video {post.wanted!r} in the folder (a link out of it is not followed), or "
                "two have that name."
            )
        elif _storable(str(post.video)) != str(post.video):
            skipped.append(f"{post.where}: the name of the video {post.wanted!r} is not UTF-8; rename the file.")
        elif not virality_label.has_score({name: getattr(post, name) for name in COUNTS}, weights):
            skipped.append(f"{post.where}: less than half of what the score weighs was counted.")
        elif post.video in posts:
            skipped.append(f"{post.where}: the video {post.video.name} is listed before, in {posts[post.video].where}.")
        else:
            posts[post.video] = post
    return list(posts.values())


def _probe_all(paths: Sequence[Path], journal: Path, say: Say) -> dict[str, Probed]:
    """Open each video that the journal does not know as it is now."""
    known = _read_journal(journal)
    found: dict[str, Probed] = {}
    with journal.open("a", encoding="utf-8") as lines:
        for number, path in enumerate(paths, start=1):
            key = _stamp(path)
            if key not in known:
                known[key] = _probe(path)
                plain = {name: getattr(known[key], name) for name in Probed.__slots__}
                lines.write(json.dumps({"key": key, **plain}) + "\n")
                lines.flush()
                if number % 50 == 0 or number == len(paths):
                    say(f"{number} of {len(paths)} videos opened.")
            found[str(path)] = known[key]
    return found


def _probe(path: Path) -> Probed:
    try:
        reel, tiny = fingerprint.look(path)
    except InputError as error:
        return Probed(error=str(error))
    info = reel.info
    return Probed(
        seconds=info.duration_seconds,
        width=info.width,
        height=info.height,
        frame_rate=info.frame_rate,
        fingerprint=tiny.tobytes().hex(),
    )


def _read_journal(journal: Path) -> dict[str, Probed]:
    known: dict[str, Probed] = {}
    if journal.exists():
        text = journal.read_text(encoding="utf-8", errors="replace")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # a run was killed while it wrote its last line
            _write_lines(journal, whole.splitlines())
        for line in whole.splitlines():
            try:
                plain = json.loads(line)
                key = str(plain.pop("key"))
                probed = Probed(**plain)
                if not probed.error and len(bytes.fromhex(probed.fingerprint)) != fingerprint.SIZE:
                    continue
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # looked at again
            known[key] = probed
    return known


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{path}|{status.st_size}|{status.st_mtime_ns}"


def _copies(probed: Sequence[Probed]) -> list[tuple[int, int]]:
    prints = np.stack([np.frombuffer(bytes.fromhex(one.fingerprint), np.uint8) for one in probed])
    return fingerprint.same(prints, np.array([one.seconds for one in probed]))


def _parted(
    kept: Sequence[tuple[Listed, Probed]], copies: Sequence[tuple[int, int]], how: Settings
) -> tuple[list[int], list[Part]]:
    """Each post's group and part. Accounts are tied by id and by name: an account that was renamed stays one."""
    if how.split == "time":
        group = groups(len(kept), copies)
        return group, by_time([post.posted_at for post, _ in kept], group, [post.where for post, _ in kept])
    authors = ties_of([post.author for post, _ in kept]) + ties_of([post.author_name for post, _ in kept])
    group = groups(len(kept), [*copies, *authors])
    return group, by_group(group, [post.author for post, _ in kept], how.seed)


def _notes(kept: Sequence[tuple[Listed, Probed]], copies: Sequence[tuple[int, int]]) -> list[str]:
    names: dict[str, set[str]] = {}
    for post, _ in kept:
        names.setdefault(post.author, set()).add(post.author_name)
    shared = sorted(author for author, some in names.items() if len(some - {""}) > 1)
    notes = []
    if shared:
        notes.append(
            f"{len(shared)} account ids come with several names ({shared[0]} first): each id is kept in one part, as "
            "one account that was renamed."
        )
    if copies:
        both = {place for pair in copies for place in pair}
        notes.append(f"{len(both)} videos look like copies of one another; each set of copies is kept in one part.")
    if all(post.followers is None for post, _ in kept):
        notes.append("No followers are known, so that a comparison with account size is not possible.")
    return notes


def _row(post: Listed, probed: Probed, root: Path, *, part: Part, score: float, threshold: float, group: int) -> Row:
    assert post.video is not None
    return Row(
        video=post.video.relative_to(root).as_posix(),
        part=part,
        author=_storable(post.author),
        score=score,
        is_viral=score > threshold,
        likes=post.likes,
        plays=post.plays,
        shares=post.shares,
        comments=post.comments,
        followers=post.followers,
        caption=_storable(post.caption),
        posted_at=post.posted_at,
        seconds=probed.seconds,
        width=probed.width,
        height=probed.height,
        frame_rate=probed.frame_rate,
        group=group,
    )


def _storable(text: str) -> str:
    """The text without lone surrogates, which Parquet can't hold."""
    return text.encode("utf-8", "replace").decode()


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    write_whole(path, "".join(line + "\n" for line in lines))


def _silent(sentence: str) -> None:
    """Nobody listens."""

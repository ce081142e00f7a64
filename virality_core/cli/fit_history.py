"""`virality fit-history POSTS.csv`: learn from a creator's own past posts."""

from __future__ import annotations

import argparse
import math
import shlex
from pathlib import Path
from typing import Any

from virality_core.cli.output import out_file, refuse_overwriting, write
from virality_core.errors import InputError
from virality_core.files import read_regular

_SCHEMA = (
    "POSTS is a CSV with a header (likes, comments, shares, saves or plays; where known posted_at, caption, "
    "duration_s, followers, music_title), or Instagram's or TikTok's own data export (JSON, or the ZIP it comes in). "
    "`virality score --history FILE` reads what it writes."
)


def add_parser(commands: Any) -> None:
    """Add the `fit-history` command to an argparse subparsers object."""
    parser = commands.add_parser(
        "fit-history",
        help="learn from your own past posts: your level, and what went with more",
        description=_SCHEMA,
    )
    parser.add_argument("posts", metavar="POSTS", type=Path, help="your posts, at least 10")
    parser.add_argument("--out", metavar="FILE", type=out_file, required=True, help="where the fit goes, as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Fit, write, say how it went; returns 0. Raises InputError, UsageError; then nothing is written."""
    from virality_core.forecast.model import shipped
    from virality_core.forecast.own_posts.reader import MAX_BYTES, read_own_posts
    from virality_core.forecast.own_posts_fit import fit_history, history_text, moved
    from virality_core.forecast.predict import DEFAULT_COLLECTION
    from virality_core.models.language.minilm_embedding import embed_captions

    refuse_overwriting("--out", args.out, [args.posts])
    try:
        data = read_regular(args.posts, MAX_BYTES)
    except OSError as error:
        raise InputError(f"{args.posts} can't be read ({error.strerror or error}).") from error
    own = read_own_posts(data, args.posts.name)
    history = fit_history(shipped(), DEFAULT_COLLECTION, own.facts, own.outcomes, embed_captions)
    write(args.out, history_text(history))
    for note in own.notes:
        print(note)
    for name, of in history.targets.items():
        print(f"{name.capitalize()}, from {of.posts} posts:")
        print(f"  your level: {math.exp(of.shift):.2g} times what the general model says")
        print(
            f"  usual error of a prediction: a factor of {math.exp(of.loo_error):.2f}, where each post was left out "
            f"once; of the general model: {math.exp(of.general_error):.2f}"
        )
        told = ", ".join(f"{feature} (times {math.exp(effect):.2f})" for feature, effect in moved(of))
        print("  went with: " + (told or "nothing that can be told from chance"))
    print(f"Written to {args.out}. Use it: virality score REEL --history {shlex.quote(str(args.out))}")
    return 0

"""`virality fit-fusion` and `fit-history`: learn from posts whose outcomes are known."""

from __future__ import annotations

import argparse
import json
import math
import shlex
from pathlib import Path
from typing import Any

from virality_core.cli.arguments import add_profile, output_file
from virality_core.cli.output import refuse_overwriting, write
from virality_core.errors import InputError
from virality_core.files import read_regular

_FUSION = (
    "MANIFEST is a CSV with a header, or JSON lines. Columns: `outcome` (a count, such as likes); `reel` (a video, "
    "scored now, with `caption` if there is one) or `report` (the JSON that `virality score --json` wrote for it); "
    "`author` if there are several; `followers`. If every reel has `followers`, the effect of account size is removed "
    "from the outcomes first. Paths are relative to the manifest."
)
_HISTORY = (
    "POSTS is a CSV with a header (likes, comments, shares, saves or plays; optionally posted_at, caption, duration_s, "
    "followers, music_title), or the data export of Instagram or TikTok (JSON, or the ZIP as downloaded). Use the "
    "result with `virality score --history FILE`."
)


def add_parser(commands: Any) -> None:
    """Add the two commands."""
    text = "fit the shares of the score to reels whose outcomes you know"
    fusion = commands.add_parser("fit-fusion", help=text, description=_FUSION)
    fusion.add_argument("manifest", metavar="MANIFEST", type=Path, help="reels with outcomes, CSV or JSON lines")
    text = "where the fitted shares go (default: where the page finds them)"
    fusion.add_argument("--out", metavar="FILE", type=output_file, help=text)
    fusion.add_argument("--personal", action="store_true", help="the reels are one creator's")
    add_profile(fusion)
    fusion.set_defaults(run=run_fusion)

    text = "learn from your own past posts: how you usually do, and what goes with more"
    history = commands.add_parser("fit-history", help=text, description=_HISTORY)
    history.add_argument("posts", metavar="POSTS", type=Path, help="your posts, at least 10")
    history.add_argument("--out", metavar="FILE", type=output_file, required=True, help="where the fit goes, as JSON")
    history.set_defaults(run=run_history)


def run_fusion(args: argparse.Namespace) -> None:
    """Score, fit, write and summarize. Raises InputError or UsageError; then nothing is written."""
    from virality_core.score import Way, fitted_file
    from virality_core.training.score.fit import as_file, fit
    from virality_core.training.score.manifest import read_manifest

    way: Way = "personal" if args.personal else "learned"
    out = args.out or fitted_file(way)
    refuse_overwriting("--out", out, [args.manifest])
    learned = fit(read_manifest(args.manifest, profile=args.profile))
    if args.out is None:
        out.parent.mkdir(parents=True, exist_ok=True)
    write(out, json.dumps(as_file(learned, way), indent=1) + "\n")
    if args.out is None:
        print(f"Written to {out}. The page now offers these shares next to the default ones.")
    print(
        f"{learned.reels} reels: {learned.verdict}. Rank correlation with the outcome, out of fold: "
        f"{learned.spearman:.3f}; with the default shares: {learned.prior_spearman:.3f} "
        f"(95 % interval of the gain {learned.gain[0]:+.3f} to {learned.gain[1]:+.3f})."
    )
    for name, fitted in sorted(learned.shares.items(), key=lambda item: -item[1].share):
        print(f"  {name:14} {fitted.share:5.1%}  ({fitted.low:.1%} to {fitted.high:.1%}; default {fitted.prior:.1%})")


def run_history(args: argparse.Namespace) -> None:
    """Fit, write and summarize. Raises InputError or UsageError; then nothing is written."""
    from virality_core.forecast.model import bundled_model
    from virality_core.forecast.own_posts.reader import MAX_BYTES, read_own_posts
    from virality_core.forecast.own_posts_fit import fit_history, history_text, strongest_effects
    from virality_core.forecast.predict import DEFAULT_COLLECTION
    from virality_core.models.language.minilm import embed_captions

    refuse_overwriting("--out", args.out, [args.posts])
    try:
        data = read_regular(args.posts, MAX_BYTES)
    except OSError as error:
        raise InputError(f"{args.posts} can't be read ({error.strerror or error}).") from error
    own = read_own_posts(data, args.posts.name)
    history = fit_history(bundled_model(), DEFAULT_COLLECTION, own.facts, own.outcomes, embed_captions)
    write(args.out, history_text(history))
    for note in own.notes:
        print(note)
    for name, fit in history.targets.items():
        effects = ", ".join(f"{feature} (× {math.exp(effect):.2f})" for feature, effect in strongest_effects(fit))
        print(f"{name.capitalize()}, from {fit.posts} posts:")
        print(f"  your level: {math.exp(fit.shift):.2g} times that of the general model")
        print(
            f"  typical error when each post is predicted from the others: a factor of {math.exp(fit.loo_error):.2f}; "
            f"with the general model: {math.exp(fit.general_error):.2f}"
        )
        print(f"  linked to: {effects or 'nothing beyond chance'}")
    print(f"Written to {args.out}. Use it: virality score REEL --history {shlex.quote(str(args.out))}")

"""`virality weights list|pull|verify|add` and `virality push`: which weights there are, check them, add your own."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, get_args

from virality_core.cli.output import complain
from virality_core.errors import ViralityError, WeightsError
from virality_core.models import weights
from virality_core.types import Profile, to_plain

_MEGABYTE = 1_000_000


def add_parser(commands: Any) -> None:
    """Add the `weights` command with its three verbs to an argparse subparsers object."""
    parser = commands.add_parser("weights", help="list, fetch and check the model weights")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    listing = verbs.add_parser("list", help="every file of the manifest, where it is, and what each profile takes")
    listing.add_argument("--json", action="store_true", help="one JSON object a file and line")
    listing.set_defaults(run=run_list)

    pull = verbs.add_parser("pull", help="fetch files so that they are on this machine")
    pull.add_argument("ids", metavar="ID", nargs="*", help="ids of the manifest (default: all)")
    pull.add_argument("--profile", choices=get_args(Profile), help="fetch what this profile takes, of every component")
    pull.set_defaults(run=run_pull)

    verify = verbs.add_parser("verify", help="compute every digest anew and compare it with the manifest")
    verify.add_argument("ids", metavar="ID", nargs="*", help="ids of the manifest (default: all)")
    verify.set_defaults(run=run_verify)

    add = verbs.add_parser("add", help="make a trained virality run the app's model")
    add.add_argument("source", metavar="RUN_DIR|OWNER/NAME", help="what `virality train` wrote, or a hub repository")
    add.add_argument("--task", choices=("classification", "regression"), help="refuse a model for another task")
    add.set_defaults(run=run_add)

    push = commands.add_parser("push", help="send a trained virality run to the Hugging Face Hub, with a model card")
    push.add_argument("run_dir", metavar="RUN_DIR", type=Path, help="what `virality train` wrote")
    push.add_argument("repository", metavar="OWNER/NAME", help="the hub repository; made if need be")
    push.add_argument("--public", action="store_true", help="make a new repository public (default: private)")
    push.set_defaults(run=run_push)


def run_list(args: argparse.Namespace) -> int:
    """Print what the manifest says of each file, and where it is; asks no network."""
    for entry in weights.entries():
        path = weights.find(entry)
        if args.json:
            print(json.dumps({**to_plain(entry), "origin": _origin(entry), "path": str(path) if path else None}))
            continue
        size = f"{entry.size_bytes / _MEGABYTE:.1f} MB" if entry.size_bytes else "size unknown"
        which = entry.variant if weights.has_both_variants(entry.id) else "the same for lite and full"
        print(f"{entry.id}  ({entry.component}, {which}, {size})")
        print(f"  source   {_origin(entry)}")
        print(f"  sha256   {entry.sha256 or 'none stated: pinned by the commit'}")
        print(f"  licence  {entry.licence}")
        print(f"  here     {path or 'not on this machine'}")
    return 0


def _origin(entry: weights.Entry) -> str:
    if entry.source == "hub":
        return f"hub, {entry.repository} at commit {entry.revision}, {entry.file}"
    return f"url, {entry.url}" if entry.source == "url" else f"bundled, weights/{entry.file}"


def run_pull(args: argparse.Namespace) -> int:
    """Fetch files; what can't be had gets a sentence on stderr and the exit code 3 in the end."""
    exit_code = 0
    if args.profile:
        for component in dict.fromkeys(entry.component for entry in weights.entries()):
            try:
                files = weights.resolve_component(component, args.profile, _told)
            except WeightsError as error:
                exit_code = _say(error)
            else:
                print(f"{component}: {files.variant} ({files.reason})")
        return exit_code
    for entry in _asked(args.ids):
        try:
            print(f"{entry.id}  {weights.resolve(entry.id, _told)}")
        except WeightsError as error:
            exit_code = _say(error)
    return exit_code


def run_verify(args: argparse.Namespace) -> int:
    """Check files by content; a digest that differs, or an asked-for file that is missing, ends in the exit code 3."""
    exit_code = 0
    for entry in _asked(args.ids):
        try:
            path = weights.verify(entry)
        except WeightsError as error:
            exit_code = _say(error)
            continue
        needed = bool(args.ids) or entry.source == "bundled"
        if path is not None:
            state = "digest right" if entry.sha256 else "present (pinned by its commit, no digest stated)"
            print(f"{entry.id}  {state}  {path}")
        elif needed:
            exit_code = _say(WeightsError(f"The weights {entry.id} are not on this machine; try weights pull."))
        else:
            print(f"{entry.id}  not on this machine")
    return exit_code


def run_add(args: argparse.Namespace) -> int:
    """Make a run the app's model; returns 0. Raises WeightsError for a pickle, another architecture or task."""
    from virality_core.training.virality.publish import add  # torch loads here, not for --help

    task, place = add(args.source, args.task)
    print(f"The app's virality model for {task} is now {args.source}, kept in {place}; start the app anew if it runs.")
    return 0


def run_push(args: argparse.Namespace) -> int:
    """Send a run to the hub; returns 0. Raises WeightsError where it is refused."""
    from virality_core.training.virality.publish import push

    print(push(args.run_dir, args.repository, public=args.public))
    return 0


def _asked(ids: list[str]) -> list[weights.Entry]:
    return [weights.entry(identifier) for identifier in ids] if ids else list(weights.entries())


def _say(error: ViralityError) -> int:
    complain(error)
    return error.exit_code


def _told(stage: str, fraction: float) -> None:
    if sys.stderr.isatty():
        end = "\n" if fraction >= 1.0 else ""
        print(f"\r{stage}: {fraction:4.0%}", end=end, file=sys.stderr, flush=True)

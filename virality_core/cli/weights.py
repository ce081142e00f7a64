"""`virality weights list|pull|verify|add` and `virality push`: the model weights, also your own."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, get_args

from virality_core.cli.output import print_error
from virality_core.errors import WeightsError
from virality_core.models import weights
from virality_core.types import Profile, to_plain


def add_parser(commands: Any) -> None:
    """Add the `weights` and `push` commands."""
    parser = commands.add_parser("weights", help="list, download and check the model weights")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="list every file: its source, license and digest, and where it is")
    listing.add_argument("--json", action="store_true", help="one JSON object per file and line")
    listing.set_defaults(run=run_list)

    pull = actions.add_parser("pull", help="download files")
    pull.add_argument("ids", metavar="ID", nargs="*", help="ids from the list (default: all)")
    pull.add_argument("--profile", choices=get_args(Profile), help="download what this profile uses")
    pull.set_defaults(run=run_pull)

    verify = actions.add_parser("verify", help="compute the digests of the files and compare them with the list")
    verify.add_argument("ids", metavar="ID", nargs="*", help="ids from the list (default: all)")
    verify.set_defaults(run=run_verify)

    add = actions.add_parser("add", help="use a trained virality run in the app")
    add.add_argument("source", metavar="RUN_DIR|OWNER/NAME", help="what `virality train` wrote, or a hub repository")
    add.add_argument("--task", choices=("classification", "regression"), help="refuse a model for another task")
    add.set_defaults(run=run_add)

    push = commands.add_parser("push", help="upload a trained virality run to the Hugging Face Hub, with a model card")
    push.add_argument("run_dir", metavar="RUN_DIR", type=Path, help="what `virality train` wrote")
    push.add_argument("repository", metavar="OWNER/NAME", help="the hub repository; created if it doesn't exist")
    push.add_argument("--public", action="store_true", help="make a new repository public (default: private)")
    push.set_defaults(run=run_push)


def run_list(args: argparse.Namespace) -> None:
    """Print what the manifest says about each file, and where it is. Doesn't use the network."""
    for entry in weights.entries():
        path = weights.find(entry)
        origin = f"{entry.source}, {entry.url or f'weights/{entry.file}'}"
        if entry.source == "hub":
            origin = f"hub, {entry.repository} at commit {entry.revision}, {entry.file}"
        if args.json:
            print(json.dumps({**to_plain(entry), "origin": origin, "path": str(path) if path else None}))
            continue
        size = f"{entry.size_bytes / 1e6:.1f} MB" if entry.size_bytes else "size unknown"
        variant = entry.variant if weights.has_both_variants(entry.id) else "the same for lite and full"
        print(f"{entry.id}  ({entry.component}, {variant}, {size})")
        print(f"  source   {origin}")
        print(f"  sha256   {entry.sha256 or 'unknown; the commit pins the file'}")
        print(f"  license  {entry.licence}")
        print(f"  path     {path or 'not on this machine'}")


def run_pull(args: argparse.Namespace) -> int:
    """Download files; one that can't be had makes the exit code 3."""
    exit_code = 0
    if args.profile:
        for component in dict.fromkeys(entry.component for entry in weights.entries()):
            try:
                files = weights.resolve_component(component, args.profile, _print_progress)
                print(f"{component}: {files.variant} ({files.reason})")
            except WeightsError as error:
                exit_code = print_error(error)
        return exit_code
    for entry in _entries(args.ids):
        try:
            print(f"{entry.id}  {weights.resolve(entry.id, _print_progress)}")
        except WeightsError as error:
            exit_code = print_error(error)
    return exit_code


def run_verify(args: argparse.Namespace) -> int:
    """Check files by content; a wrong digest, or a missing file that was asked for, makes the exit code 3."""
    exit_code = 0
    for entry in _entries(args.ids):
        try:
            path = weights.verify(entry)
        except WeightsError as error:
            exit_code = print_error(error)
            continue
        if path is not None:
            state = "digest correct" if entry.sha256 else "present (digest unknown; the commit pins the file)"
            print(f"{entry.id}  {state}  {path}")
        elif args.ids or entry.source == "bundled":
            message = f"The weights {entry.id} are not on this machine; try `virality weights pull`."
            exit_code = print_error(WeightsError(message))
        else:
            print(f"{entry.id}  not on this machine")
    return exit_code


def run_add(args: argparse.Namespace) -> None:
    """Use a run in the app. Raises WeightsError for a pickle, or another architecture or task."""
    from virality_core.training.virality.publish import add  # imports torch

    task, folder = add(args.source, args.task)
    print(f"The app now uses {args.source} for {task}, kept in {folder}. Restart the app if it is running.")


def run_push(args: argparse.Namespace) -> None:
    """Upload a run to the hub. Raises WeightsError if it is refused."""
    from virality_core.training.virality.publish import push

    print(push(args.run_dir, args.repository, public=args.public))


def _entries(ids: list[str]) -> list[weights.Entry]:
    return [weights.entry(identifier) for identifier in ids] if ids else list(weights.entries())


def _print_progress(stage: str, fraction: float) -> None:
    if sys.stderr.isatty():
        end = "\n" if fraction >= 1.0 else ""
        print(f"\r{stage}: {fraction:4.0%}", end=end, file=sys.stderr, flush=True)

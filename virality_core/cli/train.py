"""`virality preprocess` and `virality train virality`: from a folder of videos and their counts to a trained run."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import Any

from virality_core.cli import train_engagement
from virality_core.cli.output import refuse_overwriting
from virality_core.errors import UsageError, WeightsError

#: The settings that are numbers (training/settings.py), here so that --help does not wait for torch.
NUMBERS: dict[str, tuple[type, str]] = {
    "clips": (int, "clips of a video in validation, test and service (default 5)"),
    "epochs": (int, "default 20"),
    "batch": (int, "clips of one forward pass of one process (default 8)"),
    "accumulate": (int, "forward passes of an optimizer step (default 4)"),
    "learning_rate": (float, "default 0.001"),
    "body_factor": (float, "a pretrained body's share of it (default 0.1)"),
    "weight_decay": (float, "default 0.01"),
    "warmup": (float, "share of the steps over which the rate rises (default 0.05)"),
    "clip_norm": (float, "the gradient's largest norm (default 1)"),
    "label_smoothing": (float, "classification (default 0.05)"),
    "stage_epochs": (int, "pretrained: epochs until one more stage learns; 0: all at once (default 1)"),
    "ema": (float, "of the weights that are kept; 0: the weights themselves (default 0.999)"),
    "patience": (int, "epochs without a better validation loss before it ends; 0: never (default 5)"),
    "save_steps": (int, "steps between two checkpoints within an epoch (default 200)"),
    "seed": (int, "default 0"),
    "workers": (int, "processes that decode (default 2)"),
}


def add_parser(commands: Any) -> None:
    """Add the `preprocess` and `train` commands to an argparse subparsers object."""
    prepare = commands.add_parser(
        "preprocess",
        help="make a training manifest from a scraper's JSON, a CSV, yt-dlp's info files or Instagram's export",
    )
    prepare.add_argument("sources", metavar="SOURCE", nargs="+", type=Path, help="JSON or CSV file, or a folder")
    prepare.add_argument("--videos", metavar="DIR", type=Path, required=True, help="where the videos are")
    prepare.add_argument("--out", metavar="DIR", type=Path, required=True, help="where the manifest goes")
    kinds = ("auto", "collector", "csv", "info-json", "instagram")
    prepare.add_argument("--kind", choices=kinds, default="auto", help="what the sources are (default: seen by them)")
    prepare.add_argument(
        "--map", metavar="OURS=THEIRS", action="append", default=[], help="a CSV's column: --map plays=views"
    )
    prepare.add_argument(
        "--weights", metavar="NAME=W,…", help="of the score (default likes=0.4,plays=0.3,shares=0.2,comments=0.1)"
    )
    prepare.add_argument(
        "--quantile", type=float, default=0.5, help="viral above this quantile of the training scores (default 0.5)"
    )
    prepare.add_argument("--split", choices=("author", "time"), default="author", help="how parts are made")
    prepare.add_argument("--seed", type=int, default=0, help="of the split (default 0)")
    prepare.set_defaults(run=run_preprocess)

    group = commands.add_parser("train", help="train a model on your own posts")
    what = group.add_subparsers(title="models", metavar="MODEL", required=True)
    train_engagement.add_parser(what)
    train = what.add_parser("virality", help="the virality network R(2+1)D on a manifest; goes on where it was stopped")
    train.add_argument("--data", metavar="DIR", type=Path, required=True, help="the folder `preprocess` wrote to")
    train.add_argument("--out", metavar="RUN_DIR", type=Path, required=True, help="the run's folder")
    train.add_argument("--task", choices=("classification", "regression"), required=True)
    train.add_argument("--videos", metavar="DIR", type=Path, help="where the videos are now, if they were moved")
    train.add_argument("--cache", metavar="DIR", type=Path, help="where decoded clips are kept (default RUN_DIR/cache)")
    train.add_argument("--device", help="cuda or cpu (default: cuda where there is one)")
    train.add_argument("--width", type=int, default=64, help="channels of the first stage (default 64: R(2+1)D-18)")
    train.add_argument("--blocks", default="2,2,2,2", help="blocks of the four stages (default 2,2,2,2)")
    train.add_argument("--dropout", type=float, default=0.3, help="before the last layer (default 0.3)")
    train.add_argument("--resize", default="128x171", help="height x width of the frames (default 128x171)")
    train.add_argument("--side", type=int, default=112, help="side of the middle square that is seen (default 112)")
    train.add_argument("--shape", choices=("squash", "crop"), default="squash", help="see models/clip_input.py")
    for name, (kind, text) in NUMBERS.items():
        train.add_argument(f"--{name.replace('_', '-')}", type=kind, default=None, help=text)
    train.add_argument("--padding", choices=("loop", "last"), default="loop", help="of reels shorter than a clip")
    train.add_argument("--from-scratch", action="store_true", help="don't ask for the Kinetics weights")
    train.add_argument("--no-mirror", action="store_true", help="don't mirror training clips")
    train.add_argument("--no-class-weights", action="store_true", help="let the larger class weigh more")
    train.add_argument("--shuffle-labels", action="store_true", help="control run: it must learn nothing")
    train.set_defaults(run=run_train)


def run_preprocess(args: argparse.Namespace) -> int:
    """Write the manifest; returns 0. Raises ViralityError where no post is left or the split can't be made."""
    check_packages()
    from virality_core.training.virality.label import WEIGHTS
    from virality_core.training.virality.manifest import MADE, ROWS
    from virality_core.training.virality.preprocess import PROBED, SKIPPED, Settings, preprocess

    given = {} if args.weights is None else _numbers_of(_pairs(args.weights.split(","), "--weights"))
    settings = Settings(
        weights=given or WEIGHTS,
        quantile=args.quantile,
        split=args.split,
        seed=args.seed,
        kind=args.kind,
        mapping=_pairs(args.map, "--map"),
    )
    for name in (ROWS, MADE, PROBED, SKIPPED):
        refuse_overwriting("--out", args.out / name, args.sources)
    result = preprocess(args.sources, args.videos, args.out, settings, _tell)
    for note in result.notes:
        print(note)
    parts = ", ".join(f"{count} {part}" for part, count in result.parts.items())
    left_out = f"; {len(result.skipped)} left out, see {args.out / SKIPPED}" if result.skipped else ""
    print(f"{sum(result.parts.values())} videos: {parts}{left_out}.")
    return 0


def run_train(args: argparse.Namespace) -> int:
    """Train; returns 0. Under `accelerate launch` every process runs this."""
    check_packages()
    from virality_core.models.vision.r2plus1d import Architecture, ClipInput
    from virality_core.training.virality import manifest
    from virality_core.training.virality.settings import TrainSettings
    from virality_core.training.virality.train import train

    given = {name: getattr(args, name) for name in NUMBERS if getattr(args, name) is not None}
    blocks, resize = _whole(args.blocks, ",", 4, "--blocks"), _whole(args.resize, "x", 2, "--resize")
    try:
        architecture = Architecture(width=args.width, blocks=blocks, dropout=args.dropout)  # type: ignore[arg-type]
        clips = ClipInput(resize=resize, side=args.side, shape=args.shape)  # type: ignore[arg-type]
    except WeightsError as error:  # what is wrong with a checkpoint there, is wrong with an option here
        raise UsageError(str(error)) from error
    settings = TrainSettings(
        task=args.task,
        architecture=architecture,
        input=clips,
        padding=args.padding,
        mirror=not args.no_mirror,
        class_weights=not args.no_class_weights,
        pretrained=not args.from_scratch,
        shuffle_labels=args.shuffle_labels,
        **given,
    )
    data = manifest.read(args.data, args.videos)
    train(data, settings, args.out, cache=args.cache or args.out / "cache", device=args.device, say=_tell)
    print(f"The run is in {args.out}: next, virality evaluate virality {args.out} --data {args.data}.")
    return 0


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        ours, equals, theirs = text.partition("=")
        if not equals or not ours.strip() or not theirs.strip():
            raise UsageError(f"{option} takes NAME=VALUE, not {text!r}.")
        pairs[ours.strip()] = theirs.strip()
    return pairs


def _numbers_of(pairs: dict[str, str]) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in pairs.items()}
    except ValueError:
        raise UsageError(f"--weights takes numbers, as in likes=0.4,plays=0.6, not {pairs}.") from None


def _whole(text: str, mark: str, count: int, option: str) -> tuple[int, ...]:
    parts = text.split(mark)
    if len(parts) != count or not all(part.strip().isdecimal() for part in parts):
        raise UsageError(f"{option} takes {count} whole numbers parted by “{mark}”, not {text!r}.")
    return tuple(int(part) for part in parts)


def check_packages() -> None:
    """Raise UsageError unless everything that training and evaluation need is installed."""
    needed = {"accelerate": "accelerate", "pyarrow": "pyarrow", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}
    needed["seaborn"] = "seaborn"
    missing = [package for module, package in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise UsageError(f"This needs {', '.join(missing)}; install what training needs: pip install '.[train]'.")


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)

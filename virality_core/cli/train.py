"""`virality preprocess` and `virality train MODEL`: from posts to a trained model."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from virality_core.cli.output import refuse_overwriting
from virality_core.errors import InputError, UsageError, WeightsError

#: The numeric fields of `TrainSettings`, repeated here so that --help doesn't have to import torch.
NUMBERS: dict[str, tuple[type, str]] = {
    "clips": (int, "clips per video for validation, test and prediction (default 5)"),
    "epochs": (int, "default 20"),
    "batch": (int, "clips per forward pass and process (default 8)"),
    "accumulate": (int, "forward passes per optimizer step (default 4)"),
    "learning_rate": (float, "default 0.001"),
    "body_factor": (float, "learning rate of a pretrained body, as a share of it (default 0.1)"),
    "weight_decay": (float, "default 0.01"),
    "warmup": (float, "share of the steps over which the learning rate rises (default 0.05)"),
    "clip_norm": (float, "largest norm of the gradient (default 1)"),
    "label_smoothing": (float, "for classification (default 0.05)"),
    "stage_epochs": (int, "epochs until one more pretrained stage is trained; 0: all at once (default 1)"),
    "ema": (float, "decay of the averaged weights; 0: no averaging (default 0.999)"),
    "patience": (int, "stop after this many epochs without a better validation loss; 0: never (default 5)"),
    "save_steps": (int, "steps between checkpoints within an epoch (default 200)"),
    "seed": (int, "default 0"),
    "workers": (int, "processes that decode videos (default 2)"),
}


def add_parser(commands: Any) -> None:
    """Add the `preprocess` and `train` commands."""
    text = "make a training manifest from a scraper's JSON, a CSV, yt-dlp's info files or Instagram's export"
    prepare = commands.add_parser("preprocess", help=text)
    add = prepare.add_argument
    add("sources", metavar="SOURCE", nargs="+", type=Path, help="a JSON or CSV file, or a folder")
    add("--videos", metavar="DIR", type=Path, required=True, help="where the videos are")
    add("--out", metavar="DIR", type=Path, required=True, help="where the manifest goes")
    kinds = ("auto", "collector", "csv", "info-json", "instagram")
    add("--kind", choices=kinds, default="auto", help="kind of the sources (default: detected)")
    add("--map", metavar="OURS=THEIRS", action="append", default=[], help="a column of a CSV: --map plays=views")
    text = "weights of the counts in the label (default likes=0.4,plays=0.3,shares=0.2,comments=0.1)"
    add("--weights", metavar="NAME=W,…", help=text)
    text = "a post is viral above this quantile of the training part (default 0.5)"
    add("--quantile", type=float, default=0.5, help=text)
    add("--split", choices=("author", "time"), default="author", help="how to split the posts (default author)")
    add("--seed", type=int, default=0, help="of the split (default 0)")
    prepare.set_defaults(run=run_preprocess)

    group = commands.add_parser("train", help="train a model on your own posts")
    models = group.add_subparsers(title="models", metavar="MODEL", required=True)
    engagement = models.add_parser(
        "engagement",
        help="predicted likes, comments, shares, saves, plays and popularity, on posts as JSON lines",
        description="Writes model.safetensors, model.json and metrics.json, with the figures on held-out authors.",
    )
    add = engagement.add_argument
    add("--data", metavar="FILE", type=Path, nargs="+", required=True, help="posts: .jsonl or .jsonl.gz")
    add("--out", metavar="FOLDER", type=Path, required=True, help="where the files go")
    text = "write only ablation.json: what each group of features adds"
    add("--ablation", action="store_true", help=text)
    text = "write only coverage.json: how often intervals hold if there are few authors, from DRAWS random subsets"
    add("--coverage", metavar="DRAWS", type=int, help=text)
    engagement.set_defaults(run=run_engagement)

    text = "the virality network R(2+1)D on a manifest; continues a run that was stopped"
    virality = models.add_parser("virality", help=text)
    add = virality.add_argument
    add_run_options(virality, cache="where decoded clips are kept (default RUN_DIR/cache)")
    add("--out", metavar="RUN_DIR", type=Path, required=True, help="folder of the run")
    add("--task", choices=("classification", "regression"), required=True)
    add("--width", type=int, default=64, help="channels of the first stage (default 64: R(2+1)D-18)")
    add("--blocks", default="2,2,2,2", help="blocks of the four stages (default 2,2,2,2)")
    add("--dropout", type=float, default=0.3, help="before the last layer (default 0.3)")
    add("--resize", default="128x171", help="height x width of the frames (default 128x171)")
    add("--side", type=int, default=112, help="side of the center square that is used (default 112)")
    text = "fit frames into the size by squashing (default) or by cropping"
    add("--shape", choices=("squash", "crop"), default="squash", help=text)
    for name, (kind, text) in NUMBERS.items():
        add(f"--{name.replace('_', '-')}", type=kind, default=None, help=text)
    add("--padding", choices=("loop", "last"), default="loop", help="of reels shorter than a clip (default loop)")
    add("--from-scratch", dest="pretrained", action="store_false", help="don't start from the Kinetics weights")
    add("--no-mirror", dest="mirror", action="store_false", help="don't mirror training clips")
    add("--no-class-weights", dest="class_weights", action="store_false", help="don't balance the classes")
    add("--shuffle-labels", action="store_true", help="a control: it must learn nothing")
    virality.set_defaults(run=run_virality)


def add_run_options(parser: argparse.ArgumentParser, *, cache: str) -> None:
    """Add the options that training and evaluating a virality run share."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the folder `preprocess` wrote to")
    parser.add_argument("--videos", metavar="DIR", type=Path, help="where the videos are, if they were moved")
    parser.add_argument("--cache", metavar="DIR", type=Path, help=cache)
    parser.add_argument("--device", help="cuda or cpu (default: cuda if there is one)")


def run_preprocess(args: argparse.Namespace) -> None:
    """Write the manifest. Raises ViralityError if no post can be used or the split can't be made."""
    check_packages()
    from virality_core.training.virality.label import WEIGHTS
    from virality_core.training.virality.manifest import METADATA, ROWS
    from virality_core.training.virality.preprocess import PROBED, SKIPPED, Settings, preprocess

    weights = {} if args.weights is None else _floats(_pairs(args.weights.split(","), "--weights"))
    given = {name: getattr(args, name) for name in ("quantile", "split", "seed", "kind")}
    settings = Settings(weights=weights or WEIGHTS, mapping=_pairs(args.map, "--map"), **given)
    for name in (ROWS, METADATA, PROBED, SKIPPED):
        refuse_overwriting("--out", args.out / name, args.sources)
    result = preprocess(args.sources, args.videos, args.out, settings, _print_progress)
    for note in result.notes:
        print(note)
    parts = ", ".join(f"{count} {part}" for part, count in result.parts.items())
    skipped = f"; {len(result.skipped)} skipped, see {args.out / SKIPPED}" if result.skipped else ""
    print(f"{sum(result.parts.values())} videos: {parts}{skipped}.")


def run_engagement(args: argparse.Namespace) -> None:
    """Fit on all but the test authors, measure on those, write. Raises InputError, UsageError."""
    from virality_core.forecast.model import EngagementModel
    from virality_core.training.forecast import train as engagement
    from virality_core.training.forecast.fit import Recipe
    from virality_core.training.forecast.validation import ablation, coverage

    if args.coverage is not None and args.coverage < 1:
        raise UsageError(f"--coverage must be 1 or more draws, not {args.coverage}.")
    for name in ("metrics.json", "model.json", "model.safetensors", "ablation.json", "coverage.json"):
        refuse_overwriting("--out", args.out / name, args.data)

    def say(line: str) -> None:
        print(line, flush=True)

    posts = engagement.read_all(args.data)
    train = [post for post in posts if not engagement.is_test(post)]
    if args.ablation:
        files = {"ablation.json": engagement.as_json(ablation(train, Recipe(), say=say))}
    elif args.coverage is not None:
        files = {"coverage.json": engagement.as_json(coverage(train, Recipe(), args.coverage, say=say))}
    else:
        tensors, stated = engagement.fit_all(train, Recipe(), say=say)
        metrics = engagement.evaluate(EngagementModel(tensors, stated), [p for p in posts if engagement.is_test(p)])
        files = {
            "metrics.json": engagement.as_json(metrics),
            "model.safetensors": engagement.model_bytes(tensors),
            "model.json": engagement.as_json(stated),
        }
    for name, data in files.items():
        try:
            engagement.write(args.out / name, data)
        except OSError as error:
            raise InputError(f"{args.out} can't be written ({error.strerror or error}).") from error
        if name.startswith("model"):
            print(f"{name}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


def run_virality(args: argparse.Namespace) -> None:
    """Train. Under `accelerate launch` every process runs this."""
    check_packages()
    from virality_core.models.vision.r2plus1d import Architecture, ClipInput
    from virality_core.training.virality import manifest
    from virality_core.training.virality.settings import TrainSettings
    from virality_core.training.virality.train import train

    blocks, resize = _integers(args.blocks, ",", 4, "--blocks"), _integers(args.resize, "x", 2, "--resize")
    try:
        architecture = Architecture(width=args.width, blocks=blocks, dropout=args.dropout)  # type: ignore[arg-type]
        clips = ClipInput(resize=resize, side=args.side, shape=args.shape)  # type: ignore[arg-type]
    except WeightsError as error:  # these classes also check a checkpoint; here an option is wrong
        raise UsageError(str(error)) from error
    names = ("task", "padding", "mirror", "class_weights", "pretrained", "shuffle_labels", *NUMBERS)
    given = {name: value for name in names if (value := getattr(args, name)) is not None}
    settings = TrainSettings(architecture=architecture, input=clips, **given)
    data, cache = manifest.read(args.data, args.videos), args.cache or args.out / "cache"
    train(data, settings, args.out, cache=cache, device=args.device, say=_print_progress)
    print(f"The run is in {args.out}. Next: virality evaluate virality {args.out} --data {args.data}")


def check_packages() -> None:
    """Raise UsageError unless everything that training and evaluation need is installed."""
    packages = {"sklearn": "scikit-learn", "vl_convert": "vl-convert-python"}
    modules = ("accelerate", "pyarrow", "sklearn", "altair", "vl_convert")
    missing = [packages.get(name, name) for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"This needs {', '.join(missing)}: pip install '.[train]'.")


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise UsageError(f"{option} takes NAME=VALUE, not {text!r}.")
        pairs[name.strip()] = value.strip()
    return pairs


def _floats(pairs: dict[str, str]) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in pairs.items()}
    except ValueError:
        raise UsageError(f"--weights takes numbers, as in likes=0.4,plays=0.6, not {pairs}.") from None


def _integers(text: str, separator: str, count: int, option: str) -> tuple[int, ...]:
    parts = text.split(separator)
    if len(parts) != count or not all(part.strip().isdecimal() for part in parts):
        raise UsageError(f"{option} takes {count} whole numbers separated by “{separator}”, not {text!r}.")
    return tuple(int(part) for part in parts)


def _print_progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)

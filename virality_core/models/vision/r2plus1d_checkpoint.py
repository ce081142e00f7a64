"""A trained virality network on disk: `model.safetensors`, and `model.json`, which describes it.

Nothing that can run code is ever read: a pickle is refused by its name and by its content.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from safetensors.torch import save_file
from torch import Tensor, nn

from virality_core.errors import WeightsError
from virality_core.files import read_regular, write_atomically
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision.r2plus1d import Architecture, ClipInput, Padding, build
from virality_core.models.weights.cache import sha256

Task = Literal["classification", "regression"]
TENSORS = "model.safetensors"
CARD = "model.json"
SCHEMA = 1
QUANTILES = 99  # the 1 % to 99 % quantiles of the answers for held-out posts
_MAX_JSON_BYTES = 1 << 20
_MAX_VALUE = 1e12  # no count or score is larger; NaN is refused, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a checkpoint's JSON states.

    `centre` and `spread` turn the network's output into the answer: a regression's score is centre + spread × output
    (the training scores' mean and deviation); a classification's probability is the output's sigmoid. `quantiles` are
    those of the answers for `held_out` posts of the validation part.
    """

    task: Task
    architecture: Architecture
    input: ClipInput
    padding: Padding = "loop"
    clips: int = 5
    centre: float = 0.0
    spread: float = 1.0
    quantiles: tuple[float, ...] = ()
    held_out: int = 0
    data: dict[str, Any] = field(
        default_factory=dict
    )  # of the manifest: weights, ranges, threshold, sizes of the parts
    training: dict[str, Any] = field(default_factory=dict)  # settings, epoch, seed, initial weights

    def __post_init__(self) -> None:
        numbers = (self.centre, self.spread, *self.quantiles)
        counts = (self.clips, self.held_out)
        valid = (
            self.task in get_args(Task)
            and self.padding in get_args(Padding)
            and all(type(count) is int for count in counts)
            and 1 <= self.clips <= 32
            and 0 <= self.held_out <= _MAX_VALUE
            and all(type(number) in (int, float) and abs(number) <= _MAX_VALUE for number in numbers)
            and len(self.quantiles) in (0, QUANTILES)
            and list(self.quantiles) == sorted(self.quantiles)
            and self.architecture.outputs == 1
        )
        if not valid:
            raise WeightsError("The checkpoint's JSON states values that no virality network has.")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        nested = {"architecture": self.architecture.to_dict(), "input": self.input.to_dict()}
        return {"schema": SCHEMA, **asdict(self), **nested, "quantiles": list(self.quantiles)}


def save(folder: Path, tensors: dict[str, Tensor], card: Card) -> None:
    """Write both files, each complete or not at all; the JSON, written last, holds the tensors' digest."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{TENSORS}.part"
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, part)
    digest = sha256(part)
    os.replace(part, folder / TENSORS)
    write_json(folder / CARD, {**card.to_dict(), "sha256": digest})


def write_json(path: Path, plain: dict[str, Any]) -> None:
    """Write a JSON file completely or not at all."""
    write_atomically(path, json.dumps(plain, indent=1, allow_nan=False) + "\n")


def read_card(path: Path) -> tuple[Card, str]:
    """The card, and the sha256 that its tensors must have.

    Raises:
        WeightsError: the file can't be read, or states another architecture or task, or impossible values.
    """
    try:
        plain = json.loads(read_regular(path, _MAX_JSON_BYTES).decode("utf-8"), parse_constant=_refuse)
    except FileNotFoundError:
        raise WeightsError(f"There is no {path.name} in {path.parent}; a run of `virality train` has one.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path.name} can't be read as a checkpoint's JSON.") from error
    if not isinstance(plain, dict) or plain.get("schema") != SCHEMA:
        raise WeightsError(f"{path.name} is not a virality checkpoint's JSON of schema {SCHEMA}.")
    architecture, clip_input = plain.get("architecture"), plain.get("input")
    nested = {"architecture": Architecture.from_dict(architecture), "input": ClipInput.from_dict(clip_input)}
    try:
        values = {item.name: plain[item.name] for item in fields(Card)} | nested
        for name, kind in (("quantiles", tuple), ("data", dict), ("training", dict)):
            values[name] = kind(values[name])
        card = Card(**values)
        return card, str(plain["sha256"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path.name} lacks or misstates {error}.") from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def load(folder: Path) -> tuple[nn.Module, Card]:
    """The network of a folder, for inference. Raises WeightsError for anything but what `save` writes."""
    path = folder / TENSORS
    if not folder.is_dir():
        raise WeightsError(f"There is no folder {folder}; name a run of `virality train`.")
    if not path.is_file():
        suffixes = {".pt", ".pth", ".bin", ".pkl", ".ckpt"}
        pickles = [file.name for file in sorted(folder.iterdir()) if file.suffix in suffixes]
        why = f"; {pickles[0]} is a pickle, which could run code and is not read" if pickles else ""
        raise WeightsError(f"There is no {TENSORS} in {folder}{why}.")
    card, digest = read_card(folder / CARD)
    if sha256(path) != digest:
        raise WeightsError(f"{TENSORS} in {folder} is not the file that {CARD} was written for.")
    return build(load_tensors(path), card.architecture), card

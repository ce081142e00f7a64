"""A trained virality network on disk: `model.safetensors` beside `model.json`, which says what it is and answers.

Nothing that can run code is ever read: a pickle is refused by its name and by its content.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from virality_core.errors import WeightsError
from virality_core.files import open_regular
from virality_core.models.vision.r2plus1d import Architecture, R2Plus1D, architecture_from, build
from virality_core.models.vision.r2plus1d_preprocess import ClipInput, Padding, clip_input_from

Task = Literal["classification", "regression"]
TENSORS = "model.safetensors"
CARD = "model.json"
SCHEMA = 1
QUANTILES = 99  # the 1 % to 99 % quantiles of what the network says about held-out posts
_MAX_JSON_BYTES = 1 << 20
_MOST = 1e12  # no count or score is beyond; NaN is not within either


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a checkpoint's JSON states.

    `centre` and `spread` turn the network's output into the answer: a regression's score is centre + spread × output
    (they are the training scores' mean and deviation); a classification's probability is the output's sigmoid.
    `quantiles` are those of the answers for `held_out` posts of the validation part.
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
    training: dict[str, Any] = field(default_factory=dict)  # settings, epoch, seed, what it began with

    def __post_init__(self) -> None:
        numbers = (self.centre, self.spread, *self.quantiles)
        counts = (self.clips, self.held_out)
        right = (
            self.task in get_args(Task)
            and self.padding in get_args(Padding)
            and all(type(one) is int for one in counts)
            and 1 <= self.clips <= 32
            and 0 <= self.held_out <= _MOST
            and all(type(one) in (int, float) and abs(one) <= _MOST for one in numbers)
            and len(self.quantiles) in (0, QUANTILES)
            and list(self.quantiles) == sorted(self.quantiles)
            and self.architecture.outputs == 1
        )
        if not right:
            raise WeightsError("The checkpoint's JSON states what no virality network has.")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "schema": SCHEMA,
            "task": self.task,
            "architecture": self.architecture.to_dict(),
            "input": self.input.to_dict(),
            "padding": self.padding,
            "clips": self.clips,
            "centre": self.centre,
            "spread": self.spread,
            "quantiles": list(self.quantiles),
            "held_out": self.held_out,
            "data": self.data,
            "training": self.training,
        }


def save(folder: Path, tensors: dict[str, Tensor], card: Card) -> None:
    """Write both files, each whole or not at all; the JSON, written last, holds the tensors' digest."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{TENSORS}.part"
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, part)
    digest = sha256(part)
    os.replace(part, folder / TENSORS)
    write_json(folder / CARD, {**card.to_dict(), "sha256": digest})


def write_json(path: Path, plain: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(plain, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(part, path)


def read_card(path: Path) -> tuple[Card, str]:
    """The card and the sha256 that its tensors must have.

    Raises:
        WeightsError: the file is none, or states another architecture, task or what there can't be.
    """
    try:
        with open_regular(path) as file:
            text = file.read(_MAX_JSON_BYTES + 1)
        if len(text) > _MAX_JSON_BYTES:
            raise WeightsError(f"{path.name} is too large for a checkpoint's JSON.")
        plain = json.loads(text.decode("utf-8"), parse_constant=_no_number)
    except FileNotFoundError:
        raise WeightsError(f"There is no {path.name} in {path.parent}; a run of `virality train` has one.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path.name} can't be read as a checkpoint's JSON.") from error
    if not isinstance(plain, dict) or plain.get("schema") != SCHEMA:
        raise WeightsError(f"{path.name} is not a virality checkpoint's JSON of schema {SCHEMA}.")
    architecture, how = architecture_from(plain.get("architecture")), clip_input_from(plain.get("input"))
    try:
        card = Card(
            task=plain["task"],
            architecture=architecture,
            input=how,
            padding=plain["padding"],
            clips=plain["clips"],
            centre=plain["centre"],
            spread=plain["spread"],
            quantiles=tuple(plain["quantiles"]),
            held_out=plain["held_out"],
            data=dict(plain["data"]),
            training=dict(plain["training"]),
        )
        return card, str(plain["sha256"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path.name} lacks or misstates {error}.") from error


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def load(folder: Path) -> tuple[R2Plus1D, Card]:
    """The network of a folder, for inference. Raises WeightsError for anything but what `save` writes."""
    path = folder / TENSORS
    if not folder.is_dir():
        raise WeightsError(f"There is no folder {folder}; name a run of `virality train`.")
    if not path.is_file():
        pickles = [
            one.name for one in sorted(folder.iterdir()) if one.suffix in {".pt", ".pth", ".bin", ".pkl", ".ckpt"}
        ]
        why = f"; {pickles[0]} is a pickle, which could run code and is not read" if pickles else ""
        raise WeightsError(f"There is no {TENSORS} in {folder}{why}.")
    card, digest = read_card(folder / CARD)
    if sha256(path) != digest:
        raise WeightsError(f"{TENSORS} in {folder} is not the file that {CARD} was written for.")
    return build(tensors_of(path), card.architecture), card


def tensors_of(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; anything else, a pickle above all, raises WeightsError."""
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"{path.name} is no safetensors file (a pickle, which could run code, is never read)."
        ) from error


def sha256(path: Path) -> str:
    """The file's digest as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

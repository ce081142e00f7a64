"""What a run writes while it goes on: the state to resume from, the logs, TensorBoard's events."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from virality_core.errors import InputError
from virality_core.files import open_regular, read_regular
from virality_core.models.vision.r2plus1d_checkpoint import write_json

STATE = "state.json"
STEPS, EPOCHS = "steps.csv", "epochs.csv"
STEP_COLUMNS = ("step", "epoch", "rate", "loss", "gradient_norm")
EPOCH_COLUMNS = ("epoch", "step", "train_loss", "val_loss", "val_figure")
_MAX_BYTES = 10_000_000  # of the state's JSON, which is a page of figures


def save_state(
    folder: Path,
    network: nn.Module,
    average: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
) -> None:
    """Write all that a run needs to continue, as safetensors and JSON. The last state stays until the new one is
    complete."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in values.items()}
    name = f"state-{state['step']}.safetensors"
    part = folder / f".{name}.part"
    try:
        save_file({key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()}, part)
        os.replace(part, folder / name)
    finally:
        part.unlink(missing_ok=True)
    write_json(folder / STATE, {**state, "file": name})
    for old in folder.glob("state-*.safetensors"):
        if old.name != name:
            old.unlink()


def load_state(folder: Path, device: torch.device) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """The run's state and its tensors; None for a new run. Raises InputError for a damaged state."""
    path = folder / STATE
    if not path.exists():
        return None
    try:
        state = json.loads(read_regular(path, _MAX_BYTES))
        file = folder / Path(str(state["file"])).name
        open_regular(file).close()
        return state, load_file(file, device=str(device))
    except (OSError, ValueError, TypeError, KeyError, SafetensorError) as error:
        raise InputError(f"The state in {folder} can't be read; start again in another folder.") from error


def restore(
    network: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    """Put a saved state back."""
    network.load_state_dict(_under("network.", tensors))
    average.update(_under("average.", tensors))
    values: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        index, _, key = name.partition(".")
        values.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": values})


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


class Log:
    """A CSV of steps, one of epochs, and TensorBoard's events where tensorboard is installed.

    A resumed run drops the rows after its state, so that no step is logged twice.
    """

    def __init__(self, folder: Path, step: int) -> None:
        """Continue after `step`."""
        self._folder = folder
        for name, columns in ((STEPS, STEP_COLUMNS), (EPOCHS, EPOCH_COLUMNS)):
            rows = [row for row in read_log(folder / name) if int(row["step"]) <= step]
            part = folder / f".{name}.part"
            with part.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(rows)
            os.replace(part, folder / name)
        self._board: Any = None
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def add(self, name: str, columns: Sequence[str], values: Mapping[str, float]) -> None:
        """Append a row to one of the two files; numbers as `repr`, so that reading gives the same."""
        with (self._folder / name).open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, columns).writerow({column: repr(values[column]) for column in columns})
        if self._board is not None:
            for column in columns[2:]:
                self._board.add_scalar(f"{name.removesuffix('.csv')}/{column}", values[column], int(values["step"]))

    def close(self) -> None:
        """Write out what is pending."""
        if self._board is not None:
            self._board.close()


def read_log(path: Path) -> list[dict[str, str]]:
    """The complete rows of a log; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [row for row in rows if None not in row.values() and None not in row and row["step"].isdigit()]

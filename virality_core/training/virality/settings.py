"""The settings of a training run, written into its folder and its checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from virality_core.errors import UsageError
from virality_core.models.vision.r2plus1d import Architecture, ClipInput, Padding
from virality_core.models.vision.r2plus1d_checkpoint import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """The defaults are for some thousand videos on one GPU; every value can be set on the command line."""

    task: Task = "classification"
    architecture: Architecture = field(default_factory=Architecture)
    input: ClipInput = field(default_factory=ClipInput)
    padding: Padding = "loop"
    clips: int = 5  # fixed clips per video in validation, test and prediction
    mirror: bool = True
    epochs: int = 20
    batch: int = 8  # clips per micro-batch: of one process, in one forward pass
    accumulate: int = 4  # micro-batches per optimizer step
    learning_rate: float = 1e-3  # of the head, and of all layers where nothing was pretrained
    body_factor: float = 0.1  # the pretrained body's learning rate as a share of that
    weight_decay: float = 0.01
    warmup: float = 0.05  # share of all steps over which the rate rises
    clip_norm: float = 1.0  # the gradient's largest norm
    label_smoothing: float = 0.05  # classification: 0 becomes 0.025, 1 becomes 0.975
    class_weights: bool = True  # classification: both classes weigh the same in total
    stage_epochs: int = 1  # pretrained: the head alone, then one stage more every this many epochs; 0: all at once
    ema: float = 0.999  # decay of the averaged weights, which are validated and kept; 0: no averaging
    patience: int = 5  # stop after this many epochs without a better validation loss; 0: never
    save_steps: int = 200  # optimizer steps between two checkpoints
    seed: int = 0
    workers: int = 2
    pretrained: bool = True  # start with the Kinetics-400 weights where they are available
    shuffle_labels: bool = False  # the control run: it must learn nothing

    def __post_init__(self) -> None:
        checks = {
            "task": self.task in get_args(Task),
            "padding": self.padding in get_args(Padding),
            "clips": 1 <= self.clips <= 32,
            "epochs": 1 <= self.epochs <= 10_000,
            "batch": 1 <= self.batch <= 4096,
            "accumulate": 1 <= self.accumulate <= 4096,
            "learning_rate": 0 < self.learning_rate <= 10,
            "body_factor": 0 <= self.body_factor <= 1,
            "weight_decay": 0 <= self.weight_decay <= 1,
            "warmup": 0 <= self.warmup <= 1,
            "clip_norm": 0 < self.clip_norm <= 1e6,
            "label_smoothing": 0 <= self.label_smoothing < 1,
            "stage_epochs": 0 <= self.stage_epochs <= 10_000,
            "ema": 0 <= self.ema < 1,
            "patience": 0 <= self.patience <= 10_000,
            "save_steps": 1 <= self.save_steps <= 10**9,
            "seed": 0 <= self.seed < 2**31,
            "workers": 0 <= self.workers <= 256,
        }
        for name, valid in checks.items():
            if not valid:
                raise UsageError(f"Training can't run with {name} = {getattr(self, name)!r}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "architecture": self.architecture.to_dict(), "input": self.input.to_dict()}

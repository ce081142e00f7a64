"""One process of several: `python -m tests.training.virality.gradients_of OUT DATA ACCUMULATE`, as the variables say.

Writes the gradients of one step of `accumulate` micro-batches, and trains three epochs; the test compares with one
process.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import save_file

from tests.training.virality.material import tiny
from virality_core.models.vision.r2plus1d import Architecture, r2plus1d
from virality_core.training.virality import manifest
from virality_core.training.virality import train as loop
from virality_core.training.virality.dataset import VideoDataset, epoch_batches, loader
from virality_core.training.virality.objective import objective_of
from virality_core.training.virality.settings import TrainSettings
from virality_core.training.virality.train import accumulate_gradients

NETWORK = Architecture(width=4, blocks=(1, 1, 1, 1), dropout=0.0)
STEP = 4  # micro-batches of all processes together


def gradients(data: manifest.Manifest) -> tuple[dict[str, torch.Tensor], float]:
    """The gradients and the loss of one step, as this process sees them."""
    accelerator = Accelerator(cpu=True)
    torch.manual_seed(0)
    network = r2plus1d(NETWORK)
    model = accelerator.prepare_model(network)
    how = tiny(task="regression")
    rows = data.part("train")
    batches = epoch_batches(
        len(rows),
        batch=2,
        steps=1,
        accumulate=STEP // accelerator.num_processes,
        processes=accelerator.num_processes,
        process=accelerator.process_index,
        seed=5,
        epoch=0,
    )
    clips = VideoDataset(rows, data.videos, how.input, training=True)
    loss = accumulate_gradients(accelerator, model, list(loader(clips, batches)), objective_of(rows, how))
    return {name: one.grad for name, one in network.named_parameters() if one.grad is not None}, loss


def main() -> None:
    out, data = Path(sys.argv[1]), manifest.read(Path(sys.argv[2]))
    found, loss = gradients(data)
    process = Accelerator(cpu=True).process_index
    save_file({**found, "loss": torch.tensor(loss)}, out / f"gradients-{process}.safetensors")
    loop.begin_with_kinetics = as_if_pretrained  # type: ignore[assignment]
    loop.train(data, thawing(accumulate=int(sys.argv[3])), out / "run", device="cpu")


def as_if_pretrained(network: torch.nn.Module) -> tuple[bool, str]:
    """A body worth freezing, so that stages thaw and the processes are told anew what learns."""
    _ = network
    return True, "As if pretrained."


def thawing(accumulate: int) -> TrainSettings:
    """Three epochs: the head alone, then one stage more, then two."""
    return replace(tiny(accumulate=accumulate, pretrained=True), architecture=NETWORK)


if __name__ == "__main__":
    main()

"""Trains R(2+1)D on a manifest: one loop, to be read from top to bottom. `virality train virality` runs it.

With `accelerate launch` it runs on several devices or machines: each process takes its share of a step's batches.
Nothing in it draws from a state that would be lost in a kill: every draw hangs on the seed, the step and the process.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from virality_core.errors import InputError, UsageError
from virality_core.files import usable
from virality_core.models import device as devices
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.models.vision.r2plus1d import normalize, on_device, r2plus1d
from virality_core.models.vision.r2plus1d_checkpoint import Card
from virality_core.training.virality.checkpoints import (
    EPOCH_COLUMNS,
    EPOCHS,
    STATE,
    STEP_COLUMNS,
    STEPS,
    Log,
    load_state,
    restore,
    save_state,
)
from virality_core.training.virality.dataset import VideoDataset, epoch_batches, loader
from virality_core.training.virality.manifest import Manifest
from virality_core.training.virality.objective import Objective, objective_of, parameter_groups, rate_at, set_trainable
from virality_core.training.virality.pretrained import begin_with_kinetics
from virality_core.training.virality.settings import TrainSettings
from virality_core.training.virality.validation import figure_of, validate
from virality_core.version import __version__

SETTINGS = "settings.json"
Say = Callable[[str], None]


def train(
    manifest: Manifest,
    settings: TrainSettings,
    run: Path,
    *,
    cache: Path | None = None,
    device: str | None = None,
    say: Say | None = None,
) -> Path:
    """Train, or go on with a run that was stopped, and return the run's folder.

    The folder gets `model.safetensors` and `model.json` (the best epoch's averaged weights, what the app serves),
    `settings.json`, `steps.csv`, `epochs.csv`, TensorBoard's events, and the state to resume from.

    Args:
        manifest: what `preprocess` wrote.
        settings: see `TrainSettings`; a run that goes on must have the same.
        run: the folder; made if need be.
        cache: where decoded clips are kept; None decodes them in each epoch.
        device: `cuda`, `cpu`, or None for CUDA when present.
        say: told what is going on, a sentence at a time.

    Raises:
        UsageError: the folder can't be written to or holds a run with other settings, or accelerate is not installed.
        InputError: the manifest lacks a part, or the loss is no number any more.
    """
    tell = say or (lambda _sentence: None)
    accelerator = _accelerator(devices.choose(device))
    where, first = accelerator.device, accelerator.is_main_process
    rows, held_out = manifest.part("train"), manifest.part("val")
    if settings.shuffle_labels:
        rows = _shuffled(rows, settings.seed)
    objective = objective_of(rows, settings)
    options: dict[str, Any] = {"cache": cache, "padding": settings.padding, "seed": settings.seed}
    data = VideoDataset(rows, manifest.videos, settings.input, training=True, mirror=settings.mirror, **options)
    check = VideoDataset(held_out, manifest.videos, settings.input, training=False, clips=settings.clips, **options)

    if first:
        _keep_settings(run, settings, manifest)
    accelerator.wait_for_everyone()
    state = load_state(run, where)

    torch.manual_seed(settings.seed)
    network = r2plus1d(settings.architecture)
    if state is None:
        pretrained, began = begin_with_kinetics(network) if settings.pretrained else (False, "From scratch, as asked.")
        at: dict[str, Any] = {"step": 0, "best": None, "waited": 0, "loss_sum": 0.0, "ended": False}
        at |= {"processes": accelerator.num_processes, "pretrained": pretrained, "began": began}
    else:
        at, began = state[0], f"Going on after step {state[0]['step']}."
    if at["processes"] != accelerator.num_processes:
        raise UsageError(f"The run began with {at['processes']} processes; go on with as many.")
    network = on_device(network, where)
    stage_epochs = settings.stage_epochs if at["pretrained"] else 0  # random features are not worth keeping frozen
    groups = parameter_groups(network, settings, pretrained=at["pretrained"])
    optimizer = torch.optim.AdamW(groups, settings.learning_rate)
    average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    if state is not None:
        restore(network, average, optimizer, state[1])

    a_step = settings.batch * settings.accumulate * accelerator.num_processes
    steps_an_epoch = max(1, len(rows) // a_step)
    steps = settings.epochs * steps_an_epoch
    log = Log(run, at["step"]) if first else None
    tell(f"{began} {len(rows)} videos, {steps} steps, {devices.describe(where)} × {accelerator.num_processes}.")

    model, wrapped = network, -1
    while at["step"] < steps and not at["ended"]:
        epoch, done = divmod(at["step"], steps_an_epoch)
        learning = set_trainable(network, epoch, stage_epochs)
        if learning != wrapped:  # several processes exchange the gradients of what learns: told anew when that changes
            accelerator.free_memory()
            model, wrapped = accelerator.prepare_model(network), learning
        data.epoch = epoch
        batches = epoch_batches(
            len(rows),
            batch=settings.batch,
            steps=steps_an_epoch,
            accumulate=settings.accumulate,
            processes=accelerator.num_processes,
            process=accelerator.process_index,
            seed=settings.seed,
            epoch=epoch,
        )[done * settings.accumulate :]
        for micro_batches in _by_step(loader(data, batches, workers=settings.workers), settings.accumulate):
            share = rate_at(at["step"], steps, settings.warmup)
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * group["share"] * share
            torch.manual_seed(_step_seed(settings.seed, at["step"], accelerator.process_index))  # dropout's
            loss = accumulate_gradients(accelerator, model, micro_batches, objective)
            norm = float(torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm))
            if not math.isfinite(loss) or not math.isfinite(norm):
                raise InputError(f"The loss is no number any more at step {at['step']}; try a lower --learning-rate.")
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            _average(average, network, at["step"], settings.ema)
            at["step"] += 1
            at["loss_sum"] += loss
            if log is not None:
                rate = settings.learning_rate * share
                values = {"step": at["step"], "epoch": epoch, "rate": rate, "loss": loss, "gradient_norm": norm}
                log.add(STEPS, STEP_COLUMNS, values)
            if first and at["step"] % settings.save_steps == 0 and at["step"] % steps_an_epoch:
                save_state(run, network, average, optimizer, at)

        _agree(average, accelerator.num_processes)
        found = validate(accelerator, settings, average, check, objective)
        train_loss, at["loss_sum"] = at["loss_sum"] / steps_an_epoch, 0.0
        better = at["best"] is None or found.loss < at["best"]
        at["best"], at["waited"] = (found.loss, 0) if better else (at["best"], at["waited"] + 1)
        at["ended"] = settings.patience > 0 and at["waited"] >= settings.patience
        figure, what = figure_of(found, settings.task)
        if first and log is not None:
            values = {"epoch": epoch, "step": at["step"], "train_loss": train_loss, "val_loss": found.loss}
            log.add(EPOCHS, EPOCH_COLUMNS, {**values, "val_figure": math.nan if figure is None else figure})
            if better:
                trained = {"settings": settings.to_dict(), "epoch": epoch, "began": at["began"], "version": __version__}
                r2plus1d_checkpoint.save(run, average, _card(settings, objective, manifest, found.answers, trained))
            save_state(run, network, average, optimizer, at)
        tell(f"Epoch {epoch + 1}: training loss {train_loss:.4f}, validation loss {found.loss:.4f}, {what}.")
    if log is not None:
        log.close()
    accelerator.wait_for_everyone()
    return run


def accumulate_gradients(
    accelerator: Any, model: torch.nn.Module, micro_batches: list[list[Tensor]], objective: Objective
) -> float:
    """Add up the gradients of a step's micro-batches, each its share, and return the step's mean loss.

    Of several processes each brings its own; their mean is taken once, with the last micro-batch.
    """
    device, total = accelerator.device, 0.0
    half = devices.training_precision(device)
    for place, (clips, score, viral, _) in enumerate(micro_batches):
        last = place + 1 == len(micro_batches)
        with nullcontext() if last else accelerator.no_sync(model):
            pixels = normalize(clips.squeeze(1).to(device))  # (N, 3, T, side, side)
            if device.type == "cpu":
                pixels = pixels.contiguous()
            with torch.autocast(device.type, dtype=half, enabled=half is not None):
                output = model(pixels).squeeze(1)  # (N,)
            loss = objective.loss(output.float(), score.float().to(device), viral.float().to(device))
            accelerator.backward(loss / len(micro_batches))
        total += float(loss.detach())
    mean = torch.tensor(total / len(micro_batches), device=device)
    return float(accelerator.reduce(mean, reduction="mean"))


def _accelerator(device: torch.device) -> Any:
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise UsageError("Training needs accelerate; install it with pip install 'virality-core[train]'.") from error
    return Accelerator(cpu=device.type == "cpu")


def _by_step(batches: Any, accumulate: int) -> Iterator[list[list[Tensor]]]:
    step: list[list[Tensor]] = []
    for batch in batches:
        step.append(batch)
        if len(step) == accumulate:
            yield step
            step = []


def _average(average: dict[str, Tensor], network: torch.nn.Module, step: int, decay: float) -> None:
    """Move the average towards the weights; faster at the start, when it has hardly anything to remember."""
    now = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point() and decay > 0:
                average[name].lerp_(tensor, 1.0 - now)
            else:
                average[name].copy_(tensor)


def _agree(average: dict[str, Tensor], processes: int) -> None:
    """The first process's averages for all: what normalisation counts along differs, as each saw its own clips."""
    if processes > 1:
        for tensor in average.values():
            torch.distributed.broadcast(tensor, src=0)


def _card(
    settings: TrainSettings, objective: Objective, manifest: Manifest, answers: list[float], trained: dict[str, Any]
) -> Card:
    told = ("weights", "ranges", "quantile", "threshold", "split", "parts", "missing_counts")
    return Card(
        task=settings.task,
        architecture=settings.architecture,
        input=settings.input,
        padding=settings.padding,
        clips=settings.clips,
        centre=objective.centre,
        spread=objective.spread,
        quantiles=tuple(np.quantile(answers, np.arange(1, 100) / 100).tolist()),
        held_out=len(answers),
        data={key: manifest.made.get(key) for key in told},
        training=trained,
    )


def _keep_settings(run: Path, settings: TrainSettings, manifest: Manifest) -> None:
    path = usable(run, SETTINGS, STATE, STEPS, EPOCHS) / SETTINGS
    plain = {**settings.to_dict(), "manifest": {key: manifest.made.get(key) for key in ("parts", "threshold", "seed")}}
    if not path.exists():
        r2plus1d_checkpoint.write_json(path, plain)
    elif others := _others(path, plain):
        raise UsageError(
            f"{run} holds a run with other settings or another manifest ({', '.join(others)}); name another folder."
        )


def _others(path: Path, plain: dict[str, Any]) -> list[str]:
    """The settings that a run in this folder has otherwise; not how many processes decode, which changes no result."""
    try:
        began, now = json.loads(path.read_text(encoding="utf-8")), json.loads(json.dumps(plain))
        names = sorted(({*began} | {*now}) - {"workers"})
        return [name for name in names if name not in began or name not in now or began[name] != now[name]]
    except (OSError, ValueError, TypeError, RecursionError):
        return [f"{path.name} can't be read"]


def _shuffled(rows: Any, seed: int) -> Any:
    """The rows with their labels dealt anew: what a run learns from these is chance."""
    from dataclasses import replace

    order = np.random.default_rng((seed, 7)).permutation(len(rows))
    return tuple(
        replace(row, score=rows[other].score, is_viral=rows[other].is_viral)
        for row, other in zip(rows, order, strict=True)
    )


def _step_seed(seed: int, step: int, process: int) -> int:
    return int(np.random.SeedSequence((seed, step, process)).generate_state(1)[0])

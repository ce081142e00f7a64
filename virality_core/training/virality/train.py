"""Trains R(2+1)D on a manifest, in one loop to be read from top to bottom. `virality train virality` runs it.

With `accelerate launch` it runs on several devices or machines: each process takes its share of a step's batches. All
randomness depends on the seed, the step and the process alone, so that a killed run resumes as if nothing had happened.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from virality_core.errors import InputError, UsageError, WeightsError
from virality_core.files import writable_folder
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.models.vision.r2plus1d import load_body, normalize, on_device, r2plus1d, video_outputs
from virality_core.models.vision.r2plus1d_checkpoint import Card, Task
from virality_core.training.statistics import spearman
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
from virality_core.training.virality.dataset import Batch, VideoDataset, epoch_batches, loader
from virality_core.training.virality.manifest import Manifest, Row
from virality_core.training.virality.objective import Objective, objective_of, parameter_groups, rate_at, set_trainable
from virality_core.training.virality.settings import TrainSettings
from virality_core.version import __version__

SETTINGS = "settings.json"
KINETICS = "r2plus1d-kinetics400"  # id in the manifest of weights
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
    """Train, or resume an interrupted run, and return the run's folder.

    The folder gets `model.safetensors` and `model.json` (the best epoch's averaged weights, which the app uses),
    `settings.json`, `steps.csv`, `epochs.csv`, TensorBoard's events, and the state to resume from.

    Args:
        manifest, settings, run: a resumed run must have the same settings and manifest.
        cache: where decoded clips are kept; None decodes them in each epoch.
        device: `cuda`, `cpu`, or None for CUDA when present.
        say: receives sentences on the progress.

    Raises:
        UsageError: the folder can't be written to or has a run with other settings, or accelerate is not installed.
        InputError: the manifest lacks a part, or the loss is not finite any more.
    """
    say = say or (lambda _: None)
    accelerator = _accelerator(devices.choose(device))
    where, is_main = accelerator.device, accelerator.is_main_process
    rows, validation_rows = manifest.part("train"), manifest.part("val")
    if settings.shuffle_labels:
        rows = _shuffled(rows, settings.seed)
    objective = objective_of(rows, settings)
    options: dict[str, Any] = {"cache": cache, "padding": settings.padding, "seed": settings.seed}
    data = VideoDataset(rows, manifest.videos, settings.input, training=True, mirror=settings.mirror, **options)
    held_out = VideoDataset(
        validation_rows, manifest.videos, settings.input, training=False, clips=settings.clips, **options
    )

    if is_main:
        _check_settings(run, settings, manifest)
    accelerator.wait_for_everyone()
    saved = load_state(run, where)

    torch.manual_seed(settings.seed)
    network = r2plus1d(settings.architecture)
    if saved is None:
        pretrained, began = begin_with_kinetics(network) if settings.pretrained else (False, "From scratch, as asked.")
        state: dict[str, Any] = {"step": 0, "best": None, "waited": 0, "loss_sum": 0.0, "ended": False}
        state |= {"processes": accelerator.num_processes, "pretrained": pretrained, "began": began}
    else:
        state, began = saved[0], f"Resuming after step {saved[0]['step']}."
    if state["processes"] != accelerator.num_processes:
        raise UsageError(f"The run began with {state['processes']} processes; resume it with as many.")
    network = on_device(network, where)
    stage_epochs = settings.stage_epochs if state["pretrained"] else 0  # random features are not worth freezing
    groups = parameter_groups(network, settings, pretrained=state["pretrained"])
    optimizer = torch.optim.AdamW(groups, settings.learning_rate)
    average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    if saved is not None:
        restore(network, average, optimizer, saved[1])

    clips_per_step = settings.batch * settings.accumulate * accelerator.num_processes
    steps_per_epoch = max(1, len(rows) // clips_per_step)
    steps = settings.epochs * steps_per_epoch
    log = Log(run, state["step"]) if is_main else None
    say(f"{began} {len(rows)} videos, {steps} steps, {devices.describe(where)} × {accelerator.num_processes}.")

    model, prepared_stages = network, -1
    while state["step"] < steps and not state["ended"]:
        epoch, done = divmod(state["step"], steps_per_epoch)
        stages = set_trainable(network, epoch, stage_epochs)
        if stages != prepared_stages:  # processes exchange the gradients of trainable stages: prepare again
            accelerator.free_memory()
            model, prepared_stages = accelerator.prepare_model(network), stages
        data.epoch = epoch
        batches = epoch_batches(
            len(rows),
            batch=settings.batch,
            steps=steps_per_epoch,
            accumulate=settings.accumulate,
            processes=accelerator.num_processes,
            process=accelerator.process_index,
            seed=settings.seed,
            epoch=epoch,
        )[done * settings.accumulate :]
        loaded = loader(data, batches, workers=settings.workers)
        for micro_batches in zip(*[loaded] * settings.accumulate, strict=True):
            share = rate_at(state["step"], steps, settings.warmup)
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * group["share"] * share
            key = (settings.seed, state["step"], accelerator.process_index)
            torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))  # for dropout
            loss = accumulate_gradients(accelerator, model, micro_batches, objective)
            norm = float(torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm))
            if not math.isfinite(loss) or not math.isfinite(norm):
                raise InputError(f"The loss is not finite any more at step {state['step']}; lower --learning-rate.")
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            _update_average(average, network, state["step"], settings.ema)
            state["step"] += 1
            state["loss_sum"] += loss
            if log is not None:
                rate = settings.learning_rate * share
                values = {"step": state["step"], "epoch": epoch, "rate": rate, "loss": loss, "gradient_norm": norm}
                log.add(STEPS, STEP_COLUMNS, values)
            if is_main and state["step"] % settings.save_steps == 0 and state["step"] % steps_per_epoch:
                save_state(run, network, average, optimizer, state)

        if accelerator.num_processes > 1:  # batch normalization's statistics differ, as clips did: use the first one's
            for tensor in average.values():
                torch.distributed.broadcast(tensor, src=0)
        found = validate(accelerator, settings, average, held_out, objective)
        train_loss, state["loss_sum"] = state["loss_sum"] / steps_per_epoch, 0.0
        better = state["best"] is None or found.loss < state["best"]
        state["best"], state["waited"] = (found.loss, 0) if better else (state["best"], state["waited"] + 1)
        state["ended"] = settings.patience > 0 and state["waited"] >= settings.patience
        figure, text = found.figure(settings.task)
        if log is not None:
            values = {"epoch": epoch, "step": state["step"], "train_loss": train_loss, "val_loss": found.loss}
            log.add(EPOCHS, EPOCH_COLUMNS, {**values, "val_figure": math.nan if figure is None else figure})
            if better:
                about = {
                    "settings": settings.to_dict(),
                    "epoch": epoch,
                    "began": state["began"],
                    "version": __version__,
                }
                r2plus1d_checkpoint.save(run, average, _card(settings, objective, manifest, found.answers, about))
            save_state(run, network, average, optimizer, state)
        say(f"Epoch {epoch + 1}: training loss {train_loss:.4f}, validation loss {found.loss:.4f}, {text}.")
    if log is not None:
        log.close()
    accelerator.wait_for_everyone()
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The mean loss, and each video's answer, score and class, in the order of the rows."""

    loss: float
    answers: list[float]
    scores: list[float]
    viral: list[bool]

    def figure(self, task: Task) -> tuple[float | None, str]:
        """The task's figure (ROC-AUC, or Spearman's correlation) and its text; None where it is undefined."""
        if task == "regression":
            rho = spearman(np.array(self.answers), np.array(self.scores))
            return rho, "Spearman's correlation not defined" if rho is None else f"Spearman {rho:.3f}"
        if len(set(self.viral)) < 2:
            return None, "ROC-AUC not defined with one class"
        from sklearn.metrics import roc_auc_score

        auc = float(roc_auc_score(self.viral, self.answers))
        return auc, f"ROC-AUC {auc:.3f}"


def validate(
    accelerator: Any,
    settings: TrainSettings,
    average: Mapping[str, Tensor],
    dataset: VideoDataset,
    objective: Objective,
) -> Validation:
    """Run every row of the dataset; each process takes its share, all get the same result."""
    from accelerate.utils import gather_object

    network = r2plus1d(settings.architecture)
    network.load_state_dict(dict(average))
    network = on_device(network.eval(), accelerator.device)
    share = range(accelerator.process_index, len(dataset), accelerator.num_processes)
    found: list[tuple[int, float]] = []
    for clips, _, _, index in loader(dataset, [[one] for one in share], workers=settings.workers):
        found.append((int(index), float(video_outputs(network, clips[0], accelerator.device).mean())))
    by_index = dict(gather_object(found))
    output = torch.tensor([by_index[index] for index in range(len(dataset))])
    score = torch.tensor([row.score for row in dataset.rows], dtype=torch.float32)
    viral = torch.tensor([row.is_viral for row in dataset.rows], dtype=torch.float32)
    return Validation(
        loss=float(objective.loss(output, score, viral)),
        answers=objective.answer(output).double().tolist(),
        scores=score.double().tolist(),
        viral=[row.is_viral for row in dataset.rows],
    )


def begin_with_kinetics(network: nn.Module) -> tuple[bool, str]:
    """Load the Kinetics-400 body if possible; returns whether it was, in words too. Raises DigestMismatch."""
    try:
        load_body(network, load_tensors(weights.resolve(KINETICS)))
    except weights.DigestMismatch:
        raise
    except WeightsError as error:
        return False, f"From scratch: {error}"
    return True, "Started from R(2+1)D-18's Kinetics-400 weights."


def accumulate_gradients(
    accelerator: Any, model: nn.Module, micro_batches: Sequence[Batch], objective: Objective
) -> float:
    """Add up the gradients of a step's micro-batches and return the step's mean loss.

    Several processes average their gradients once, with the last micro-batch.
    """
    device, total = accelerator.device, 0.0
    half = devices.training_precision(device)
    for number, (clips, score, viral, _) in enumerate(micro_batches, start=1):
        with nullcontext() if number == len(micro_batches) else accelerator.no_sync(model):
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


def _update_average(average: dict[str, Tensor], network: nn.Module, step: int, decay: float) -> None:
    """Move the average towards the weights, faster in the first steps, when it is still mostly random."""
    decay_now = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point() and decay > 0:
                average[name].lerp_(tensor, 1.0 - decay_now)
            else:
                average[name].copy_(tensor)


def _card(
    settings: TrainSettings, objective: Objective, manifest: Manifest, answers: list[float], about: dict[str, Any]
) -> Card:
    keys = ("weights", "ranges", "quantile", "threshold", "split", "parts", "missing_counts")
    return Card(
        task=settings.task,
        architecture=settings.architecture,
        input=settings.input,
        padding=settings.padding,
        clips=settings.clips,
        centre=objective.center,
        spread=objective.spread,
        quantiles=tuple(np.quantile(answers, np.arange(1, 100) / 100).tolist()),
        held_out=len(answers),
        data={key: manifest.metadata.get(key) for key in keys},
        training=about,
    )


def _check_settings(run: Path, settings: TrainSettings, manifest: Manifest) -> None:
    """Write the settings of a new run; raise UsageError where the folder has a run with others."""
    path = writable_folder(run, SETTINGS, STATE, STEPS, EPOCHS) / SETTINGS
    origin = {key: manifest.metadata.get(key) for key in ("parts", "threshold", "seed")}
    plain = {**settings.to_dict(), "manifest": origin}
    if not path.exists():
        r2plus1d_checkpoint.write_json(path, plain)
        return
    try:
        before, now = json.loads(path.read_text(encoding="utf-8")), json.loads(json.dumps(plain))
        names = sorted(({*before} | {*now}) - {"workers"})  # which changes no result
        different = [name for name in names if name not in before or name not in now or before[name] != now[name]]
    except (OSError, ValueError, TypeError, RecursionError):
        different = [f"{path.name} can't be read"]
    if different:
        raise UsageError(
            f"{run} has a run with other settings or another manifest ({', '.join(different)}); use another folder."
        )


def _shuffled(rows: Sequence[Row], seed: int) -> tuple[Row, ...]:
    """The rows with shuffled labels: whatever a run learns from these is chance."""
    order = np.random.default_rng((seed, 7)).permutation(len(rows))
    return tuple(
        replace(row, score=rows[other].score, is_viral=rows[other].is_viral)
        for row, other in zip(rows, order, strict=True)
    )

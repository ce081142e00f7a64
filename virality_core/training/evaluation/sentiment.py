"""How good a sentiment model's probabilities are: macro recall, accuracy, macro F1, calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from virality_core.errors import InputError
from virality_core.models.language.sentiment_model import SentimentModel
from virality_core.scorers.caption.sentiment import SentimentReader
from virality_core.training.datasets.labeled_text import read
from virality_core.types import ModelInfo, Profile

_BATCH = 32

_BINS = 15
_TEMPERATURES = np.exp(np.linspace(np.log(0.25), np.log(4.0), 801))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Measured on `n` labeled texts; each 0–1. Recall, F1 and `balanced_ece` weigh all labels the same."""

    n: int
    macro_recall: float
    accuracy: float
    macro_f1: float
    ece: float
    balanced_ece: float
    recall: tuple[float, ...]


def evaluate(path: Path, profile: Profile) -> tuple[Scores, ModelInfo]:
    """Scores of the profile's sentiment model on a TSV of `label<TAB>text`, and which model it was.

    Raises:
        InputError: the file has another format, or no rows. WeightsError: the profile's weights are missing.
    """
    examples = read(path)
    if not examples:
        raise InputError(f"{path} has no rows to measure on.")
    reader = SentimentReader(profile=profile)
    probabilities = predict(reader.network, [example.text for example in examples])
    return measure(probabilities, [example.label for example in examples]), reader.model


def predict(model: SentimentModel, texts: Sequence[str]) -> NDArray[np.float64]:
    """Probabilities float64 (N, 3) of negative, neutral and positive, in batches of similar length."""
    ids = [model.read(text).ids for text in texts]
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
    probabilities = np.empty((len(ids), 3))
    for first in range(0, len(order), _BATCH):
        chosen = order[first : first + _BATCH]
        longest = max(len(ids[index]) for index in chosen)
        # Any padding works: the mask hides it from every token.
        tokens = torch.tensor([[*ids[index], *[model.mask_id] * (longest - len(ids[index]))] for index in chosen])
        mask = torch.arange(longest) < torch.tensor([[len(ids[index])] for index in chosen])
        with torch.inference_mode():
            logits = model.from_words(model.embed(tokens), mask)
        probabilities[chosen] = logits.double().softmax(-1).numpy()
    return probabilities


def measure(probabilities: ArrayLike, labels: Sequence[int]) -> Scores:
    """Scores of `probabilities` float (N, C) against `labels` 0 … C−1; a label that never occurs is left out.

    ECE is that of Guo et al. (2017) with 15 equal bins of the highest probability.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    truth = np.asarray(labels)
    if p.ndim != 2 or truth.shape != (len(p),) or len(p) == 0:
        raise ValueError(f"probabilities (N, C) and labels (N,) needed, got {p.shape} and {truth.shape}")
    guess = p.argmax(1)
    classes = [label for label in range(p.shape[1]) if (truth == label).any()]
    recall = [float((guess[truth == label] == label).mean()) for label in classes]
    f1 = [
        2.0 * ((guess == label) & (truth == label)).sum() / ((guess == label).sum() + (truth == label).sum())
        for label in classes
    ]
    shares = np.bincount(truth, minlength=p.shape[1]) / len(truth)
    return Scores(
        n=len(truth),
        macro_recall=float(np.mean(recall)),
        accuracy=float((guess == truth).mean()),
        macro_f1=float(np.mean(f1)),
        ece=_ece(p, truth, np.ones(len(truth))),
        balanced_ece=_ece(p, truth, 1.0 / shares[truth]),
        recall=tuple(recall),
    )


def calibrate(logits: ArrayLike, labels: Sequence[int]) -> float:
    """The temperature that logits (N, C) are divided by for the lowest log loss, all labels weighing the same."""
    z = np.asarray(logits, dtype=np.float64)
    truth = np.asarray(labels)
    weight = 1.0 / np.bincount(truth, minlength=z.shape[1])[truth]

    def loss(temperature: float) -> float:
        scaled = z / temperature
        scaled -= scaled.max(1, keepdims=True)
        log_p = scaled[np.arange(len(truth)), truth] - np.log(np.exp(scaled).sum(1))
        return float(-(weight * log_p).sum())

    return float(min(_TEMPERATURES, key=loss))


def _ece(p: NDArray[np.float64], truth: NDArray[np.int_], weight: NDArray[np.float64]) -> float:
    sure = p.max(1)
    right = (p.argmax(1) == truth).astype(np.float64)
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=weight * (right - sure), minlength=_BINS)
    return float(np.abs(gaps).sum() / weight.sum())

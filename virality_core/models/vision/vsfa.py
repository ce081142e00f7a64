"""VSFA's head: from the features of a video's frames to the quality viewers would give it.

D. Li, T. Jiang, M. Jiang, "Quality Assessment of In-the-Wild Videos", ACM Multimedia 2019 (arXiv:1908.00375);
https://github.com/lidq92/VSFA, whose published weights this head loads. The features are `resnet50_features`'.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEATURES = 4096  # mean and standard deviation of each of ResNet-50's last 2048 feature maps
TAU_FRAMES = 12  # the published window of memory and impression, in consecutive frames
BETA = 0.5  # share of the impression against the memory
MOS_SCALE = 4.64  # the published output is a mean opinion score (1–5) divided by KoNViD-1k's highest one


class Reduction(nn.Module):
    """Frame features (…, inputs) → (…, reduced): one linear layer. `fc` is in the published file, but unused."""

    def __init__(self, inputs: int, reduced: int) -> None:
        super().__init__()
        self.fc0 = nn.Linear(inputs, reduced)
        self.fc = nn.Linear(reduced, reduced)

    def forward(self, features: Tensor) -> Tensor:
        reduced: Tensor = self.fc0(features)
        return reduced


class QualityHead(nn.Module):
    """Frame features → a GRU's quality of each frame → the video's quality.

    Args:
        inputs: features of a frame.
        reduced, hidden: widths of the linear layer and of the GRU. The defaults and the parts' names are the published
            file's.
    """

    def __init__(self, inputs: int = FEATURES, reduced: int = 128, hidden: int = 32) -> None:
        super().__init__()
        self.ann = Reduction(inputs, reduced)
        self.rnn = nn.GRU(reduced, hidden, batch_first=True)
        self.q = nn.Linear(hidden, 1)

    def forward(
        self, features: Tensor, lengths: Tensor, tau: int = TAU_FRAMES, beta: float = BETA
    ) -> tuple[Tensor, Tensor]:
        """Rate B videos.

        Args:
            features: (B, T, inputs), padded at the end to the longest video with anything finite.
            lengths: int64 (B,), frames of each video, 1 … T.
            tau, beta: see `temporal_pool`.

        Returns:
            The videos' quality (B,), and the frames' quality before pooling (B, T), 0 beyond a video's length.
        """
        memory, _ = self.rnn(self.ann(features))  # (B, T, hidden): only looks back, so no padding reaches it
        frames = self.q(memory).squeeze(-1).masked_fill(~_within(lengths, features.shape[1]), 0.0)
        pooled = temporal_pool(frames, lengths, tau=tau, beta=beta)
        return pooled.sum(dim=1) / lengths.to(pooled.dtype), frames


def temporal_pool(quality: Tensor, lengths: Tensor, tau: int = TAU_FRAMES, beta: float = BETA) -> Tensor:
    """Quality as viewers feel it at each frame: bad moments stay in memory, and a worse one weighs more.

    For frame t, β × the softmin-weighted mean of the frames t … t + τ − 1 (impression) + (1 − β) × the lowest of the
    frames t − τ + 1 … t (memory). Windows end where the video ends. (Section 3.3 of the paper, windows as in its code.)

    Args:
        quality: (B, T), padded at the end with anything finite.
        lengths: int64 (B,), frames of each video, 1 … T.
        tau: frames in a window, at least 1 (1 returns `quality`). For every k-th frame of a video, use τ / k.
        beta: 0–1.

    Returns:
        (B, T), 0 beyond a video's length; its sum over a video divided by the length is the video's quality.
    """
    if tau < 1 or not 0.0 <= beta <= 1.0:
        raise ValueError(f"tau must be at least 1 and beta within 0–1, got {tau} and {beta}")
    valid = _within(lengths, quality.shape[1])
    # Finite values, not infinities: a window entirely in the padding must not turn a gradient into NaN.
    largest = torch.finfo(quality.dtype).max
    hidden = quality.masked_fill(~valid, largest)
    lowest = F.pad(hidden, (tau - 1, 0), value=largest).unfold(1, tau, 1).amin(dim=-1)  # (B, T)
    ahead = F.pad(hidden, (0, tau - 1), value=largest).unfold(1, tau, 1)  # (B, T, tau)
    weights = torch.softmax(-ahead, dim=-1)  # 0 outside the video
    impression = (weights * F.pad(quality, (0, tau - 1)).unfold(1, tau, 1)).sum(dim=-1)
    felt = beta * impression + (1.0 - beta) * lowest
    return torch.where(valid, felt, torch.zeros_like(felt))


def _within(lengths: Tensor, frames: int) -> Tensor:
    """bool (B, T): True for the frames of each video, False for padding."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]

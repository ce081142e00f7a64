"""Silero VAD 6.2: whether there is speech in each 32 ms of sound at 16 kHz (snakers4/silero-vad, MIT).

The published network runs on 512 samples at a time, with the 64 before them. Here everything before the recurrent cell
runs on many chunks at once; only the cell goes step by step. The results are the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

RATE = 16_000  # Hz
CHUNK = 512  # samples per answer
_CONTEXT = 64  # samples before them that the network also sees
_BINS = 129  # of the short-time Fourier transform: 256 samples, hop 128, real parts first
_BATCH = 1024  # chunks per pass: 33 s, 130 MB with the first layer's output


class SileroVad(nn.Module):
    """Short-time spectrum by convolution → four convolutions → LSTM → one probability."""

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 2 * _BINS, kernel_size=256, stride=128, bias=False)
        self.conv1 = nn.Conv1d(_BINS, 128, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, kernel_size=3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, kernel_size=3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, kernel_size=3, padding=1)
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.final_conv = nn.Conv1d(128, 1, 1)

    def encode(self, chunks: Tensor) -> Tensor:
        """Chunks (N, 576) → (N, 128)."""
        spectrum = self.stft_conv(pad(chunks[:, None], (0, _CONTEXT), "reflect"))  # (N, 258, 4)
        x = torch.sqrt(spectrum[:, :_BINS] ** 2 + spectrum[:, _BINS:] ** 2)
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = torch.relu(layer(x))
        return torch.as_tensor(x[:, :, 0])

    def forward(self, encoded: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Encoded chunks (N, 128) in order and the state before them → probabilities (N,) and the state after."""
        hidden, state = self.lstm(encoded[None], state)
        logits = self.final_conv(torch.relu(hidden).transpose(1, 2))
        return torch.sigmoid(logits)[0, 0], state

    @torch.inference_mode()
    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probability of speech, 0–1, in each 32 ms of `samples` (S,) at 16 kHz; the last is filled with zeros."""
        count = -(-len(samples) // CHUNK)
        padded = np.zeros(_CONTEXT + count * CHUNK, np.float32)
        padded[_CONTEXT : _CONTEXT + len(samples)] = samples
        windows = np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT + CHUNK)[::CHUNK] if count else padded
        state: tuple[Tensor, Tensor] | None = None
        parts = [np.zeros(0)]
        for start in range(0, count, _BATCH):
            chunks = torch.from_numpy(windows[start : start + _BATCH].copy())
            found, state = self(self.encode(chunks), state)
            parts.append(found.double().numpy())
        return np.concatenate(parts)


def build(tensors: Mapping[str, Tensor]) -> SileroVad:
    """The network with the weights of `silero_vad_16k.safetensors`."""
    network = SileroVad()
    renamed = {
        f"lstm.{name.removeprefix('lstm_cell.')}_l0" if name.startswith("lstm_cell.") else name: tensor
        for name, tensor in tensors.items()
    }
    network.load_state_dict(renamed)
    return network.eval().requires_grad_(False)

"""The batched network says what the published step-by-step one does: a chunk after another through an LSTM cell."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import conv1d, pad

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.sound import silero_vad


def _step_by_step(samples: np.ndarray) -> np.ndarray:
    """As silero_vad 6.2.3 describes it in `tinygrad_model.py`, written with the tensors themselves."""
    t = load_tensors(weights.resolve("silero-vad"))
    cell = torch.nn.LSTMCell(128, 128)
    cell.load_state_dict({name.removeprefix("lstm_cell."): t[name] for name in t if name.startswith("lstm_cell.")})
    wave = torch.from_numpy(samples)[None]
    wave = pad(wave, (64, -wave.shape[1] % 512))
    state, out = None, []
    with torch.inference_mode():
        for start in range(64, wave.shape[1], 512):
            x = pad(wave[:, start - 64 : start + 512], (0, 64), "reflect")[:, None]
            x = conv1d(x, t["stft_conv.weight"], stride=128)
            x = (x[:, :129] ** 2 + x[:, 129:] ** 2).sqrt()
            for number, stride in ((1, 1), (2, 2), (3, 2), (4, 1)):
                x = conv1d(x, t[f"conv{number}.weight"], t[f"conv{number}.bias"], stride=stride, padding=1).relu()
            state = cell(x.squeeze(-1), state)
            out.append(
                conv1d(state[0][..., None].relu(), t["final_conv.weight"], t["final_conv.bias"]).sigmoid().item()
            )
    return np.array(out)


def test_batches_change_nothing(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    loud = 0.05 + 0.2 * np.abs(np.sin(np.arange(40_100) / 4_000))
    samples = (rng.normal(0, 0.3, 40_100) * loud).astype(np.float32)
    network = silero_vad.build(load_tensors(weights.resolve("silero-vad")))
    expected = _step_by_step(samples)
    np.testing.assert_allclose(network.probabilities(samples), expected, atol=1e-5)
    monkeypatch.setattr(silero_vad, "_BATCH", 7)
    np.testing.assert_allclose(network.probabilities(samples), expected, atol=1e-5)


def test_no_samples_no_answers() -> None:
    network = silero_vad.build(load_tensors(weights.resolve("silero-vad")))
    assert len(network.probabilities(np.zeros(0, np.float32))) == 0
    assert len(network.probabilities(np.zeros(1, np.float32))) == 1

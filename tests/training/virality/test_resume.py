"""A run that was killed goes on as if nothing had been; two processes do what one does that accumulates."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.soak import size
from tests.training.virality.material import material, tiny
from virality_core.errors import InputError, UsageError
from virality_core.models.checkpoint import load_tensors
from virality_core.training.virality import manifest
from virality_core.training.virality.checkpoints import EPOCHS, STATE, STEPS, read_log
from virality_core.training.virality.manifest import Manifest
from virality_core.training.virality.train import train

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("virality-resume"), pytest.mark.timeout(size(600, 3600))]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return material(tmp_path_factory.mktemp("resume"), 30)


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **more}


_KILLED = """
import sys
from pathlib import Path
import torch
from tests.training.virality.material import tiny
from virality_core.training.virality import manifest
from virality_core.training.virality.train import train
torch.set_num_threads(1)
train(manifest.read(Path(sys.argv[1])), tiny(save_steps=2), Path(sys.argv[2]), device="cpu")
"""


@pytest.mark.parametrize("kill", range(size(1, 8)))
def test_killed_at_a_random_step_and_resumed_it_is_the_uninterrupted_run(
    data: Manifest, tmp_path: Path, kill: int
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in another order would differ in the last bit
    try:
        whole = train(data, tiny(save_steps=2), tmp_path / "whole", device="cpu")
        folder = str(data.videos.parent / "data")
        command = [sys.executable, "-c", _KILLED, folder, str(tmp_path / "killed")]
        running = subprocess.Popen(command, env=_environment(), cwd=ROOT)
        steps = len(read_log(whole / STEPS))
        stop_after = random.Random(f"{os.getpid()} {kill}").randrange(3, steps - 2)
        deadline = time.monotonic() + 240
        while len(read_log(tmp_path / "killed" / STEPS)) < stop_after:
            assert running.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        running.send_signal(signal.SIGKILL)
        running.wait()
        before = len(read_log(tmp_path / "killed" / STEPS))
        assert 0 < before < steps, f"killed after {before} of {steps} steps"
        resumed = train(data, tiny(save_steps=2), tmp_path / "killed", device="cpu")
    finally:
        torch.set_num_threads(threads)
    assert read_log(resumed / STEPS) == read_log(whole / STEPS), f"killed after step {before}"
    assert read_log(resumed / EPOCHS) == read_log(whole / EPOCHS)
    for name, tensor in load_tensors(whole / "model.safetensors").items():
        assert torch.equal(tensor, load_tensors(resumed / "model.safetensors")[name]), name


def test_a_run_is_not_continued_with_other_settings_or_a_damaged_state(data: Manifest, tmp_path: Path) -> None:
    run = train(data, tiny(), tmp_path / "run", device="cpu")
    assert train(data, tiny(), run, device="cpu") == run, "a run that ended has nothing left to do"
    assert train(data, tiny(workers=1), run, device="cpu") == run, "more processes that decode change no result"
    with pytest.raises(UsageError, match=r"other settings .*\(seed\)"):
        train(data, tiny(seed=1), run, device="cpu")
    (run / STATE).write_text("{}")
    with pytest.raises(InputError, match="state"):
        train(data, tiny(), run, device="cpu")


def test_two_processes_are_one_that_accumulates(data: Manifest, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank), **shared} for rank in range(2)]
    _gradients(tmp_path / "both", data, accumulate=1, environments=ranks)
    _gradients(tmp_path / "alone", data, accumulate=2, environments=[{"ACCELERATE_USE_CPU": "true"}])
    expected = load_file(tmp_path / "alone" / "gradients-0.safetensors")
    assert max(float(tensor.abs().max()) for name, tensor in expected.items() if name != "loss") > 1e-3
    for rank in range(2):
        found = load_file(tmp_path / "both" / f"gradients-{rank}.safetensors")
        assert set(found) == set(expected)
        for name, tensor in expected.items():
            torch.testing.assert_close(found[name], tensor, atol=1e-5, rtol=0, msg=lambda text, of=name: of + text)
    losses = [[float(row["loss"]) for row in read_log(tmp_path / how / "run" / STEPS)] for how in ("both", "alone")]
    assert len(losses[0]) >= 9
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)


def _gradients(out: Path, data: Manifest, *, accumulate: int, environments: list[dict[str, str]]) -> None:
    """Run `gradients_of` in a process for each environment: alone too, so that all compute with one thread."""
    out.mkdir()
    where = [str(out), str(data.videos.parent / "data"), str(accumulate)]
    command = [sys.executable, "-m", "tests.training.virality.gradients_of", *where]
    processes = [subprocess.Popen(command, cwd=ROOT, env=_environment(**one)) for one in environments]
    try:
        assert [one.wait(timeout=240) for one in processes] == [0] * len(processes)
    finally:
        for one in processes:
            one.kill()


def test_the_manifest_is_read_where_it_was_written(data: Manifest) -> None:
    assert manifest.read(data.videos.parent / "data").rows == data.rows

"""`make example` at a small size: each command runs in the order shown, and the reel gets its virality signal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch._dynamo  # noqa: F401  (makes a temporary folder on import)

from examples import virality
from virality_core.cli import main


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("virality-way")
def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []

    def in_this_process(command: list[str], *, env: dict[str, str], check: bool) -> Any:
        assert command[1:3] == ["-m", "virality_core"]
        monkeypatch.setenv("VIRALITY_WEIGHTS_DIR", env["VIRALITY_WEIGHTS_DIR"])
        ran.append(command[3])
        return SimpleNamespace(returncode=main(command[3:]))

    monkeypatch.setattr(subprocess, "run", in_this_process)
    assert virality.main(["--out", str(tmp_path / "out"), "--videos", "24", "--epochs", "1"]) == 0
    assert ran == ["preprocess", *["train", "evaluate", "weights"] * 2, "score"]
    printed = capsys.readouterr().out
    assert "by the network trained on your posts" in printed
    assert os.listdir(tmp_path / "out" / "weights")
    assert (tmp_path / "out" / "regression" / "evaluation" / "index.html").is_file()

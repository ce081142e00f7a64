"""The virality signal: skipped with the way to a model, then answered by one that was added; hostile models refused."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.media.clips import Clip
from virality_core import Post, load_scorers, score_reel
from virality_core.cli import main
from virality_core.errors import UsageError, WeightsError
from virality_core.media import open_reel
from virality_core.models import weights
from virality_core.models.vision import r2plus1d_checkpoint
from virality_core.models.vision.r2plus1d import Architecture, ClipInput, normalize, r2plus1d, resize_and_crop
from virality_core.models.vision.r2plus1d_checkpoint import Card
from virality_core.models.weights.cache import sha256
from virality_core.report.text import report_text
from virality_core.scorers.picture.virality import NO_MODEL, ViralityDetails, ViralityScorer
from virality_core.training.virality.publish import add, push
from virality_core.types import Plan, Signal, Skipped

CARD: dict[str, Any] = {
    "architecture": Architecture(width=4, blocks=(1, 1, 1, 1)),
    "input": ClipInput(resize=(36, 48), side=32),
    "clips": 3,
    "quantiles": tuple(np.linspace(0.0, 1.0, 99).tolist()),
    "held_out": 40,
    "data": {"parts": {"train": 10}},
}


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for models that are added."""
    folder = tmp_path / "own"
    monkeypatch.setenv("VIRALITY_WEIGHTS_DIR", str(folder))
    return folder


def make_run(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """A run's checkpoint with random weights whose head is not near zero, so that clips differ."""
    card = Card(**{"task": "classification", **CARD, **changes})
    torch.manual_seed(seed)
    network = r2plus1d(card.architecture)
    torch.nn.init.normal_(network.fc.weight, 0.0, 2.0)
    r2plus1d_checkpoint.save(folder, network.state_dict(), card)
    return folder


def _ask(clip: Path) -> Signal | Skipped:
    scorer = ViralityScorer(profile="lite", device=torch.device("cpu"))
    (answer,) = scorer.score(open_reel(clip, scorer.plan | Plan(stills=1)), Post(), lambda _stage, _fraction: None)
    return answer


def test_without_a_model_it_says_how_to_get_one_and_decodes_nothing(drawn_clip: Path) -> None:
    scorer = ViralityScorer(profile="lite", device=torch.device("cpu"))
    assert scorer.plan == Plan()
    assert _ask(drawn_clip) == Skipped(name="virality", reason=NO_MODEL)
    report = score_reel(drawn_clip, scorers=load_scorers("lite", device="cpu"))
    assert report.signal("virality") is None
    assert NO_MODEL in report_text(report, "x.mp4")


def test_an_added_model_answers_as_its_network_does(make_clip: Callable[..., Clip], tmp_path: Path) -> None:
    clip = make_clip(frames=90, width=96, height=160)
    add(str(make_run(tmp_path / "run")))
    signal = _ask(clip.path)
    assert isinstance(signal, Signal)
    network, card = r2plus1d_checkpoint.load(tmp_path / "run")
    clips = open_reel(clip.path, Plan(clips=3)).clips
    assert clips is not None
    pixels = normalize(torch.from_numpy(resize_and_crop(clips.rgb, card.input)))
    with torch.inference_mode():
        outputs = network(pixels.contiguous()).squeeze(1).double()
    assert signal.value == pytest.approx(float(torch.sigmoid(outputs.mean())), abs=1e-5)
    assert signal.desirability == signal.percentile == pytest.approx(1 + 98 * signal.value, abs=0.01)
    assert "40 held-out posts" in signal.reference
    details = signal.details
    assert isinstance(details, ViralityDetails)
    assert details.score is None
    assert details.probability is not None
    each = torch.sigmoid(outputs).numpy()
    assert details.probability.clips == pytest.approx(each, abs=1e-5)
    assert details.probability.spread == pytest.approx(each.std(), abs=1e-5)
    assert details.probability.spread > 0
    assert signal.timeline is not None
    assert signal.timeline.values == pytest.approx(each, abs=1e-5)
    assert signal.timeline.seconds == pytest.approx(clips.seconds.mean(1))
    assert (np.diff(signal.timeline.seconds) > 0).all()
    assert signal.model is not None
    assert signal.model.sha256 == sha256(tmp_path / "run" / "model.safetensors")


def test_both_tasks_answer_side_by_side_in_the_report(drawn_clip: Path, tmp_path: Path) -> None:
    add(str(make_run(tmp_path / "a")))
    add(str(make_run(tmp_path / "b", seed=1, task="regression", centre=0.5, spread=0.1)))
    report = score_reel(drawn_clip, scorers=load_scorers("lite", device="cpu"))
    signal = report.signal("virality")
    assert signal is not None
    assert isinstance(signal.details, ViralityDetails)
    assert signal.details.probability is not None
    assert signal.details.score is not None
    assert signal.value == signal.details.probability.value
    assert not any(one.signal == "virality" for one in report.contributions), "it has no weight as shipped"
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    shown = next(one for one in plain["signals"] if one["name"] == "virality")
    assert shown["details"]["score"]["value"] == pytest.approx(signal.details.score.value)
    assert "held-out posts" in report_text(report, "x.mp4", details=True)
    assert {"virality-classification"} <= {model.id for model in report.provenance.models}


def test_a_reel_as_short_as_a_clip_is_looked_at_once(make_clip: Callable[..., Clip], tmp_path: Path) -> None:
    for padding in ("loop", "last"):
        add(str(make_run(tmp_path / padding, padding=padding)))
        signal = _ask(make_clip(frames=8).path)
        assert isinstance(signal, Signal)
        assert isinstance(signal.details, ViralityDetails)
        assert signal.details.probability is not None
        assert len(signal.details.probability.clips) == 1


def test_a_model_added_again_takes_the_place_of_the_one_before(own: Path, tmp_path: Path) -> None:
    own.mkdir()
    mine = '\n# mine\n[[file]]\nid = "x"\ncomponent = "y"\nvariant = "lite"\nsource = "bundled"\nfile = "z.json"\n'
    mine += f'sha256 = "{"0" * 64}"\nlicence = "l"\ncitation = "c"\n'
    (own / "manifest.toml").write_text("schema = 1\n" + mine)
    for seed in (0, 1, 1):
        add(str(make_run(tmp_path / f"run{seed}", seed=seed)))
    assert [entry.id for entry in weights.entries() if entry.component == "virality-classification"] == [
        "virality-classification",
        "virality-classification-json",
    ]
    assert "# mine" in (own / "manifest.toml").read_text()
    assert weights.entry("x").component == "y"
    assert len([one for one in own.iterdir() if one.is_dir()]) == 1, "what it took the place of is gone"
    digest = sha256(tmp_path / "run1" / "model.safetensors")
    assert weights.entry("virality-classification").sha256 == digest


def test_a_broken_added_model_skips_its_signal_only(own: Path, drawn_clip: Path, tmp_path: Path) -> None:
    _, place = add(str(make_run(tmp_path / "run")))
    (place / "model.safetensors").write_bytes(b"damaged")
    answer = _ask(drawn_clip)
    assert isinstance(answer, Skipped)
    assert "sha256" in answer.reason


class _Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (eval, ("open('ran', 'w')",))


def test_a_pickle_is_refused_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_run(tmp_path / "run")
    (run / "model.safetensors").write_bytes(pickle.dumps(_Evil()))
    plain = json.loads((run / "model.json").read_text())
    plain["sha256"] = sha256(run / "model.safetensors")  # as its author would see to
    (run / "model.json").write_text(json.dumps(plain))
    with pytest.raises(WeightsError, match="pickle"):
        add("run")
    (run / "model.safetensors").rename(run / "model.pt")
    with pytest.raises(WeightsError, match=r"model\.pt is a pickle"):
        add("run")
    with pytest.raises(WeightsError, match=r"model\.pt is a file"):
        add("run/model.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"architecture": {"name": "slowfast"}}, "architecture 'slowfast'"),
        ({"architecture": Architecture(width=8, blocks=(1, 1, 1, 1)).to_dict()}, "not those of the stated network"),
        ({"task": "detection"}, "no virality network has"),
        ({"sha256": "0" * 64}, "is not the file"),
        ({"clips": 10**9}, "no virality network has"),
        ({"centre": None}, "no virality network has"),
        ({"quantiles": 7}, "lacks or misstates"),
        ({"input": {"resize": [10**6, 10**6], "side": 112, "shape": "squash"}}, "can't be prepared"),
        ({"schema": 99}, "schema 1"),
        ({"architecture": Architecture(width=256, blocks=(8, 8, 8, 8)).to_dict()}, "not those of the stated network"),
        ({"held_out": math.inf}, "can't be read"),
        ({"held_out": True}, "no virality network has"),
        ({"centre": 10**400}, "no virality network has"),
        ({"data": {"x": math.nan}}, "can't be read"),
    ],
)
def test_another_checkpoint_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    run = make_run(tmp_path / "run")
    plain = json.loads((run / "model.json").read_text())
    (run / "model.json").write_text(json.dumps({**plain, **changes}))
    with pytest.raises(WeightsError, match=said) as caught:
        add(str(run))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [torch.int8, torch.bool, torch.complex64])
def test_tensors_of_another_kind_are_refused(tmp_path: Path, kind: torch.dtype) -> None:
    run = make_run(tmp_path / "run")
    network, card = r2plus1d_checkpoint.load(run)
    tensors = {name: tensor.to(kind) for name, tensor in network.state_dict().items()}
    r2plus1d_checkpoint.save(run, tensors, card)
    with pytest.raises(WeightsError, match="not those of the stated network"):
        add(str(run))


def test_a_network_that_answers_with_no_number_skips_its_signal_only(drawn_clip: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    network, card = r2plus1d_checkpoint.load(run)
    huge = {
        name: torch.full_like(tensor, 3e38) if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    r2plus1d_checkpoint.save(run, huge, card)
    add(str(run))
    report = score_reel(drawn_clip, scorers=load_scorers("lite", device="cpu"))
    (skipped,) = [one for one in report.skipped if one.name == "virality"]
    assert "no valid numbers" in skipped.reason


def test_a_damaged_manifest_of_ones_own_is_named_and_nothing_is_left(own: Path, tmp_path: Path) -> None:
    own.mkdir()
    for content in (b"\xff\xfe", b"[bad"):
        (own / "manifest.toml").write_bytes(content)
        with pytest.raises(WeightsError, match=r"manifest\.toml"):
            add(str(make_run(tmp_path / "run")))
        assert [path.name for path in own.iterdir()] == ["manifest.toml"]


def test_a_hub_out_of_reach_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    run = make_run(tmp_path / "run")
    with pytest.raises(WeightsError, match="did not give"):
        add("owner/name")
    with pytest.raises(WeightsError, match="can't be uploaded"):
        push(run, "owner/name")


def test_the_wrong_task_and_no_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "run")
    with pytest.raises(WeightsError, match="trained for classification, not for regression"):
        add(str(run), "regression")
    with pytest.raises(UsageError, match="no folder"):
        add("not/a/place")
    assert main(["weights", "add", str(run), "--task", "classification"]) == 0
    assert "for classification" in capsys.readouterr().out

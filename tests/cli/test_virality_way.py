"""The whole way at a small size, by commands alone: preprocess, train, evaluate, weights add, score, push, add anew."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples import moving_videos
from tests.models.weights.conftest import COMMIT, cache, hub
from tests.models.weights.local_hub import LocalHub
from virality_core.cli import main
from virality_core.cli.train import NUMBERS
from virality_core.models import weights
from virality_core.training.virality.settings import TrainSettings

__all__ = ["cache", "hub"]  # fixtures

pytestmark = [pytest.mark.xdist_group("virality-way"), pytest.mark.timeout(600)]

NETWORK = "--width 2 --blocks 1,1,1,1 --resize 24x24 --side 16 --clips 2 --from-scratch --device cpu"
QUICK = f"{NETWORK} --epochs 2 --batch 4 --accumulate 1 --workers 0"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with generated videos, their manifest and a trained run of each task."""
    folder = tmp_path_factory.mktemp("way")
    videos = folder / "videos"
    moving_videos.make(videos, 30, authors=10)
    assert main(["preprocess", str(videos / "posts.json"), "--videos", str(videos), "--out", str(folder / "data")]) == 0
    for task in ("classification", "regression"):
        paths = ["--data", str(folder / "data"), "--out", str(folder / task)]
        assert main(["train", "virality", "--task", task, *paths, *QUICK.split()]) == 0
        assert main(["evaluate", "virality", str(folder / task), "--data", str(folder / "data")]) == 0
    return folder


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIRALITY_WEIGHTS_DIR", str(tmp_path / "own"))
    return tmp_path / "own"


def test_the_options_are_the_settings() -> None:
    kinds = {"int": int, "float": float}
    fields = TrainSettings.__dataclass_fields__
    assert {name: kind for name, (kind, _) in NUMBERS.items()} == {
        name: kinds[str(field.type)] for name, field in fields.items() if str(field.type) in kinds
    }
    for name, (_, text) in NUMBERS.items():
        assert f"default {fields[name].default:g}" in text, name


def test_an_evaluation_holds_everything(place: Path) -> None:
    for task, figures, drawn in (
        ("classification", {"accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc", "brier"}, 4),
        ("regression", {"mse", "rmse", "mae", "r2", "spearman", "pearson"}, 2),
    ):
        folder = place / task / "evaluation"
        found = json.loads((folder / "metrics.json").read_text())
        assert set(found["model"]["figures"]) == figures
        assert set(found["baselines"]) == {"constant", "followers only", "metadata only"}
        assert len(found["plots"]) == drawn
        assert all((folder / name).is_file() for name in found["plots"])
        shown = [*found["predictions"]["best"], *found["predictions"]["worst"]]
        assert shown
        assert all((folder / post["thumbnail"]).is_file() for post in shown)
        assert all(post["likes"] is not None and post["caption"].startswith("clip ") for post in shown)
        page = (folder / "index.html").read_text()
        assert page.count("data:image/") == drawn + len(shown)
        assert sorted(one.suffix for one in folder.iterdir() if one.is_file()) == [".html", ".json"]


def test_the_run_leaves_safetensors_json_and_logs_alone(place: Path) -> None:
    run = place / "classification"
    kinds = {path.suffix for path in run.iterdir() if path.is_file()}
    assert kinds == {".safetensors", ".json", ".csv"}
    assert list((run / "tensorboard").iterdir()), "TensorBoard's events"
    assert list((run / "cache").glob("*.npy"))


def test_score_with_the_added_model(
    place: Path, own: Path, drawn_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for task in ("classification", "regression"):
        assert main(["weights", "add", str(place / task)]) == 0
    capsys.readouterr()
    assert main(["score", str(drawn_clip), "--profile", "lite", "--json", "-"]) == 0
    signals = {one["name"]: one for one in json.loads(capsys.readouterr().out)["signals"]}
    details = signals["virality"]["details"]
    assert 0 <= details["probability"]["value"] <= 1
    assert 0 <= details["score"]["value"] <= 1
    assert len(signals["virality"]["timeline"]["seconds"]) == 2
    assert main(["weights", "verify", "virality-classification"]) == 0


def test_what_is_asked_wrongly_is_one_sentence(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(place / "data")]
    run = str(place / "classification")
    taken = str(place / "data" / "manifest.json")
    for argv, code in (
        (["evaluate", "virality", str(tmp_path), *data], 3),
        (["evaluate", "virality", run, "--data", str(tmp_path)], 3),
        (["train", "virality", "--task", "regression", *data, "--out", run, *QUICK.split()], 2),
        (["train", "virality", "--task", "regression", *data, "--out", taken, *QUICK.split()], 2),
        (["evaluate", "virality", run, *data, "--out", taken], 2),
        (["preprocess", "posts.json", "--videos", str(place), "--out", taken], 2),
        (["train", "virality", "--task", "regression", *data, "--out", str(tmp_path / "x"), "--epochs", "0"], 2),
        (["train", "virality", "--task", "regression", *data, "--out", str(tmp_path / "x"), "--blocks", "1,2"], 2),
        (["train", "virality", "--task", "regression", *data, "--out", str(tmp_path / "x"), "--resize", "9x-1"], 2),
        (["push", run, "no-owner"], 2),
        (["push", str(tmp_path), "owner/name"], 3),
    ):
        capsys.readouterr()
        assert main(argv) == code, argv
        assert capsys.readouterr().err.strip().count("\n") == 0, argv


class UploadHub(LocalHub):
    """The local hub, taking commits too, as the Hub does for files that it keeps in git."""

    def __post_init__(self) -> None:
        super().__post_init__()
        hub, handler = self, self._server.RequestHandlerClass
        self.created: list[dict[str, Any]] = []

        def commit(request: Any) -> None:
            body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
            request.close_connection = True
            if request.path == "/api/repos/create":
                hub.created.append(json.loads(body))
                answer: dict[str, Any] = {"url": f"{hub.url}/someone/model"}
            elif request.path == "/api/validate-yaml":
                answer = {"errors": [], "warnings": []}
            elif "/preupload/" in request.path:
                files = [one["path"] for one in json.loads(body)["files"]]
                answer = {"files": [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in files]}
            else:
                assert request.path == "/api/models/someone/model/commit/main", request.path
                for line in map(json.loads, body.splitlines()):
                    if line["key"] == "file":
                        content = base64.b64decode(line["value"]["content"])
                        hub.add_hub_file("someone/model", COMMIT, line["value"]["path"], content)
                        hub.add_hub_file("someone/model", "main", line["value"]["path"], content)
                        hub._files[f"/someone/model/resolve/main/{line['value']['path']}"][1]["X-Repo-Commit"] = COMMIT
                answer = {"commitUrl": f"{hub.url}/someone/model/commit/{COMMIT}", "commitOid": COMMIT, "success": True}
            data = json.dumps(answer).encode()
            request.send_response(200)
            request.send_header("Content-Type", "application/json")
            request.send_header("Connection", "close")  # else the client may ask again where nobody listens any more
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data)

        handler.do_POST = commit  # type: ignore[attr-defined]


@pytest.fixture
def hub() -> Iterator[LocalHub]:  # noqa: F811  (the one that also takes commits)
    with UploadHub() as running:
        yield running


def test_pushed_and_added_from_the_hub(
    place: Path,
    own: Path,
    cache: Path,
    hub: UploadHub,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_for_the_test")
    assert main(["push", str(place / "regression"), "someone/model"]) == 0
    assert capsys.readouterr().out.strip() == f"{hub.url}/someone/model"
    assert hub.created[0]["name"] == "model"
    assert hub.created[0].get("visibility", "private") == "private"
    sent = {path.rpartition("/main/")[2] for path in hub._files if "/main/" in path}
    assert sent == {
        "model.safetensors",
        "model.json",
        "README.md",
        "metrics.json",
        "plots/predicted.png",
        "plots/residuals.png",
    }
    card = hub._files["/someone/model/resolve/main/README.md"][0].decode()
    figures = json.loads((place / "regression" / "evaluation" / "metrics.json").read_text())
    assert f"{figures['model']['figures']['mae']['value']:.3f}" in card
    assert "followers only" in card
    assert "clip 1" not in hub._files["/someone/model/resolve/main/metrics.json"][0].decode(), "no captions are sent"
    assert main(["weights", "add", "someone/model"]) == 0
    capsys.readouterr()
    added = weights.entry("virality-regression")
    assert weights.resolve(added.id).read_bytes() == (place / "regression" / "model.safetensors").read_bytes()

    hub.add_hub_file("someone/model", "main", "model.safetensors", b"another file")
    hub._files["/someone/model/resolve/main/model.safetensors"][1]["X-Repo-Commit"] = COMMIT
    assert main(["weights", "add", "someone/nothing"]) == 3
    assert weights.entry("virality-regression") == added, "what was added before stays"


@pytest.mark.parametrize(
    "odd", ["--side 9000", "--side 7", "--resize 9999x9999", "--width 0", "--blocks 1,1,1,99", "--dropout nan"]
)
def test_an_odd_setting_is_bad_use_in_plain_words(tmp_path: Path, capsys: pytest.CaptureFixture[str], odd: str) -> None:
    paths = ["--data", str(tmp_path), "--out", str(tmp_path / "x")]
    assert main(["train", "virality", "--task", "regression", *paths, *odd.split()]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Architecture(" not in said
    assert "ClipInput(" not in said

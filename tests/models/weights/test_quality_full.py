"""The full quality model from a local file server: both files fetched, checked, loaded and asked."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants

from recipes.vsfa import measure
from tests.media.clips import Clip
from tests.models.weights.conftest import Write, url_block
from tests.models.weights.local_hub import LocalHub
from virality_core.errors import WeightsError
from virality_core.media import open_reel
from virality_core.models import weights
from virality_core.models.vision import vsfa
from virality_core.models.weights import DigestMismatch
from virality_core.scorers.picture.quality import QualityDetails, QualityScorer
from virality_core.types import Post, Signal, Skipped


@pytest.fixture(scope="module")
def short_clip(make_clip: Callable[..., Clip]) -> Path:
    """Twelve small frames: every one goes through a ResNet-50."""
    return make_clip(frames=12, width=96, height=160).path


def _saved(network: torch.nn.Module) -> bytes:
    content = io.BytesIO()
    torch.save(network.state_dict(), content)
    return content.getvalue()


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    """A random ResNet-50 and a random head, shaped as the published files are."""
    from torchvision.models import resnet50

    torch.manual_seed(3)
    backbone, head = resnet50(weights=None), vsfa.QualityHead()
    torch.nn.init.normal_(head.q.weight, std=0.01)
    torch.nn.init.constant_(head.q.bias, 0.6)
    return {"vsfa-resnet50": _saved(backbone), "vsfa-head": _saved(head)}


@pytest.fixture
def served(contents: dict[str, bytes], hub: LocalHub, write_manifest: Write) -> LocalHub:
    """Both files on the local server, and a manifest that names them as the shipped one does."""
    blocks = []
    for identifier, content in contents.items():
        shipped = weights.entry(identifier)
        url = hub.add_url("/" + shipped.file, content)
        digest = hashlib.sha256(content).hexdigest()
        blocks.append(
            url_block(url, identifier, component="quality", file=shipped.file, bytes=len(content), sha256=digest)
        )
    write_manifest(*blocks)
    return hub


def _score(scorer: QualityScorer, path: Path) -> Signal | Skipped:
    (answer,) = scorer.score(open_reel(path, scorer.plan), Post(), lambda _stage, _fraction: None)
    return answer


def test_full_is_fetched_once_and_answers(served: LocalHub, contents: dict[str, bytes], short_clip: Path) -> None:
    scorer = QualityScorer(profile="full", device=torch.device("cpu"))
    signal = _score(scorer, short_clip)
    assert isinstance(signal, Signal)
    assert signal.model is not None
    assert (signal.model.id, signal.model.variant) == ("vsfa-head", "full")
    assert signal.model.sha256 == hashlib.sha256(contents["vsfa-head"]).hexdigest()
    assert signal.timeline is not None
    assert signal.percentile is not None
    assert signal.percentile == signal.desirability
    assert "KoNViD-1k" in signal.reference

    # The same by hand: the stills, as they are (the clip is smaller than 960 × 540), through both networks.
    reel = open_reel(short_clip, scorer.plan)
    backbone = torch.load(io.BytesIO(contents["vsfa-resnet50"]), weights_only=True)
    head = vsfa.QualityHead().eval()
    head.load_state_dict(torch.load(io.BytesIO(contents["vsfa-head"]), weights_only=True))
    features = vsfa.features_of(vsfa.build_features(backbone), reel.frames.rgb)
    details = signal.details
    assert isinstance(details, QualityDetails)
    with torch.inference_mode():
        video, frames = head(features[None], torch.tensor([len(features)]), tau=details.tau_frames)
    assert signal.value == pytest.approx(float(video[0]), abs=1e-5)
    assert np.abs(signal.timeline.values - frames[0].numpy()).max() < 1e-5

    asked = served.count("GET")
    assert asked == 2
    QualityScorer(profile="auto", device=torch.device("cpu"))
    assert served.count("GET") == asked, "the second time the cache answers"


def test_every_frame_is_the_published_protocol(served: LocalHub, short_clip: Path) -> None:
    scorer = QualityScorer(profile="full", device=torch.device("cpu"))
    signal = scorer.score_every_frame(short_clip, lambda _stage, _fraction: None)
    assert isinstance(signal, Signal)
    assert signal.timeline is not None
    assert len(signal.timeline.seconds) == 12
    assert isinstance(signal.details, QualityDetails)
    assert signal.details.tau_frames == 12
    assert "every frame" in signal.details.protocol


def test_the_protocols_are_compared(
    served: LocalHub, short_clip: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With random weights the figures mean nothing; that both protocols ran, and how they are compared, shows."""
    assert measure.main([str(short_clip)]) == 0
    result = json.loads(capsys.readouterr().out)
    (row,) = result["videos"]
    assert row["frames"] == 12
    assert result["largest_difference"] == pytest.approx(abs(row["every_frame"] - row["sampled"]))
    assert result["rank_agreement"] is None
    assert measure.main([str(tmp_path / "missing.mp4")]) == 3
    assert "missing.mp4" in capsys.readouterr().err


def test_another_digest_is_refused(served: LocalHub, contents: dict[str, bytes]) -> None:
    served.add_url("/VSFA.pt", contents["vsfa-head"][:-1] + b"x")
    for profile in ("full", "auto"):
        with pytest.raises(DigestMismatch):
            QualityScorer(profile=profile)


def test_out_of_reach_full_is_an_error_and_the_rest_answers_without(
    served: LocalHub, drawn_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`auto` takes the bundled model; where none is bundled it says why there is no answer."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="quality"):
        QualityScorer(profile="full")
    bundled = any(item.component == "quality" and item.variant == "lite" for item in weights.entries())
    for profile in ("auto", "lite"):
        answer = _score(QualityScorer(profile=profile), drawn_clip)
        assert isinstance(answer, Signal if bundled else Skipped)
        if isinstance(answer, Skipped):
            assert "quality" in answer.reason
    assert served.asked == []


def test_the_shipped_manifest_pins_the_published_files() -> None:
    resnet, head = weights.entry("vsfa-resnet50"), weights.entry("vsfa-head")
    assert resnet.url == "https://download.pytorch.org/models/resnet50-0676ba61.pth"
    assert resnet.size_bytes == 102_530_333
    assert resnet.sha256 == "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a"
    assert head.url is not None
    assert "/b78751b58b05321aea0f13ee913b4bee1531a233/" in head.url
    assert head.size_bytes == 2_227_645
    assert head.sha256 == "07ce3eab277f3351b989f8d9b39fd22507262a9daf05a309eee4106ab2a0e57b"

"""Which variant a profile takes: lite asks no network, full insists, auto tries and says why."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.models.weights.conftest import COMMIT, CONTENT, REPOSITORY, Write, block, files_under
from tests.models.weights.local_hub import LocalHub
from virality_core.errors import Cancelled, WeightsError
from virality_core.models import weights
from virality_core.models.weights import download
from virality_core.types import Profile

LITE = b"small and bundled"


def _lite_block() -> dict[str, str | int]:
    import hashlib

    return block(
        "some-lite",
        variant="lite",
        source="bundled",
        repository=None,
        revision=None,
        file="lite/model.safetensors",
        bytes=len(LITE),
        sha256=hashlib.sha256(LITE).hexdigest(),
    )


@pytest.fixture
def both(hub: LocalHub, write_manifest: Write, tmp_path: Path) -> None:
    """A component with a bundled lite variant and a full one of two hub files."""
    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", CONTENT)
    hub.add_hub_file(REPOSITORY, COMMIT, "config.json", b"{}")
    config = block("some-config", file="config.json", bytes=None, sha256=None)
    write_manifest(_lite_block(), block(), config)
    (tmp_path / "weights" / "lite").mkdir()
    (tmp_path / "weights" / "lite" / "model.safetensors").write_bytes(LITE)


def test_lite_takes_the_bundled_and_asks_nobody(both: None, hub: LocalHub) -> None:
    files = weights.resolve_component("testing", "lite")
    assert files.path.read_bytes() == LITE
    assert files.variant == "lite"
    assert not files.fell_back
    assert files.model_info().id == "some-lite"
    assert hub.asked == []


def test_lite_stays_lite_where_full_is_cached(both: None, hub: LocalHub) -> None:
    weights.resolve_component("testing", "full")
    assert weights.resolve_component("testing", "lite").model_info().id == "some-lite"


@pytest.mark.parametrize("profile", ["full", "auto"])
def test_full_and_auto_take_the_best_within_reach(both: None, hub: LocalHub, profile: Profile) -> None:
    files = weights.resolve_component("testing", profile)
    assert files.variant == "full"
    assert files.reason == "downloaded"
    assert files.paths["some-model"].read_bytes() == CONTENT
    assert files.paths["some-config"].parent == files.paths["some-model"].parent, "side by side for transformers"
    assert files.model_info("some-model").variant == "full"


@pytest.mark.parametrize("profile", ["full", "auto"])
def test_cached_weights_need_no_network(both: None, hub: LocalHub, profile: Profile) -> None:
    weights.resolve_component("testing", "full")
    hub.stop()
    asked = len(hub.asked)
    download.forget_hosts()
    files = weights.resolve_component("testing", profile)
    assert files.variant == "full"
    assert files.reason == "on this machine"
    assert len(hub.asked) == asked


def test_out_of_reach_full_is_an_error_and_auto_is_lite(both: None, hub: LocalHub) -> None:
    hub.stop()
    start = time.monotonic()
    with pytest.raises(WeightsError, match="full weights for testing are not available"):
        weights.resolve_component("testing", "full")
    files = weights.resolve_component("testing", "auto")
    assert time.monotonic() - start < 5
    assert files.variant == "lite"
    assert files.fell_back
    assert "can't be reached" in files.reason


def test_offline_is_said(both: None, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in weights.resolve_component("testing", "auto").reason
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE"):
        weights.resolve_component("testing", "full")
    assert hub.asked == []


def test_auto_falls_back_when_the_download_fails(both: None, hub: LocalHub, cache: Path) -> None:
    """The hub answers, but has not got the file: auto runs lite and says so; full is an error."""
    hub._files.clear()
    files = weights.resolve_component("testing", "auto")
    assert files.path.read_bytes() == LITE
    assert files.fell_back
    assert "some-model" in files.reason
    with pytest.raises(WeightsError, match="some-model"):
        weights.resolve_component("testing", "full")
    assert files_under(cache) == []


def test_auto_never_looks_past_a_wrong_digest(both: None, hub: LocalHub) -> None:
    hub.add_hub_file(REPOSITORY, COMMIT, "model.safetensors", CONTENT[::-1])
    with pytest.raises(weights.DigestMismatch):
        weights.resolve_component("testing", "auto")


def test_cancelling_a_download_is_not_a_failure_of_it(both: None) -> None:
    def stop(stage: str, fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        weights.resolve_component("testing", "auto", stop)


def test_a_component_with_no_lite_variant(write_manifest: Write, hub: LocalHub) -> None:
    write_manifest(block())
    with pytest.raises(WeightsError, match="bundles no weights for testing"):
        weights.resolve_component("testing", "lite")
    hub.stop()
    with pytest.raises(WeightsError, match="The weights for testing are not available"):
        weights.resolve_component("testing", "auto")
    with pytest.raises(WeightsError, match="no weights for nonsense"):
        weights.resolve_component("nonsense", "auto")


@pytest.mark.parametrize(("profile", "variant"), [("lite", "lite"), ("full", "full"), ("auto", "full")])
def test_bundled_weights_that_are_the_best_serve_every_profile(profile: Profile, variant: str) -> None:
    """NIMA: bundled, and the best there is."""
    files = weights.resolve_component("aesthetics", profile)
    assert list(files.paths) == ["nima-mobilenet-ava"]
    assert files.variant == variant
    assert not files.fell_back

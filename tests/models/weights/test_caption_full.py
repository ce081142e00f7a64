"""The full caption model from a local hub: downloaded, refused where its digest differs, cached, offline."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.models.made_roberta import MadeRoberta, made_roberta
from tests.models.weights.conftest import COMMIT, Write, block
from tests.models.weights.local_hub import LocalHub
from virality_core.errors import WeightsError
from virality_core.models import weights
from virality_core.models.weights import DigestMismatch
from virality_core.scorers.caption.sentiment import SentimentReader

REPOSITORY = "cardiffnlp/twitter-roberta-base-sentiment-latest"
FILES = {
    "caption-roberta": "pytorch_model.bin",
    "caption-roberta-config": "config.json",
    "caption-roberta-vocab": "vocab.json",
    "caption-roberta-merges": "merges.txt",
}


@pytest.fixture
def made(hub: LocalHub, write_manifest: Write, tmp_path: Path) -> MadeRoberta:
    """A random RoBERTa on the local hub, and a manifest that names its files as the shipped one does."""
    made = made_roberta(tmp_path / "made")
    blocks = []
    for identifier, file in FILES.items():
        content = (made.folder / file).read_bytes()
        hub.add_hub_file(REPOSITORY, COMMIT, file, content)
        digest = hashlib.sha256(content).hexdigest() if file.endswith(".bin") else None
        blocks.append(
            block(identifier, component="caption", repository=REPOSITORY, file=file, bytes=None, sha256=digest)
        )
    write_manifest(*blocks)
    return made


def test_full_downloads_once_and_reads(made: MadeRoberta, hub: LocalHub) -> None:
    reader = SentimentReader(profile="full")
    assert reader.model.id == "caption-roberta"
    assert reader.model.variant == "full"
    expected = made.load()
    text = "I love the goose @some_one 😍"
    assert reader.probabilities(text) == pytest.approx(expected.probabilities(expected.read(text)).tolist(), abs=1e-6)
    asked = hub.count("GET")
    assert asked == len(FILES)
    assert reader.read(text).tokens == SentimentReader(profile="full").read(text).tokens
    assert hub.count("GET") == asked, "the second time the cache answers"


def test_another_digest_is_refused(made: MadeRoberta, hub: LocalHub) -> None:
    hub.add_hub_file(
        REPOSITORY, COMMIT, "pytorch_model.bin", (made.folder / "pytorch_model.bin").read_bytes()[:-1] + b"x"
    )
    for profile in ("full", "auto"):
        with pytest.raises(DigestMismatch):
            SentimentReader(profile=profile)


def test_offline_full_is_an_error_and_auto_is_lite(
    made: MadeRoberta, hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="caption"):
        SentimentReader(profile="full")
    reader = SentimentReader(profile="auto")
    assert reader.model.id == "caption-minilm"
    assert reader.model.variant == "lite"


def test_offline_full_reads_from_the_cache(made: MadeRoberta, hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    SentimentReader(profile="full")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.status = 500
    assert SentimentReader(profile="auto").model.id == "caption-roberta"


def test_lite_asks_nobody(made: MadeRoberta, hub: LocalHub) -> None:
    assert SentimentReader(profile="lite").model.id == "caption-minilm"
    assert hub.asked == []


def test_the_shipped_manifest_pins_the_published_model() -> None:
    known = {item.id: item for item in weights.entries()}
    assert set(FILES) <= set(known)
    for identifier, file in FILES.items():
        entry = known[identifier]
        assert (entry.repository, entry.file, entry.variant) == (REPOSITORY, file, "full")
        assert entry.revision == "3216a57f2a0d9c45a2e6c20157c20c49fb4bf9c7"
    assert known["caption-roberta"].sha256 == "4d24a3e32a88ed1c4e5b789fc6644e2e767500554e954b27dccf52a8e762cbae"

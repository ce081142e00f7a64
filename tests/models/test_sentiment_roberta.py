"""The full model reads and computes what transformers' own pipeline does, on a right-shaped random RoBERTa."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import pipeline

from tests.models.made_roberta import MadeRoberta, made_roberta
from virality_core.errors import WeightsError
from virality_core.models.language.roberta import MAX_TOKENS, RobertaSentiment, preprocess

TEXTS = (
    "the love",
    "I love the goose @some_one, see https://t.co/abc?x=1 and http",
    "@ alone, @@two and a@b.c",
    "  two  spaces and\nlines\t@not_after_a_space ",
    "😍😍 ❤️ #BestDayEver 👩‍🚀",
    "zero\0width \u200d\u200b joiners",
    "مرحبا بكم في قناتي",
    "goo " * 900,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeRoberta:
    return made_roberta(tmp_path_factory.mktemp("roberta"))


@pytest.fixture(scope="module")
def model(made: MadeRoberta) -> RobertaSentiment:
    return made.load()


def card_preprocess(text: str) -> str:
    """As the model's card states it."""
    said = []
    for word in text.split(" "):
        word = "@user" if word.startswith("@") and len(word) > 1 else word
        said.append("http" if word.startswith("http") else word)
    return " ".join(said)


@pytest.mark.parametrize("text", TEXTS)
def test_equals_the_pipeline_of_transformers(made: MadeRoberta, model: RobertaSentiment, text: str) -> None:
    theirs = pipeline("text-classification", model=str(made.folder), tokenizer=str(made.folder), top_k=None)
    (said,) = theirs([card_preprocess(text[:5000])], truncation=True, max_length=MAX_TOKENS)
    expected = {answer["label"]: answer["score"] for answer in said}
    negative, neutral, positive = model.probabilities(model.read(text)).tolist()
    assert negative == pytest.approx(expected["negative"], abs=1e-5)
    assert neutral == pytest.approx(expected["neutral"], abs=1e-5)
    assert positive == pytest.approx(expected["positive"], abs=1e-5)


def test_the_texts_tell_the_model_apart(model: RobertaSentiment) -> None:
    """Or the comparison above could not fail."""
    found = {round(model.probabilities(model.read(text))[0].item(), 4) for text in TEXTS}
    assert len(found) > len(TEXTS) // 2


@pytest.mark.parametrize("text", [*TEXTS, "", " ", "@a @b", "http://x", "x @y"])
def test_preprocessing_keeps_the_place_of_each_character(text: str) -> None:
    plain, places = preprocess(text)
    assert plain == card_preprocess(text)
    assert len(places) == len(plain) + 1
    assert places[-1] == len(text)
    assert places == sorted(places)
    for letter, place in zip(plain, places, strict=False):
        assert text[place] == letter or plain.find("@user") >= 0 or plain.find("http") >= 0


def test_a_lone_surrogate_is_read_as_a_replacement_character(model: RobertaSentiment) -> None:
    assert preprocess("a \ud800b")[0] == "a \ufffdb"
    assert model.read("a \ud800b").ids == model.read("a \ufffdb").ids


def test_a_long_caption_is_cut_where_it_says(model: RobertaSentiment) -> None:
    text = "goo " * 900
    reading = model.read(text)
    assert len(reading.ids) == MAX_TOKENS
    assert reading.words[-1].end <= reading.read_to < len(text)
    assert model.read("goo " * 5).read_to == 20


def test_other_labels_are_refused(made: MadeRoberta, tmp_path: Path) -> None:
    config = json.loads((made.folder / "config.json").read_text(encoding="utf-8"))
    config["id2label"] = {"0": "positive", "1": "neutral", "2": "negative"}
    changed = tmp_path / "config.json"
    changed.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(WeightsError, match="labels positive"):
        RobertaSentiment(
            made.tensors, config=changed, vocabulary=made.folder / "vocab.json", merges=made.folder / "merges.txt"
        )

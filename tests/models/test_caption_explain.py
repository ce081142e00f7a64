"""Explanations add up, point the right way, and belong to the words as typed: for both models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.models.made_roberta import made_roberta
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.language.minilm import MAX_TOKENS, MiniLMSentiment
from virality_core.models.language.owen_values import explain
from virality_core.models.language.sentiment_model import SentimentModel

TEXTS = (
    "I absolutely love this 😍😍 #BestDayEver",
    "not good at all, what a waste of money 😡 http://x.y/z",
    "Match starts at 10:30 @some_one",
    "a\0b \ud800 <b>hi</b> &amp; bye",
    "مرحبا بكم في قناتي",
    "😭",
)


@pytest.fixture(scope="module")
def lite() -> MiniLMSentiment:
    paths = weights.resolve_component("caption", "lite").paths
    return MiniLMSentiment(load_tensors(paths["caption-minilm"]), paths["caption-minilm-vocab"])


@pytest.fixture(scope="module", params=["lite", "full"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SentimentModel:
    if request.param == "lite":
        chosen: SentimentModel = request.getfixturevalue("lite")
        return chosen
    return made_roberta(tmp_path_factory.mktemp("roberta")).load()


@pytest.mark.parametrize("text", TEXTS)
def test_the_weights_add_up_to_the_change(model: SentimentModel, text: str) -> None:
    found = explain(model, model.read(text))
    assert sum(found.weights) == pytest.approx(found.change, abs=1e-9)
    assert sum(found.probabilities) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("text", TEXTS)
def test_words_are_where_they_were_typed(model: SentimentModel, text: str) -> None:
    reading = model.read(text)
    assert reading.words
    ends = [0]
    for word in reading.words:
        assert ends[-1] <= word.start < word.end <= len(text)
        assert text[word.start : word.end].strip() == text[word.start : word.end]
        ends.append(word.end)
    assert set(reading.word_of_token) <= {-1, *range(len(reading.words))}


def test_a_long_caption_is_explained_too(lite: MiniLMSentiment) -> None:
    text = "I love this song but I hate that awful video and the sad story of it " * 8
    reading = lite.read(text)
    found = explain(lite, reading)
    assert len(found.weights) == len(reading.words) > 80
    assert sum(found.weights) == pytest.approx(found.change, abs=1e-9)


def test_two_words_get_their_exact_shapley_values(lite: MiniLMSentiment) -> None:
    def output(text: str) -> float:
        negative, _, positive = lite.probabilities(lite.read(text)).log().tolist()
        return float(positive - negative)

    alone, other, both, nothing = output("not"), output("good"), output("not good"), output("")
    expected = [(alone - nothing + both - other) / 2, (other - nothing + both - alone) / 2]
    assert explain(lite, lite.read("not good")).weights == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("words", [10, 25, 60, 90])
def test_an_explanation_costs_few_tokens_whatever_the_length(lite: MiniLMSentiment, words: int) -> None:
    asked = 0

    class Counting(MiniLMSentiment):
        def __init__(self) -> None:
            pass

        mask_id = lite.mask_id

        def embed(self, ids: torch.Tensor) -> torch.Tensor:
            nonlocal asked
            asked += ids.numel()
            return lite.embed(ids)

        def from_words(self, words: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
            return lite.from_words(words, mask)

    explain(Counting(), lite.read(" ".join(["lovely", "day", "for", "a", "walk"] * 18).rsplit(" ", 90 - words)[0]))
    assert 0 < asked < 1900


def test_explaining_twice_gives_the_same(model: SentimentModel) -> None:
    reading = model.read(TEXTS[0])
    assert explain(model, reading) == explain(model, reading)


def test_one_emoji_run_hashtag_and_mention_is_one_word(model: SentimentModel) -> None:
    text = "love 😍😍😍 #BestDayEver @some.one"
    assert [text[w.start : w.end] for w in model.read(text).words] == ["love", "😍😍😍", "#BestDayEver", "@some.one"]


def test_the_change_is_that_of_the_model_itself(lite: MiniLMSentiment) -> None:
    reading = lite.read("what a lovely day")
    found = explain(lite, reading)
    p = lite.probabilities(reading)
    assert found.probabilities == pytest.approx(p.tolist(), abs=1e-5)
    assert found.baseline + found.change == pytest.approx(float((p[2] / p[0]).log()), abs=1e-3)


def test_plain_words_push_where_they_should(lite: MiniLMSentiment) -> None:
    text = "I love this song but I hate that awful video"
    reading = lite.read(text)
    pushes = dict(zip([text[w.start : w.end] for w in reading.words], explain(lite, reading).weights, strict=True))
    assert pushes["love"] > 0
    assert pushes["hate"] < 0
    assert pushes["awful"] < 0


def test_no_words_no_weights(model: SentimentModel) -> None:
    for text in ("", " \n ", "\0"):
        reading = model.read(text)
        found = explain(model, reading)
        assert sum(found.weights) == pytest.approx(found.change, abs=1e-3)


def test_a_long_caption_is_cut_and_says_where(lite: MiniLMSentiment) -> None:
    text = "good day " * 6000
    reading = lite.read(text)
    assert len(reading.ids) <= MAX_TOKENS
    assert 0 < reading.read_to < 2000
    assert reading.words[-1].end <= reading.read_to
    assert text[reading.read_to :].startswith(("good", "day"))


def test_a_word_longer_than_the_limit_is_not_read_in_part(lite: MiniLMSentiment) -> None:
    reading = lite.read("#" + "a1" * 200)
    assert reading.words == ()
    assert reading.read_to == 0


def test_padding_changes_nothing(model: SentimentModel) -> None:
    ids = torch.tensor([model.read("good day to you all").ids])
    alone = model.from_words(model.embed(ids))
    padded = torch.cat([ids, torch.full((1, 3), model.mask_id)], dim=1)
    mask = torch.arange(padded.shape[1])[None] < ids.shape[1]
    torch.testing.assert_close(model.from_words(model.embed(padded), mask), alone, atol=1e-4, rtol=1e-4)


def test_weights_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    from virality_core.errors import WeightsError

    made = made_roberta(tmp_path)
    tensors = dict(made.tensors)
    del tensors["classifier.out_proj.weight"]
    with pytest.raises(WeightsError, match="don't fit"):
        made.load(tensors)

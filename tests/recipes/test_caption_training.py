"""Fine-tuning the lite caption model: data kept apart, the recipe's parts, and a run that learns."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from recipes.caption_minilm.finetune import (
    Recipe,
    fit,
    from_sentence_transformers,
    learning_rate,
    load_base,
    mask_tokens,
    measure_state,
    pack,
    pad,
)
from recipes.caption_minilm.tweets import NAMES, batches, label_shares, split, vary
from virality_core.errors import WeightsError
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.language.minilm import CLS, MASK, MiniLM, unpack, wordpiece_tokenizer
from virality_core.training.datasets.labeled_text import Example

_NOUNS = "sun moon road tree cat dog book song game film city lake snow rain wind bread"
WORDS = _NOUNS.split()


def made_tweets(count: int, seed: int) -> list[Example]:
    chance = random.Random(seed)
    letters = "abcdefghijklmnop"
    word = [first + second for first in letters for second in letters]
    return [Example(chance.randrange(3), " ".join(chance.sample(word, 8)) + f" {seed}x{n}") for n in range(count)]


def test_near_duplicates_stay_on_one_side() -> None:
    train = made_tweets(300, 1)
    val = made_tweets(30, 2)
    leak = Example(val[0].label, val[0].text.upper() + " http://t.co/abc @someone")
    twin = Example(train[5].label, train[5].text + " !!!")
    found = split([*train, leak, twin], val)
    assert found.val == val
    assert leak not in found.train + found.held_out
    assert twin not in found.train + found.held_out
    assert found.dropped_like_val == 1
    assert found.dropped_repeats == 1
    assert len(found.train) + len(found.held_out) == 300
    assert 10 < len(found.held_out) < 60
    assert not {e.text for e in found.train} & {e.text for e in found.held_out}


def test_the_split_does_not_depend_on_order() -> None:
    train = made_tweets(200, 3)
    one, other = split(train, []), split(train[::-1], [])
    assert {e.text for e in one.held_out} == {e.text for e in other.held_out}


def test_shares_of_labels() -> None:
    assert label_shares([Example(0, "a"), Example(2, "b"), Example(2, "c"), Example(1, "d")]) == [0.25, 0.25, 0.5]


def test_every_text_is_in_one_batch_of_about_its_length() -> None:
    lengths = [random.Random(0).randrange(5, 60) for _ in range(1000)]
    found = list(batches(lengths, 16, random.Random(1)))
    assert sorted(index for batch in found for index in batch) == list(range(1000))
    spread = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in found]
    assert sum(spread) / len(spread) < 5


def test_variations_keep_the_words_and_add_emoji_of_the_label() -> None:
    chance = random.Random(0)
    texts = {vary(Example(2, "Justin has a new song :)."), chance) for _ in range(500)}
    assert all("has a new song" in text for text in texts)
    assert {text.split()[0] for text in texts} <= set(NAMES)
    assert len({text.split()[0] for text in texts}) > 20
    assert any("😍" in text or "❤" in text or "🎉" in text for text in texts)
    assert not any("😡" in text or "👎" in text for text in texts)


def test_the_rate_rises_falls_and_lands() -> None:
    recipe = Recipe(warmup=0.1, cut=50, landing=20)
    rates = [learning_rate(step, 100, recipe) for step in range(100)]
    assert rates[9] == pytest.approx(1.0)
    assert rates[50] == pytest.approx(50 / 90)
    assert rates[60] == pytest.approx(50 / 90 / 2)
    assert max(rates[70:]) == 0.0
    plain = [learning_rate(step, 100, Recipe(warmup=0.1, cut=0)) for step in range(101)]
    assert plain[100] == 0.0
    assert all(a > b for a, b in pairwise(plain[10:]))


def test_blanks_are_few_and_never_the_first_token_or_padding() -> None:
    torch.manual_seed(0)
    ids, mask = pad([[CLS, *range(1000, 1030)], [CLS, *range(1000, 1010)]] * 500)
    found = mask_tokens(ids, mask)
    assert (found[:, 0] == CLS).all()
    assert (found[~mask] == 0).all()
    assert 0.02 < (found == MASK).float().mean() < 0.06


def test_packing_rounds_by_at_most_half_a_step() -> None:
    torch.manual_seed(0)
    state = {"matrix": torch.randn(50, 40) * torch.logspace(-3, 1, 50)[:, None], "bias": torch.randn(7)}
    packed = pack(state)
    assert packed["matrix"].dtype == torch.int8
    found = unpack(packed)
    assert set(found) == {"matrix", "bias"}
    assert torch.equal(found["bias"], state["bias"])
    step = state["matrix"].abs().amax(1, keepdim=True) / 127
    assert ((found["matrix"] - state["matrix"]).abs() <= step * 0.501).all()


def test_the_encoder_is_bert() -> None:
    """Against transformers' own, with random weights under the published names."""
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, layer_norm_eps=1e-12
    )
    theirs = BertModel(config, add_pooling_layer=False).eval()
    ours = MiniLM().eval()
    head = {name: tensor for name, tensor in ours.state_dict().items() if name.startswith("head.")}
    ours.load_state_dict(from_sentence_transformers(theirs.state_dict()) | head)
    ids, mask = pad([list(range(1000, 1012)), list(range(2000, 2007))])
    with torch.inference_mode():
        hidden = theirs(ids, attention_mask=mask.long()).last_hidden_state
        expected = ours.head((hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True))
        torch.testing.assert_close(ours(ids, mask), expected, atol=1e-5, rtol=1e-4)


def test_another_base_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="not that of all-MiniLM-L6-v2"):
        load_base(tmp_path / "model.safetensors", seed=0)


def test_a_run_learns_and_goes_on_from_its_checkpoint(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """From the shipped encoder with a fresh head, on a rule it does not know: one word tells the label."""
    paths = weights.resolve_component("caption", "lite").paths
    tokenizer = wordpiece_tokenizer(paths["caption-minilm-vocab"])
    chance = random.Random(0)
    telling = ("table", "chair", "window")
    examples = [Example(n % 3, f"{chance.choice(WORDS)} {telling[n % 3]} {chance.choice(WORDS)}") for n in range(120)]
    model = MiniLM()
    encoder = unpack(load_tensors(paths["caption-minilm"]))
    torch.manual_seed(0)
    encoder["head.weight"], encoder["head.bias"] = 0.02 * torch.randn(3, 384), torch.zeros(3)
    model.load_state_dict(encoder)
    model.requires_grad_(False)
    for part in (model.layers[-1], model.head):
        part.requires_grad_(True)
    before = measure_state(encoder, tokenizer, examples).macro_recall
    recipe = Recipe(epochs=2, batch=8, rate=2e-3, averaging=0.5, dropout=0.0, warmup=0.1, cut=0)
    learnt = fit(model, tokenizer, examples, examples, recipe, tmp_path)
    assert measure_state(learnt, tokenizer, examples).macro_recall > max(0.8, before)
    assert torch.equal(learnt["layers.0.wide.weight"], encoder["layers.0.wide.weight"])
    caplog.set_level("INFO")
    again = fit(MiniLM(), tokenizer, examples, examples, recipe, tmp_path)
    assert not caplog.messages, "both epochs were done: nothing is left to train"
    assert all(torch.equal(again[name], learnt[name]) for name in learnt)

"""Which captions are taken for English: few words are no proof of another language, another script is."""

from __future__ import annotations

import pytest

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.language.fasttext_lid import LanguageModel
from virality_core.scorers.caption.language import READ_LANGUAGES, LanguageDetector


@pytest.fixture(scope="module")
def detector() -> LanguageDetector:
    return LanguageDetector()


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel(load_tensors(weights.resolve_component("language", "lite").path))


#: What fasttext-predict 0.9.2.4 gives for lid.176.ftz.
PUBLISHED = {
    "this is so good": ("en", 0.9929),
    "xin chào các bạn": ("vi", 0.9893),
    "hola que tal": ("es", 0.7426),
    "今日はいい天気": ("ja", 0.9485),
    "привет мир": ("ru", 0.6840),
    "สวัสดีครับ": ("th", 0.9997),
    "a b c": ("en", 0.1245),
}


@pytest.mark.parametrize("text", PUBLISHED)
def test_equals_fasttext(model: LanguageModel, text: str) -> None:
    shares = model.shares(text)
    code, share = PUBLISHED[text]
    assert max(shares, key=shares.__getitem__) == code
    assert shares[code] == pytest.approx(share, abs=3e-4)
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("caption", "code"),
    [
        ("Best day of my life with these people", "en"),
        ("lol", "en"),
        ("vibes 🔥 #fyp", "en"),
        ("café vibes this morning", "en"),
        ("xin chào các bạn hôm nay mình đi chơi", "vi"),
        ("hôm nay", "vi"),
        ("hoy les voy a enseñar cómo hacer esta receta tan rica", "es"),
        ("今日はいい天気", "ja"),
        ("привет", "ru"),
        ("", "und"),
        ("😍😍 #fyp #viral @someone https://x.y 2025", "und"),
        ("\0 \ud800", "und"),
    ],
)
def test_captions(detector: LanguageDetector, caption: str, code: str) -> None:
    found = detector.detect(caption)
    if code == "ru":
        assert found.code not in READ_LANGUAGES, "one Cyrillic word: not English, whichever it is"
    else:
        assert found.code == code
    assert (found.english is None) == (code == "und")


def test_the_longest_caption_is_quick(detector: LanguageDetector) -> None:
    assert detector.detect("what a lovely day this is " * 200).code == "en"

"""Whether a caption is in English, by its words: hashtags, mentions, links and emoji don't count."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.language.fasttext_lid import LanguageModel
from virality_core.models.language.text_normalizer import pieces

UNDETERMINED = "und"  # BCP 47's code for a text without a language
READ_LANGUAGES = frozenset({"en", UNDETERMINED})  # what an English model may read: English, or no words at all

#: The probability of English below which a caption is foreign, by its number of words. Few words say little: of English
#: tweets cut to three words, 2.2 % get less than 0.05 (weights/language_lid176/measured.json).
_FOREIGN_BELOW = ((5, 0.05), (3, 0.02))
#: English has few letters beyond a to z: where this share of the words has some, English must be likely. This catches
#: nearly all short Vietnamese captions, which the rule above lets pass.
_ACCENTED_SHARE, _ACCENTED_BELOW = 0.3, 0.5
_MAX_WORDS = 200  # are enough, and keep a 5,000-character caption quick
#: The most common languages online; others are named by their code.
_NAMES = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fa": "Persian", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "ms": "Malay", "nl": "Dutch", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "ta": "Tamil", "te": "Telugu",
    "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip


def language_name(code: str) -> str:
    """A language's English name: `vi` is Vietnamese; its code where the list doesn't have it."""
    return _NAMES.get(code, f"the language “{code}”")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """`code` is the BCP 47 language: `en` also where there are too few words to rule it out, `und` without words.

    `english` is the model's probability of English, None without words.
    """

    code: str
    english: float | None


class LanguageDetector:
    """Tells English captions from others. Holds the bundled fastText model."""

    def __init__(self) -> None:
        """Load the weights. Raises WeightsError where they are missing or damaged."""
        self._model = LanguageModel(load_tensors(weights.resolve_component("language", "lite").path))

    def detect(self, caption: str) -> Language:
        """The language of the caption's words."""
        found = [p.reads for p in pieces(caption, is_known=lambda _: True) if p.kind == "word"]
        words = [word for word in found if any(letter.isalpha() for letter in word)][:_MAX_WORDS]
        if not words:
            return Language(code=UNDETERMINED, english=None)
        shares = self._model.shares(" ".join(words).lower())
        english = shares["en"]
        best = max((code for code in shares if code != "en"), key=shares.__getitem__)
        if not _mostly_latin("".join(words)):
            return Language(code=best, english=english)
        limit = next((limit for least, limit in _FOREIGN_BELOW if len(words) >= least), 0.0)
        if sum(not word.isascii() for word in words) >= _ACCENTED_SHARE * len(words):
            limit = _ACCENTED_BELOW
        return Language(code=best if english < limit else "en", english=english)


def _mostly_latin(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    latin = sum(letter.isascii() or unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return 2 * latin >= len(letters)

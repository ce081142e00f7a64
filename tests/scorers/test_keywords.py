"""What the keyword rules find, where they say it stands, and that no caption can break or stall them."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virality_core.config.platforms import rules_of, visible_characters
from virality_core.models.language.text_normalizer import MAX_CHARACTERS
from virality_core.scorers.caption import keywords
from virality_core.scorers.caption.keywords import FEATURES, Keywords, has_prose, read_keywords
from virality_core.types import to_plain


def words_of(caption: str, rule: str, language: str = "en") -> list[str]:
    reading = read_keywords(caption, language)
    return [span.text for finding in reading.findings if finding.name == rule for span in finding.words]


@pytest.mark.parametrize(
    ("caption", "rule", "words"),
    [
        ("Love this one. Follow me for more!", "call_to_action", ["Follow me"]),
        ("tag someone who needs it", "call_to_action", ["tag someone"]),
        ("LINK IN BIO 🔗", "call_to_action", ["LINK IN BIO"]),
        ("I like the way she walks", "call_to_action", []),
        ("my follow through was bad", "call_to_action", []),
        ("Would you try it", "question", ["Would you"]),
        ("really?!", "question", ["?"]),
        ("I know what I would do", "question", []),
        ("You won’t believe this", "curiosity_gap", ["won’t believe this"]),
        ("and the winner is… #f1", "curiosity_gap", ["is…"]),
        ("Wait for it 😳", "curiosity_gap", ["Wait for it"]),
        ("a nice day", "curiosity_gap", []),
        ("y’all ready for your day", "second_person", ["y’all", "your"]),
        ("his youth", "second_person", []),
        ("Last chance, 3 spots left", "urgency", ["Last chance", "3 spots left"]),
        ("the last one", "urgency", []),
        ("top 5 tips, $20 each, 50% off", "number_or_list", ["5", "$20", "50%"]),
        ("three reasons to go", "number_or_list", ["three reasons"]),
        ("- milk\n- eggs\n- flour", "number_or_list", ["- ", "- "]),
        ("Well - no list", "number_or_list", []),
    ],
)
def test_english_rules(caption: str, rule: str, words: list[str]) -> None:
    assert words_of(caption, rule) == words


@pytest.mark.parametrize(
    ("caption", "rule", "words"),
    [
        ("Nhớ follow mình nha mọi người", "call_to_action", ["Nhớ follow", "nha mọi người"]),
        ("Quán này ngon không", "question", ["không"]),
        ("Không ngon", "question", []),
        ("Đi ăn cưới và cái kết", "curiosity_gap", ["cái kết"]),
        ("CÁC BẠN ơi", "second_person", ["CÁC BẠN"]),
        ("2 mẹ con", "number_or_list", ["2"]),
    ],
)
def test_vietnamese_rules(caption: str, rule: str, words: list[str]) -> None:
    assert words_of(caption, rule, "vi") == words


def test_vietnamese_typed_with_separate_marks_is_read_the_same() -> None:
    apart = unicodedata.normalize("NFD", "Các bạn thấy thế nào")
    assert len(apart) > 20
    assert words_of(apart, "second_person", "vi") == [unicodedata.normalize("NFD", "Các bạn")]


def test_words_in_hashtags_mentions_and_links_fire_nothing() -> None:
    assert not read_keywords("nice #followme @you.there https://a.example/?follow=me", "en").findings


def test_fancy_letters_are_read_and_quoted_as_typed() -> None:
    caption = "🌸 𝓯𝓸𝓵𝓵𝓸𝔀 𝓶𝓮 and ｔｈａｎｋ ｙｏｕ"
    assert words_of(caption, "call_to_action") == ["𝓯𝓸𝓵𝓵𝓸𝔀 𝓶𝓮"]
    assert words_of(caption, "second_person") == ["ｙｏｕ"]


def test_the_first_line_ends_at_the_platforms_cut_or_the_line_break() -> None:
    caption = "word " * 40
    for platform in ("instagram", "tiktok", "youtube"):
        cut = rules_of(platform).visible_characters
        line = read_keywords(caption, "en", platform).first_line
        assert line.text == caption[:cut]
        assert line.hidden_words == 40 - line.words > 0
    assert visible_characters(None) == min(rules_of(p).visible_characters for p in ("instagram", "tiktok", "youtube"))
    line = read_keywords("Hello there\nyou", "en", "tiktok").first_line
    assert (line.text, line.words, line.hidden_words, line.word_length) == ("Hello there", 2, 1, 5.0)
    # Smith and Senter 1967: 4.71 · 5 characters a word + 0.5 · 2 words a sentence − 21.43
    assert line.readability_index == pytest.approx(4.71 * 5 + 0.5 * 2 - 21.43)
    assert read_keywords("Xin chào\nbạn", "vi", "tiktok").first_line.readability_index is None


def test_a_word_cut_in_two_and_hashtags_behind_the_cut_are_hidden() -> None:
    cut = rules_of("tiktok").visible_characters
    line = read_keywords("a" * (cut - 4) + " bcdefghij #one #two", "en", "tiktok").first_line
    assert (line.words, line.hidden_words, line.hidden_hashtags) == (1, 1, 2)
    assert line.word_length == cut - 4
    shown = read_keywords("Short #one", "en", "tiktok").first_line
    assert (shown.words, shown.hidden_words, shown.hidden_hashtags) == (1, 0, 0)
    alone = read_keywords("a" * (cut + 9), "en", "tiktok").first_line  # some scripts put no space between words
    assert (alone.words, alone.hidden_words, alone.word_length) == (1, 0, cut)


def test_features_are_finite_and_complete() -> None:
    reading = read_keywords("Follow me @ann 😀😀 you know 5 things?", "en", "tiktok")
    assert tuple(reading.features) == FEATURES
    assert reading.features["mention"] == reading.features["call_to_action"] == 1.0
    assert reading.features["emoji"] == pytest.approx(1.0986123)
    assert reading.features["length"] == pytest.approx(2.0794415 - 0.1335314, abs=1e-6)  # ln 7: six words and one


def test_languages_without_rules_are_an_error_not_a_guess() -> None:
    assert keywords.languages() == {"en": "English", "vi": "Vietnamese"}
    for language in ("de", "", "../en", "EN"):
        with pytest.raises(KeyError):
            read_keywords("Folgt mir", language)


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("😀😀", False),
        ("#a #b", False),
        ("@a https://b.example", False),
        ("", False),
        (" \x00\ud800", False),
        ("a", True),
    ],
)
def test_prose_is_words_beside_the_marks(caption: str, expected: bool) -> None:
    assert has_prose(caption) is expected


def assert_offsets(caption: str, reading: Keywords) -> None:
    for finding in reading.findings:
        assert finding.words
        for span in finding.words:
            assert caption[span.start : span.end] == span.text
    to_plain(reading)


AWKWARD = [
    "<b>Follow me</b> & <script>alert('you?')</script>",
    "\u202eعاجل follow me \u2067שלום you\u2069 ?",
    "a\x00b follow me \x00",
    "\ud83d follow me \ude00",
    "👩‍👩‍👧‍👦" * 20 + "you?",
    "İSTANBUL follow me İİİ you",
    "ﬁve ﬁngers… you",
    "e\u0301" * 40 + " you",
    "\u0301 follow me",
]


@pytest.mark.parametrize("caption", AWKWARD)
@pytest.mark.parametrize("language", ["en", "vi"])
def test_awkward_captions_keep_their_offsets(caption: str, language: str) -> None:
    assert_offsets(caption, read_keywords(caption, language))


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_offsets_hold_on_any_text(caption: str) -> None:
    for language in ("en", "vi"):
        assert_offsets(caption, read_keywords(caption, language))


PIECES = ["a", " ", "\n", "you ", "wait ", "1.", "1", "- a\n", '"', "…", "'", "\u0301", "e\u0301", "😀", "#", "\ud800"]


@pytest.mark.parametrize("piece", [*PIECES, "follow ", "đừng ", "𝓯𝓸𝓵𝓵𝓸𝔀 "])
@pytest.mark.parametrize("language", ["en", "vi"])
def test_fifty_thousand_characters_take_no_time(piece: str, language: str) -> None:
    caption = (piece * 50_000)[:50_000]
    begun = time.process_time()
    reading = read_keywords(caption, language)
    assert time.process_time() - begun < 3.0
    assert (reading.characters, reading.read_characters) == (50_000, MAX_CHARACTERS)
    assert_offsets(caption, reading)

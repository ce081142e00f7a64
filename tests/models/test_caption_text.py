"""How the lite model reads a caption: what is read for each piece, and where it stood as typed."""

from __future__ import annotations

import pytest

from virality_core.models.language.text_normalizer import MAX_CHARACTERS, Piece, emoji_name, pieces

FAMILY = "👨‍👩‍👧"


def read(text: str) -> list[Piece]:
    return pieces(text, is_known=lambda word: word in {"so", "good", "cool"})


def typed_and_read(text: str) -> list[tuple[str, str]]:
    return [(text[piece.start : piece.end], piece.reads) for piece in read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [  # of "soo" and "so" the one that is a word; of "good" and "god" likewise, whichever the vocabulary knows
        ("It's so good!!!", [("It's", "It's"), ("so", "so"), ("good", "good"), ("!!!", "!!!")]),
        ("soooo goooood", [("soooo", "so"), ("goooood", "good")]),
        ("coooool", [("coooool", "cool")]),
        ("😂😂😂 ❤️", [("😂😂😂", "face with tears of joy"), ("❤️", "red heart")]),
        (f"{FAMILY} 👍🏽 🇻🇳", [(FAMILY, "man woman girl"), ("👍🏽", "thumbs up sign"), ("🇻🇳", "flag")]),
        ("#NewYearSale2026 #fyp", [("#NewYearSale2026", "# New Year Sale 2026"), ("#fyp", "# fyp")]),
        ("@some.one: hi", [("@some.one", "@user"), (":", ":"), ("hi", "hi")]),
        ("see https://t.co/x?y=1 :)", [("see", "see"), ("https://t.co/x?y=1", ""), (":)", "slightly smiling face")]),
        ("I\\u2019d &lt;3 it", [("I\\u2019d", "I'd"), ("&lt;3", "red heart"), ("it", "it")]),
        ("𝓵𝓸𝓿𝓮 it", [("𝓵𝓸𝓿𝓮", "love"), ("it", "it")]),
        ("at 10:30", [("at", "at"), ("10", "10"), (":", ":"), ("30", "30")]),
    ],
)
def test_each_piece_with_its_place(text: str, expected: list[tuple[str, str]]) -> None:
    assert typed_and_read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\0",
        "a\0b \ud800\udfff c",
        "\u200d\u200d\u200b",
        "مرحبا بكم",
        "<script>alert('x')</script>",
        "&#1114112; &#xD800; \\ud800 \\ud83d\\ude00",
        "\u202eabc\u202c",
        "#️⃣ 1️⃣ ###",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "ﷺ½™",
        "🇦 🇻🇳🇻",
    ],
)
def test_offsets_are_in_order_and_within_the_text(text: str) -> None:
    found = read(text)
    assert all(0 <= piece.start < piece.end <= len(text) for piece in found)
    starts = [piece.start for piece in found]
    assert starts == sorted(starts)
    for piece in found:
        piece.reads.encode()  # a lone surrogate would not encode


def test_a_long_caption_is_read_up_to_the_limit() -> None:
    found = read("good " * 10_000)
    assert found[-1].end <= MAX_CHARACTERS
    assert len(found) == MAX_CHARACTERS // 5


def test_what_could_take_long_does_not() -> None:
    for text in ("(" * 5000, "a'" * 2500, "#" * 5000, ":)" * 2500, "&" * 5000, "👨‍" * 2500, "1\u20e3" * 2500):
        read(text)


@pytest.mark.parametrize(
    ("emoji", "name"), [("😭", "loudly crying face"), ("🔥", "fire"), ("🖤", "heart"), ("👏🏿", "clapping hands")]
)
def test_emoji_names(emoji: str, name: str) -> None:
    assert emoji_name(emoji) == name

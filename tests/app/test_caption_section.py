"""The caption under AppTest: read live, explained in words, compared with others, and taken over by the score."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.app.conftest import Page
from ui.form import SAMPLE_CAPTION

OpenPage = Callable[..., Page]


@pytest.fixture
def read(open_page: OpenPage) -> Callable[..., Page]:
    """`read(caption, platform="Any")`: the form with the caption typed and read, no reel."""

    def read_one(caption: str, platform: str = "Any") -> Page:
        page = open_page()
        page.app.text_area(key="caption").set_value(caption)
        page.app.selectbox(key="platform").set_value(platform)
        page.app.button(key="read_caption").click().run()
        assert not page.app.exception
        return page

    return read_one


def test_the_caption_of_the_form_is_read_without_a_reel(read: Callable[..., Page]) -> None:
    page = read("I love this so much, do you? #fyp", "TikTok")
    assert "Words that set the tone" in page.html
    assert "TikTok shows about 80 characters" in page.html
    assert "at most 5 on TikTok" in page.html
    assert page.app.text_area(key="alone-caption").value == "I love this so much, do you? #fyp"
    page.app.text_area(key="alone-caption").set_value("I hate this").run()
    assert "▼" in page.html
    assert "None in this caption." in page.html


def test_an_empty_caption_gets_a_message(read: Callable[..., Page]) -> None:
    page = read("  ")
    assert "There is no caption yet" in page.html
    assert "alone-caption" not in [area.key for area in page.app.text_area]


def test_what_is_hidden_is_counted(read: Callable[..., Page]) -> None:
    page = read("word " * 20 + "#one #two", "TikTok")
    assert "16 words show right away; 4 words and 2 hashtags are hidden" in page.html


def test_words_are_marked_with_signs_and_words_not_only_color(read: Callable[..., Page]) -> None:
    page = read("I love the light but I hate the rain")
    marked = re.findall(
        r'<span class="rv-word rv-(up|down)"[^>]*title="([^"]*)">(\w+)<sup aria-label="([^"]*)">(.)', page.html
    )
    by_word = {word: (side, title, label, sign) for side, title, word, label, sign in marked}
    for word, side, tone, sign in (("love", "up", "positive", "▲"), ("hate", "down", "negative", "▼")):
        assert by_word[word][0] == side
        assert f"more {tone}" in by_word[word][1]
        assert by_word[word][1] == by_word[word][2]
        assert by_word[word][3] == sign


def test_nothing_in_a_caption_is_markup(read: Callable[..., Page]) -> None:
    page = read("<img src=x onerror=alert(1)> **bold** <b>love</b> [a](javascript:alert(2)) #<i>tag</i> follow me")
    shown = page.html.lower()
    for markup in ("<img src=x", "<b>love", "<i>tag", 'href="javascript', "<strong>bold"):
        assert markup not in shown
    assert "&lt;" in shown
    assert not [element for element in page.app.markdown if "bold" in element.value]


def test_hashtags_are_explained_in_words(read: Callable[..., Page]) -> None:
    page = read("I love this light so much #fyp #FYP #zzqqxxyy")
    assert page.html.count("#fyp</b>") + page.html.count("#FYP</b>") == 1
    for words in (
        "Typed 2 times, counted once",
        "likes, comments and shares than expected for the size of the account",
        "TikTok posts from Vietnam, 2025",
        "too common to say anything about the video",
        "not the same as average",
        "in another language than these posts",
    ):
        assert words in page.html
    assert "tiktok-vn" not in page.html
    assert "in another language" not in read("hôm nay mình đi chơi với các bạn #fyp").html


def test_one_word_is_one_word_and_languages_have_names(read: Callable[..., Page]) -> None:
    page = read("hello")
    assert "1 word shows right away" in page.html
    assert "1 words" not in page.html
    assert "You chose no platform" in page.html
    assert "seems to be in French" in read("bonjour le monde, les amis, comment allez-vous ce matin").html
    only_a_tag = read("#fyp").html
    assert "its language is not clear" in only_a_tag
    assert "und " not in only_a_tag


def test_other_captions_show_what_changes(read: Callable[..., Page]) -> None:
    page = read("I hate mornings")
    page.app.text_area(key="alone-variants").set_value("I love mornings!\nFollow me for <b>mornings</b> #a #A").run()
    table = re.search(r'<table class="rv-table rv-variants">.*?</table>', page.html, re.DOTALL)
    assert table is not None
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", table.group(), re.DOTALL)
    assert len(rows) == 3
    assert re.search(r'data-label="Change">▲ \+\d+ percentage points', rows[1])
    assert "+ Call to action" in rows[2]
    assert "&lt;b&gt;mornings" in rows[2]
    assert 'data-label="Hashtags">1<' in rows[2]


def test_a_changed_caption_says_that_the_score_stands_and_can_be_taken_over(
    open_page: OpenPage, drawn_clip_bytes: bytes
) -> None:
    page = open_page()
    page.upload("a.mp4", drawn_clip_bytes, "I love this light so much")
    page.wait_for_result()
    before = page.visit.report
    assert before is not None
    assert "is for your original caption" not in page.html
    page.app.text_area(key="result-caption").set_value("I love this light so much #fyp").run()
    assert "is for your original caption" in page.html
    assert page.visit.report is before
    page.app.button(key="use_caption").click().run()
    after = page.visit.report
    assert after is not None
    assert after.signal("hashtags") is not None
    assert after.score != before.score
    assert f"{after.score:.1f} <small>of 100" in page.html
    assert "is for your original caption" not in page.html
    assert after.provenance.post.caption.endswith("#fyp")
    page.app.button(key="again").click().run()
    assert page.app.text_area(key="caption").value == "I love this light so much #fyp"


def test_the_sample_leaves_what_was_typed(open_page: OpenPage) -> None:
    page = open_page()
    page.app.text_area(key="caption").set_value("my own words")
    page.app.button(key="try_sample").click().run()
    page.wait_for_result()
    assert page.visit.post.caption == SAMPLE_CAPTION
    page.app.button(key="again").click().run()
    assert page.app.text_area(key="caption").value == "my own words"


def test_signals_without_weight_stand_apart(open_page: OpenPage, drawn_clip_bytes: bytes) -> None:
    page = open_page()
    page.upload("a.mp4", drawn_clip_bytes, "I love this light so much")
    page.wait_for_result()
    missing, without_weight = page.html.index("Not measured"), page.html.index("Shown but not scored")
    assert missing < page.html.index("<b>Hashtags</b>: There are no hashtags") < without_weight
    for words in ("<b>Keywords</b>: ", "<b>Sentiment</b>: "):
        assert page.html.index(words) > without_weight

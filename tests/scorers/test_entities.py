"""Hashtags, mentions, links and emoji as the platforms parse them, with offsets that hold on any text."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virality_core.scorers.caption.entities import Entities, find_entities, hashtag_key

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def tags(caption: str) -> list[str]:
    return [tag.key for tag in find_entities(caption).hashtags]


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("#fyp #viral", ["fyp", "viral"]),
        ("#FYP", ["fyp"]),
        ("＃日本語 #日本語", ["日本語", "日本語"]),
        ("#2025 #1", ["2025", "1"]),
        ("#one#two word#three", ["one", "two", "three"]),
        ("##double", ["double"]),
        ("#xuhướng #dễthương!", ["xuhướng", "dễthương"]),
        ("#กรุงเทพ ของ", ["กรุงเทพ"]),
        ("#हिन्दी", ["हिन्दी"]),
        ("#سورايا_العراق #می‌خواهم", ["سورايا_العراق", "می‌خواهم"]),
        ("#fypシ゚viral", ["fypシ゚viral"]),
        ("#love❤️ #❤️ #🇻🇳", ["love❤", "❤", "🇻🇳"]),
        ("#👨‍👩‍👧 #🏳️‍🌈", ["👨‍👩‍👧", "🏳‍🌈"]),
        ("#rock-n-roll #a.b", ["rock", "a"]),
        ("# #! #… #_ #️⃣ #", []),
        ("it&#39;s &amp; C# is", []),
        ("https://a.example/b#frag www.b.example/#x", []),
        ("#a\x00b", ["a"]),
        ("#a\ud800b", ["a"]),
        ("", []),
    ],
)
def test_hashtags_as_the_platforms_parse_them(caption: str, expected: list[str]) -> None:
    assert tags(caption) == expected


def test_the_same_tag_typed_in_two_ways_has_one_key() -> None:
    assert hashtag_key("#Dễthương") == hashtag_key("De\u0302\u0303thương")
    assert hashtag_key("＃FYP") == hashtag_key("fyp") == "fyp"
    assert hashtag_key("❤️") == hashtag_key("❤")


def test_mentions_links_and_emoji() -> None:
    entities = find_entities("hi @ann.b. mail me a@b.example @_x #t@u https://x.example/@y 👩🏽‍💻🇩🇪 1️⃣ ©")
    assert [span.text for span in entities.mentions] == ["@ann.b", "@_x"]
    assert [span.text for span in entities.links] == ["https://x.example/@y"]
    assert [span.text for span in entities.emoji] == ["👩🏽‍💻", "🇩🇪", "1️⃣"]


def test_emoji_in_a_hashtag_is_not_counted_twice() -> None:
    assert find_entities("#love❤️ ❤️").emoji == find_entities("#love__ ❤️").emoji


def assert_offsets(caption: str, entities: Entities) -> None:
    for spans in (entities.hashtags, entities.mentions, entities.links, entities.emoji):
        assert [span.start for span in spans] == sorted(span.start for span in spans)
        for span in spans:
            assert caption[span.start : span.end] == span.text
            assert span.end > span.start


@given(st.text(alphabet=st.sampled_from("#＃@aB1_.é\u0301❤️👩‍💻🏽🇻ก่שא\u200f\u200b \n&;/:hw\x00\ud800<>"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_offsets_hold_on_any_text(caption: str) -> None:
    assert_offsets(caption, find_entities(caption))


@pytest.mark.parametrize(
    "piece", ["#", "#a", "@", "@a.", "👨\u200d", "😀", "a.", "\u0301", "#\u200d", "https://", "🇻", "#️⃣", "\ud800"]
)
def test_fifty_thousand_characters_take_no_time(piece: str) -> None:
    caption = (piece * 50_000)[:50_000]
    begun = time.process_time()
    entities = find_entities(caption)
    assert time.process_time() - begun < 3.0
    assert_offsets(caption, entities)


def test_agrees_with_what_tiktok_registered() -> None:
    file = SHARED / "data" / "tiktok_posts" / "train.jsonl.gz"
    if not file.is_file():
        pytest.skip("the shared TikTok posts are not there")
    same = posts = 0
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            post = json.loads(line)
            # A caption whose tags TikTok registered none of was pasted, not typed: nothing to compare with.
            if post["source"] == "tiktok-us-2025" and "#" in (post["caption"] or "") and post["hashtags"]:
                posts += 1
                same += set(tags(post["caption"])) == {hashtag_key(name) for name in post["hashtags"]}
    assert posts == 4138
    assert same / posts >= 0.99

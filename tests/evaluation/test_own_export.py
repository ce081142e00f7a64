"""A creator's posts from Instagram's and TikTok's own exports, as JSON and as ZIP, and ZIPs that mean harm."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from virality_core.errors import InputError
from virality_core.evaluation import own_export
from virality_core.evaluation.history_posts import OwnPosts, read_own_posts

DAY = 86_400
FIRST = 1_746_100_800  # 2025-05-01 12:00 UTC


def insight(number: int, **labels: str) -> dict[str, Any]:
    counts = labels or {"Instagram Likes": f"{100 * number:,}", "Instagram Saves": str(number), "Shares": "--"}
    return {
        "media_map_data": {
            "Media Thumbnail": {"creation_timestamp": FIRST + number * DAY, "title": f"caf\u00c3\u00a9 {number}"}
        },
        "string_map_data": {label: {"value": value} for label, value in counts.items()},
    }


def instagram(count: int = 12) -> dict[str, Any]:
    """The files of an export: one reel more than its insights know."""
    reels = [
        {"media": [{"uri": "x.mp4", "creation_timestamp": FIRST + n * DAY, "title": f"look #tag{n}"}]}
        for n in range(1, count + 2)
    ]
    return {
        "your_instagram_activity/media/reels.json": {"ig_reels_media": reels},
        "logged_information/past_instagram_insights/reels.json": {
            "organic_insights_reels": [insight(n) for n in range(1, count + 1)]
        },
    }


def zipped(files: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data if isinstance(data, bytes) else json.dumps(data))
    return out.getvalue()


def tiktok(count: int = 12) -> dict[str, Any]:
    videos = [{"Date": f"2025-05-{day:02d} 10:00:00", "Likes": str(day)} for day in range(1, count + 1)]
    return {"Post": {"Posts": {"VideoList": videos}}}


def test_instagrams_zip_joins_reels_and_insights() -> None:
    read = read_own_posts(zipped({"media/x.mp4": b"\x00" * 100, **instagram()}), "instagram.zip")
    assert len(read.facts) == 13
    assert read.outcomes["likes"][:2] == (100.0, 200.0)
    assert read.outcomes["likes"][9] == 1000.0, "with a comma in the thousands"
    assert read.outcomes["likes"][12] is None, "no insight, no count"
    assert read.outcomes["saves"][11] == 12.0
    assert "shares" not in read.outcomes, "-- is no count"
    assert read.facts[0].caption == "look #tag1"
    assert (read.facts[0].hour, read.facts[0].weekday) == (12.0, 4)


def test_instagrams_insights_are_enough_alone() -> None:
    data = instagram()["logged_information/past_instagram_insights/reels.json"]
    read = read_own_posts(json.dumps(data).encode(), "reels.json")
    assert len(read.facts) == 12
    assert read.facts[0].caption == "café 1"
    assert read.outcomes["likes"][0] == 100.0


def test_tiktoks_zip_says_what_its_json_says() -> None:
    def told(read: OwnPosts) -> object:
        return read.facts, read.outcomes

    packed = read_own_posts(zipped({"TikTok_Data/user_data_tiktok.json": tiktok()}), "tiktok.zip")
    assert told(packed) == told(read_own_posts(json.dumps(tiktok()).encode(), "user_data_tiktok.json"))
    assert len(packed.facts) == 12


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped({}), "holds no posts"),
        (zipped({"reels.html": b"<html>"}), "choose JSON, not HTML"),
        (zipped({"media/reels.json": b"["}), "can't be read"),
        (zipped({"media/reels.json": b"[" * 200_000}), "can't be read"),
        (zipped({"media/reels.json": b"\xff\xfe"}), "can't be read"),
        (zipped(instagram())[:-30], "ZIP is damaged"),
        (b"PK\x03\x04 and no more", "ZIP is damaged"),
        (zipped({"media/reels.json": {"ig_reels_media": [{"media": [{"creation_timestamp": "x"}]}]}}), "no column of"),
    ],
    ids=["empty", "html", "no json", "deep", "no text", "cut off", "head alone", "no counts"],
)
def test_what_is_no_export_is_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_own_posts(data, "export.zip")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zipped({"a/reels.json": b" " * 60_000_000})
    assert len(bomb) < 100_000
    with pytest.raises(InputError, match="over 50 MB together"):
        read_own_posts(bomb, "export.zip")


def test_a_zip_of_very_many_files_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_export, "_MAX_FILES", 10)
    with pytest.raises(InputError, match="too many files"):
        read_own_posts(zipped({f"{number}.json": {} for number in range(11)}), "export.zip")


def test_an_encrypted_zip_says_so() -> None:
    packed = bytearray(zipped({"media/reels.json": {}}))
    for head, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        packed[packed.index(head) + place] |= 1
    with pytest.raises(InputError, match="encrypted"):
        read_own_posts(bytes(packed), "export.zip")

"""A creator's posts from Instagram's and TikTok's own exports, as JSON and as ZIP, and ZIPs that mean harm."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from virality_core.errors import InputError
from virality_core.forecast.own_posts import data_export, reader
from virality_core.forecast.own_posts.reader import OwnPosts, read_in_subprocess, read_own_posts

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
    monkeypatch.setattr(data_export, "_MAX_FILES", 10)
    with pytest.raises(InputError, match="too many files"):
        read_own_posts(zipped({f"{number}.json": {} for number in range(11)}), "export.zip")


def test_an_encrypted_zip_says_so() -> None:
    packed = bytearray(zipped({"media/reels.json": {}}))
    for head, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        packed[packed.index(head) + place] |= 1
    with pytest.raises(InputError, match="encrypted"):
        read_own_posts(bytes(packed), "export.zip")


def test_only_packings_that_platforms_use_are_opened() -> None:
    """LZMA may ask for gigabytes before its first byte, and fails in a way of its own where it is damaged."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("user_data_tiktok.json", json.dumps(tiktok()))
    for packed in (out.getvalue(), out.getvalue().replace(b"VideoList"[:3], b"xxx"), out.getvalue()[:60]):
        with pytest.raises(InputError, match=r"compressed in an unknown way|damaged"):
            read_own_posts(packed, "export.zip")


def test_what_was_watched_is_not_what_was_posted() -> None:
    watched = [{"Date": f"2025-06-{day:02d} 10:00:00", "Link": "https://x"} for day in range(1, 29)]
    history = {"Your Activity": {"Watch History": {"VideoList": watched}}}
    for data in ({**history, **tiktok()}, {**tiktok(), **history}):
        read = read_own_posts(json.dumps(data).encode(), "user_data_tiktok.json")
        assert len(read.facts) == 12


#: small files that ask for gigabytes, each with what is said of it
GREEDY = {
    "180,000 columns": (b"likes," + b",".join(b"c%d" % n for n in range(180_000)) + b"\n1\n", "1,000,000 characters"),
    "300 columns": (b"likes" + b",x" * 300 + b"\n1\n", "200 columns"),
    "5 million rows": (b"likes\n" + b"1\n" * 5_000_000, "50,000 rows"),
    "lists": (zipped({"user_data_tiktok.json": b'{"VideoList":[' + b"[]," * 16_000_000 + b"[]]}"}), "too many values"),
    "objects": (zipped({"reels.json": b'{"ig_reels_media":[' + b'{"a":1},' * 5_000_000 + b"{}]}"}), "50,000 posts"),
    "nested": (zipped({"reels.json": b'{"ig_reels_media":[' + b'{"a":' * 8_000_000}), "too much"),
    "zeros": (zipped({"reels.json": b" " * 400_000_000}), "over 50 MB"),
    "an open quote": (b'likes,caption\n1,"' + b"a\n" * 10_000_000, "field limit"),
    "a row of commas": (b"likes,caption\n" + b"," * 10_000_000, "1,000,000 characters"),
}


@pytest.mark.parametrize("kind", GREEDY)
def test_a_greedy_file_is_refused_in_little_memory(kind: str) -> None:
    data, said = GREEDY[kind]
    code = (
        "import sys\nfrom virality_core.forecast.own_posts.reader import _main\n_main('posts')\n"
        "sys.stderr.write(open('/proc/self/status').read())"
    )
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert time.monotonic() - start < 10, "on a machine that is busy with other tests"
    assert said in json.loads(done.stdout)["error"]
    peak = re.search(rb"VmHWM:\s+(\d+) kB", done.stderr)
    assert peak is not None
    assert int(peak[1]) < 200_000, "its imports are 40 MB of it"


def test_reading_apart_says_the_same() -> None:
    for data, name in ((zipped(instagram()), "instagram.zip"), (json.dumps(tiktok()).encode(), "user_data.json")):
        assert read_in_subprocess(data, name) == read_own_posts(data, name)
    with pytest.raises(InputError, match="ZIP is damaged"):
        read_in_subprocess(b"PK\x03\x04", "–x\n.zip")


def test_memory_beyond_the_limit_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys\nfrom virality_core.forecast.own_posts import reader as h\n"
        "h.read_own_posts = lambda data, name: bytearray(2_000_000_000)\nh._main('posts.csv')"
    )
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda _, **options: run([sys.executable, "-c", code, "posts.csv"], **options)
    )
    with pytest.raises(InputError, match="too much memory"):
        read_in_subprocess(b"likes\n1\n", "posts.csv")


def test_reading_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_TIMEOUT_SECONDS", 0.01)
    with pytest.raises(InputError, match="too long"):
        read_in_subprocess(b"likes\n1\n", "posts.csv")

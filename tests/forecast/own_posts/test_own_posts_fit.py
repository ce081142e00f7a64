"""A creator's own posts: reading them, fitting them, and what a range from them says."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from tests.forecast.test_predict import video
from virality_core.cli import main
from virality_core.errors import InputError, UsageError
from virality_core.forecast.features import NAMES, Facts, matrix
from virality_core.forecast.model import bundled_model
from virality_core.forecast.own_posts.reader import read_own_posts
from virality_core.forecast.own_posts_fit import GENERAL, fit_count, fit_history, predicted_range, read_history
from virality_core.forecast.predict import predict_from_history
from virality_core.models.language.minilm import embed_captions
from virality_core.types import Post


def made(
    count: int, *, worth: float = 0.0, shift: float = 2.0, seed: int = 0
) -> tuple[list[Facts], np.ndarray, np.ndarray]:
    """Posts whose ln count is a general model's plus `shift`, `worth` for each spread of duration, and noise of 0.4."""
    chance = np.random.default_rng(seed)
    seconds = np.exp(chance.normal(3.0, 0.5, count))
    general = chance.normal(9.0, 0.3, count)
    truth = general + shift + worth * (np.log(seconds) - 3.0) / 0.5 + chance.normal(0.0, 0.4, count)
    return [Facts(duration_seconds=float(of)) for of in seconds], general, truth


def test_the_level_is_learned_and_shrunk() -> None:
    posts, general, truth = made(40)
    own = fit_count(matrix(posts), general, truth)
    assert own.shift == pytest.approx(float((truth - general).mean()) * 40 / 41)
    assert own.loo_error < 0.5 < own.general_error
    few = fit_count(matrix(posts[:10]), general[:10], truth[:10])
    assert few.shift < float((truth - general)[:10].mean())


def test_an_effect_is_found_where_there_is_one_and_not_where_there_is_none() -> None:
    posts, general, truth = made(80, worth=0.8)
    found = fit_count(matrix(posts), general, truth)
    assert found.effects["duration"] > 0.5
    without = [fit_count(matrix(p), g, t) for p, g, t in (made(40, seed=seed) for seed in range(5))]
    assert max(abs(own.effects["duration"]) for own in without) < 0.25


def test_the_interval_covers_new_posts() -> None:
    hits = []
    for seed in range(12):
        posts, general, truth = made(80, worth=0.5, seed=seed)
        own = fit_count(matrix(posts[:40]), general[:40], truth[:40])
        for place in range(40, 80):
            found = predicted_range(own, posts[place], float(general[place]))
            assert found.low <= found.median <= found.high
            hits.append(found.low <= math.expm1(truth[place]) <= found.high)
    assert 0.74 < float(np.mean(hits)) < 0.90


def test_leave_one_out_is_what_fitting_without_each_post_gives() -> None:
    posts, general, truth = made(14, worth=0.8)
    errors = []
    for place in range(14):
        others = [row for row in range(14) if row != place]
        own = fit_count(matrix([posts[row] for row in others]), general[others], truth[others])
        row = matrix([posts[place]])[0]
        point = general[place] + own.shift
        for name, effect in own.effects.items():
            value = general[place] if name == GENERAL else row[NAMES.index(name)]
            if math.isfinite(value) and own.spreads[name] > 1e-9:
                point += effect * float(np.clip((value - own.means[name]) / own.spreads[name], -3, 3))
        errors.append(abs(truth[place] - point))
    assert fit_count(matrix(posts), general, truth).loo_error == pytest.approx(float(np.mean(errors)))


def _csv(rows: int, dates: str = "2025-05-{day:02d} 12:00") -> str:
    lines = [f"{dates.format(day=day)},{100 * day},c{day},{10 + day}" for day in range(1, rows + 1)]
    return "\n".join(["posted_at,likes,caption,duration_s", *lines])


@pytest.mark.parametrize("dates", ["2025-05-{day:02d} 12:00", "{day:02d}.05.2025 12:00", "05/{day:02d}/2025 12:00"])
def test_dates_in_three_formats_are_the_same_times(dates: str) -> None:
    read = read_own_posts(_csv(28, dates).encode(), "posts.csv")
    assert [post.weekday for post in read.facts[:5]] == [3, 4, 5, 6, 0]
    assert read.outcomes["likes"][:2] == (100.0, 200.0)


def test_a_day_over_twelve_decides_for_all_dates() -> None:
    read = read_own_posts(_csv(28, "{day:02d}/05/2025").encode(), "posts.csv")
    assert [post.weekday for post in read.facts[:5]] == [3, 4, 5, 6, 0]
    with pytest.raises(InputError, match="day first, some the month"):
        read_own_posts(b"date,likes\n13/05/2025,1\n05/13/2025,2\n", "posts.csv")


def test_rows_that_stand_twice_count_once() -> None:
    text = _csv(12)
    read = read_own_posts((text + "\n" + "\n".join(text.split("\n")[1:])).encode(), "posts.csv")
    assert len(read.facts) == 12
    assert read.notes == ("12 repeated rows were counted once.",)


def test_tiktoks_own_export_is_read() -> None:
    videos = [{"Date": f"2025-05-{day:02d} 10:00:00", "Likes": str(day), "Link": "x"} for day in range(1, 12)]
    data = {"Video": {"Videos": {"VideoList": videos}}, "Profile": []}
    read = read_own_posts(json.dumps(data).encode(), "user_data_tiktok.json")
    assert read.outcomes["likes"][0] == 1.0
    assert len(read.facts) == 11


def _fit(path: Path, out: Path) -> int:
    return main(["fit-history", str(path), "--out", str(out)])


def test_the_command_writes_a_history_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "posts.csv").write_text(_csv(20))
    assert _fit(tmp_path / "posts.csv", tmp_path / "own.json") == 0
    said = capsys.readouterr().out
    assert "Likes, from 20 posts:" in said
    assert "of the general model" in said
    assert f"--history {tmp_path / 'own.json'}" in said
    history = read_history(tmp_path / "own.json")
    assert history.targets["likes"].posts == 20
    assert "c3" not in (tmp_path / "own.json").read_text(), "nothing of a caption is kept"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_csv(9), "at least 10"),
        ("posted_at,caption\n2025-05-01,x\n", "no column of counts"),
        ("likes\n" + "0\n" * 12, "at least 10"),
        ("likes,posted_at\n" + "\n".join(f"{n},then" for n in range(12)), "The date 'then' in row 1"),
        ("likes\n" + "\n".join(["1.2 or so", *map(str, range(12))]), "`likes` in row 1"),
        ("likes\n-1\n", "`likes` in row 1"),
        ("", "holds no posts"),
        ("{", "can't be read"),
        ("[1]", "no VideoList"),
    ],
)
def test_bad_posts_are_one_sentence_and_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path, out = tmp_path / "posts.csv", tmp_path / "own.json"
    path.write_text(text)
    out.write_text("as it was")
    assert _fit(path, out) == 3
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert out.read_text() == "as it was"
    assert _fit(path, path) == 2
    assert path.read_text() == text


@pytest.mark.parametrize("head", ["likes", "caption,likes"])
def test_posts_with_likes_of_0_among_others_are_fitted(tmp_path: Path, head: str) -> None:
    rows = [0, 0, 0, *range(9)]
    lines = [str(likes) if head == "likes" else f"c{place},{likes}" for place, likes in enumerate(rows)]
    (tmp_path / "posts.csv").write_text("\n".join([head, *lines]))
    assert _fit(tmp_path / "posts.csv", tmp_path / "own.json") == 0
    assert read_history(tmp_path / "own.json").targets["likes"].posts == 12


def test_a_history_of_another_shape_is_refused(tmp_path: Path) -> None:
    for text in ("{", "[]", '{"schema": 1}', '{"schema": 1, "collection": "x", "posts": 1, "targets": {"likes": {}}}'):
        (tmp_path / "own.json").write_text(text)
        with pytest.raises(UsageError, match="not a file of"):
            read_history(tmp_path / "own.json")


def test_figures_beyond_all_measure_are_refused_or_cut(tmp_path: Path) -> None:
    posts, general, truth = made(40)
    own = fit_count(matrix(posts), general, truth)
    path = tmp_path / "own.json"
    for changes in ({"shift": 10**400}, {"shift": 1e308}, {"loo_error": "x"}, {"posts": math.inf}):
        history = {
            "schema": 2,
            "collection": "x",
            "posts": 40,
            "followers": None,
            "targets": {"likes": {**asdict(own), **changes}},
        }
        path.write_text(json.dumps(history))
        with pytest.raises(UsageError, match="not a file of"):
            read_history(path)
    assert predicted_range(replace(own, shift=800.0), Facts(), 10.0).median < 1e18


@pytest.mark.parametrize("known", [True, False])
def test_the_next_post_is_read_with_the_followers_that_the_past_ones_were(known: bool) -> None:
    chance = np.random.default_rng(0)
    posts = [
        Facts(caption=f"day {n} #cat", followers=1200.0 if known else None, duration_seconds=12.0) for n in range(30)
    ]
    likes = np.round(np.exp(chance.normal(5.0, 0.4, 30))).tolist()
    history = fit_history(bundled_model(), "tiktok-vn-2025", posts, {"likes": likes}, embed_captions)
    assert history.followers == (1200.0 if known else None)
    for followers in (None, 1200, 90_000_000 if not known else 1500):
        own = predict_from_history(
            Post(caption="day 31 #cat", followers=followers), video(), history, embed_captions
        ).likes
        assert own is not None
        assert 0.4 * np.median(likes) < own.median < 2.5 * np.median(likes), followers

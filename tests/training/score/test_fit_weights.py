"""`virality fit-fusion`: known weights are found, chance is not, thirty reels are few."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from virality_core.cli import main
from virality_core.config import signals
from virality_core.errors import InputError
from virality_core.score import read_weighting
from virality_core.training.datasets.posts import read_rows
from virality_core.training.score.fit import BETTER, NO_BETTER, Learned, ReelOutcome, fit
from virality_core.training.score.manifest import read_manifest

NAMES = [name for name, entry in signals.table()["signals"].items() if entry["weight"] > 0]
TRUE = {"hook": 0.5, "pace": 0.3, "sharpness": 0.2}


def made(count: int, *, seed: int = 0, shuffled: bool = False) -> list[ReelOutcome]:
    """Reels whose outcome is the true weights' score and as much chance again; a tenth of the signals is skipped."""
    chance = np.random.default_rng(seed)
    worth = chance.uniform(0, 100, (count, len(NAMES)))
    score = worth @ np.array([TRUE.get(name, 0.0) for name in NAMES])
    outcome = score / score.std() + chance.normal(size=count)
    if shuffled:
        outcome = chance.permutation(outcome)
    return [
        ReelOutcome(
            author=str(place),
            desirabilities={
                name: float(value)
                for name, value in zip(NAMES, worth[place], strict=True)
                if name in TRUE or chance.random() > 0.1
            },
            outcome=float(outcome[place]),
        )
        for place in range(count)
    ]


@pytest.fixture(scope="module")
def many() -> Learned:
    return fit(made(400, seed=1))


def test_known_weights_are_found_within_the_stated_intervals(many: Learned) -> None:
    inside = [of.low - 1e-9 <= TRUE.get(name, 0.0) <= of.high + 1e-9 for name, of in many.shares.items()]
    assert sum(inside) >= len(inside) - 1  # of thirteen intervals of 95 %
    assert many.verdict == BETTER
    assert all(of.share >= 0.0 for of in many.shares.values())
    assert sum(of.share for of in many.shares.values()) == pytest.approx(1.0)
    assert (many.draws >= 0.0).all()


def test_thirty_reels_give_wide_intervals(many: Learned) -> None:
    few = fit(made(30, seed=2))

    def width(learned: Learned) -> float:
        return float(np.mean([of.high - of.low for of in learned.shares.values()]))

    assert width(few) > 0.3
    assert width(few) > 3.0 * width(many)


def test_shuffled_outcomes_are_no_better_than_the_prior() -> None:
    verdicts = [fit(made(150, seed=seed, shuffled=True)).verdict for seed in range(10, 14)]
    assert verdicts == [NO_BETTER] * 4


def test_too_few_or_equal_outcomes_are_refused() -> None:
    with pytest.raises(InputError, match="at least 10"):
        fit(made(9))
    same = [ReelOutcome(author=reel.author, desirabilities=reel.desirabilities, outcome=1.0) for reel in made(20)]
    with pytest.raises(InputError, match="outcomes are the same"):
        fit(same)


def _manifest(folder: Path, reels: list[ReelOutcome]) -> Path:
    rows = []
    for place, reel in enumerate(reels):
        report = {"signals": [{"name": name, "desirability": of} for name, of in reel.desirabilities.items()]}
        (folder / f"{place}.json").write_text(json.dumps(report))
        rows.append({"report": f"{place}.json", "outcome": max(0.0, float(np.expm1(reel.outcome)))})
    path = folder / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["report", "outcome"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_command_writes_weights_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fitted.json"
    assert main(["fit-fusion", str(_manifest(tmp_path, made(60))), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "60 reels" in said
    weighting = read_weighting(out)
    assert weighting.way == "learned"
    assert set(weighting.by_signal) == set(NAMES)
    assert weighting.verdict in (BETTER, NO_BETTER)


def test_a_manifest_of_one_row_leaves_the_old_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fitted.json"
    out.write_text("as it was")
    path = _manifest(tmp_path, made(5)[:1])
    assert main(["fit-fusion", str(path), "--out", str(out)]) == 3
    assert out.read_text() == "as it was"
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["fit-fusion", str(path), "--out", str(path)]) == 2
    assert path.read_text().startswith("report,outcome")


@pytest.mark.parametrize("text", ["", "outcome\n", "outcome,report\n" + "x,0.json\n" * 12, "outcome\n" + "3\n" * 12])
def test_a_manifest_of_another_shape_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(text)
    assert main(["fit-fusion", str(path), "--out", str(tmp_path / "fitted.json")]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "fitted.json").exists()


def test_a_caption_may_hold_any_line_break(tmp_path: Path) -> None:
    caption = "one\u2028two\x85three\nfour"
    (tmp_path / "reels.csv").write_text(f'outcome,caption\n5,"{caption}"\n', encoding="utf-8", newline="")
    assert [row for _, row in read_rows(tmp_path / "reels.csv")] == [{"outcome": "5", "caption": caption}]


def test_a_reel_that_is_not_there_names_its_row(tmp_path: Path) -> None:
    path = tmp_path / "reels.jsonl"
    path.write_text("".join(json.dumps({"outcome": number, "reel": "gone.mp4"}) + "\n" for number in range(60)))
    with pytest.raises(InputError, match=r"The reel in row 1 of reels.jsonl can't be scored: .*gone\.mp4"):
        read_manifest(path, profile="lite")

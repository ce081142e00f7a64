"""How the score is weighted: shown, and a choice if there are fitted shares."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import pytest

from tests.app.conftest import Page
from tests.training.score.test_fit_weights import _manifest, made
from ui.visit import Visit
from virality_core import load_scorers, score_reel
from virality_core.cli import main
from virality_core.errors import InputError
from virality_core.pipeline import Scorers
from virality_core.score import fitted_file, fitted_ways, read_weighting, weighted_score
from virality_core.types import Post, Report
from virality_core.what_if import with_weighting


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's weights folder, empty."""
    monkeypatch.setenv("VIRALITY_WEIGHTS_DIR", str(tmp_path / "own"))
    return tmp_path / "own"


def fitted(folder: Path, way: str = "learned", weights: Sequence[str] = ("brightness", "contrast")) -> Path:
    """A file as `virality fit-fusion` writes it, with equal weights."""
    folder.mkdir(exist_ok=True)
    entries = {name: {"weight": 1.0} for name in weights}
    data = {"schema": 1, "way": way, "weights": entries, "draws": [[1.0] * len(weights)] * 2, "verdict": "it is a test"}
    (folder / f"fusion-{way}.json").write_text(json.dumps(data))
    return folder / f"fusion-{way}.json"


@pytest.fixture(scope="module")
def report(drawn_clip: Path, lite: Scorers) -> Report:
    return score_reel(drawn_clip, Post(caption="look"), scorers=lite)


def test_fit_fusion_puts_its_weights_where_the_page_finds_them(own_folder: Path, tmp_path: Path) -> None:
    assert fitted_ways() == ()
    assert main(["fit-fusion", str(_manifest(tmp_path, made(60)))]) == 0
    assert fitted_ways() == ("learned",)
    assert read_weighting(fitted_file("learned")).way == "learned"
    assert main(["fit-fusion", str(_manifest(tmp_path, made(60))), "--personal"]) == 0
    assert fitted_ways() == ("learned", "personal")
    assert fitted_file("personal").parent == own_folder


def test_the_report_is_what_scoring_with_the_weights_gives(report: Report, drawn_clip: Path, own_folder: Path) -> None:
    weighting = read_weighting(fitted(own_folder))
    changed = with_weighting(report, weighting)
    anew = score_reel(drawn_clip, Post(caption="look"), scorers=load_scorers("lite", device="cpu", weighting=weighting))
    assert changed.score == pytest.approx(anew.score, abs=1e-9)
    assert (changed.band, changed.coverage, changed.notes) == (anew.band, anew.coverage, anew.notes)
    assert changed.contributions == anew.contributions
    assert changed.uncertainty == anew.uncertainty
    assert changed.provenance.fusion == anew.provenance.fusion == "learned"
    back = with_weighting(changed, None, weighting)
    assert (back.score, back.notes, back.provenance.fusion) == (report.score, report.notes, "prior")


def test_weights_of_nothing_that_answered_leave_all_as_it_was(report: Report, own_folder: Path) -> None:
    visit = Visit()
    visit.report = report
    silent = read_weighting(fitted(own_folder, weights=["virality"]))
    with pytest.raises(InputError):
        visit.use_weighting(silent)
    assert (visit.report, visit.weighting) == (report, None)
    visit.weighting = silent
    assert visit._with_choices(report) is report
    assert visit.weighting is None


def test_the_page_says_what_ran_and_lets_choose(
    open_page: Callable[..., Page], drawn_clip_bytes: bytes, own_folder: Path
) -> None:
    page = open_page()
    page.upload("my reel.mp4", drawn_clip_bytes, caption="look")
    page.wait_for_result()
    assert "How the score is weighted" in page.html
    fitted(own_folder, "personal")
    page.app.run()
    page.app.selectbox(key="weighed_by").set_value("personal").run()
    assert not page.app.exception
    report = page.visit.report
    assert report is not None
    assert report.provenance.fusion == "personal"
    assert report.score == pytest.approx(weighted_score(report.signals, read_weighting(fitted_file("personal"))).score)
    assert f"{report.score:.0f} of 100" in page.html
    assert "it is a test" in page.html
    assert page.app.selectbox(key="weighed_by").value == "personal"
    page.visit.advised = True
    page.app.selectbox(key="weighed_by").set_value("prior").run()
    assert page.visit.report is not None
    assert page.visit.report.provenance.fusion == "prior"
    assert not page.visit.advised, "it was tried with other weights"


def test_changes_are_tried_with_the_chosen_weights(report: Report, own_folder: Path) -> None:
    asked: list[object] = []

    class Listening:
        def submit_advice(self, *_: object, weighting: object, **__: object) -> None:
            asked.append(weighting)

    visit = Visit()
    visit.source, visit.report = BytesIO(b"reel"), report
    visit.use_weighting(read_weighting(fitted(own_folder)))
    visit.start_advice(Listening())  # type: ignore[arg-type]
    assert asked == [visit.weighting]


def test_weights_that_can_not_be_read_are_one_sentence(
    open_page: Callable[..., Page], drawn_clip_bytes: bytes, own_folder: Path
) -> None:
    fitted(own_folder).write_text("{")
    page = open_page()
    page.upload("my reel.mp4", drawn_clip_bytes, caption="look")
    page.wait_for_result()
    page.app.selectbox(key="weighed_by").set_value("learned").run()
    assert not page.app.exception
    assert "fusion-learned.json is not a file of fitted shares" in page.html
    assert page.visit.report is not None
    assert page.visit.report.provenance.fusion == "prior"

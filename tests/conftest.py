"""What all tests share: clips drawn by the tests themselves, the shared clips where present, no litter left behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.media.clips import Clip, ClipSpec, write_clip
from virality_core import load_scorers, score_reel
from virality_core.pipeline import Scorers
from virality_core.types import Report

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Clip]:
    """`make_clip(frames=60, codec="libx264", …)`: a clip with its frame numbers drawn in, encoded once a session.

    The arguments are those of `tests.media.clips.ClipSpec`.
    """
    folder = tmp_path_factory.mktemp("clips")
    made: dict[ClipSpec, Clip] = {}

    def make(**wishes: object) -> Clip:
        spec = ClipSpec(**wishes)  # type: ignore[arg-type]
        if spec not in made:
            made[spec] = write_clip(folder / f"clip-{len(made)}{spec.suffix}", spec)
        return made[spec]

    return make


@pytest.fixture(scope="session")
def lite() -> Scorers:
    """The scorers of the bundled weights, loaded once: they keep nothing from one reel to the next."""
    return load_scorers("lite", device="cpu")


@pytest.fixture(scope="session")
def drawn_report(drawn_clip: Path, lite: Scorers) -> Report:
    """The report on `drawn_clip` without a caption, for tests that need just any; a report can't be changed."""
    return score_reel(drawn_clip, scorers=lite)


@pytest.fixture(scope="session")
def shared_media() -> Path:
    """The folder of real phone clips; the test is skipped where it is absent."""
    folder = SHARED / "media"
    if not folder.is_dir():
        pytest.skip("the shared clips are not there")
    return folder


@pytest.fixture(scope="session", autouse=True)
def no_models_of_the_users(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever models the one who runs the tests has added, the tests see the bundled ones."""
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))
    # torchvision's import makes a cache folder among the temporary files, whichever test comes first.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(tmp_path_factory.mktemp("inductor"))


@pytest.fixture(autouse=True)
def no_litter(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fails a test that leaves a file in the folder for temporary files."""
    if request.node.get_closest_marker("browser"):
        yield  # the browser lives through several tests and keeps its profile there
        return
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    left = os.listdir(folder)
    assert not left, f"temporary files were left behind: {left}"


@pytest.fixture(scope="session")
def drawn_clip(make_clip: Callable[..., Clip]) -> Path:
    """A small clip with moving fields and a tone, 2 s long: for tests that need just any reel."""
    return make_clip(frames=60, width=180, height=320, sound=True).path

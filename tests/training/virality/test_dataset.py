"""Clips for training: drawn by seed and epoch alone, decoded once, padded as stated; workers that end."""

from __future__ import annotations

import gc
import itertools
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest

from examples import moving_videos
from tests.training.virality.material import SMALL_INPUT, material
from virality_core.errors import InputError
from virality_core.media import open_reel
from virality_core.models.vision.r2plus1d import resize_and_crop
from virality_core.training.virality import dataset as clips
from virality_core.training.virality.dataset import VideoDataset, epoch_batches, loader
from virality_core.training.virality.manifest import Manifest
from virality_core.types import Plan


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return material(tmp_path_factory.mktemp("data"), 12)


def _dataset(drawn: Manifest, *, training: bool, **options: object) -> VideoDataset:
    return VideoDataset(drawn.rows, drawn.videos, SMALL_INPUT, training=training, **options)  # type: ignore[arg-type]


def test_a_random_clip_is_drawn_by_seed_and_epoch_alone(drawn: Manifest) -> None:
    first, again, other = (_dataset(drawn, training=True, seed=seed) for seed in (1, 1, 2))
    starts = set()
    for epoch in range(6):
        first.epoch = again.epoch = other.epoch = epoch
        clip, score, viral, place = first[3]
        assert clip.shape == (1, 16, 32, 32, 3)
        assert (score, viral, place) == (drawn.rows[3].score, float(drawn.rows[3].is_viral), 3)
        assert np.array_equal(clip, again[3][0])
        starts.add(clip.numpy().tobytes())
    assert len(starts) > 3, "epochs differ"
    assert any(not np.array_equal(first[one][0], other[one][0]) for one in range(12)), "seeds differ"


def test_fixed_clips_are_those_the_app_takes(drawn: Manifest) -> None:
    taken = open_reel(drawn.videos / drawn.rows[0].video, Plan(clips=3)).clips
    assert taken is not None
    found = _dataset(drawn, training=False, clips=3)[0][0].numpy()
    assert np.array_equal(found, resize_and_crop(taken.rgb, SMALL_INPUT))


def test_the_second_epoch_decodes_nothing(drawn: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[Path] = []
    steady, reel = clips.frames_at_rate, clips.open_reel
    monkeypatch.setattr(clips, "frames_at_rate", lambda path, **more: decoded.append(path) or steady(path, **more))
    monkeypatch.setattr(clips, "open_reel", lambda path, plan: decoded.append(path) or reel(path, plan))
    for training in (True, False):
        plain = _dataset(drawn, training=training)
        kept = _dataset(drawn, training=training, cache=tmp_path / "cache")
        expected = [plain[one][0].numpy() for one in range(12)]
        decoded.clear()
        for _ in range(2):
            assert all(np.array_equal(kept[one][0], expected[one]) for one in range(12))
        assert len(decoded) == 12
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(b"damaged")
    assert np.array_equal(kept[0][0], expected[0]), "what is damaged is decoded anew"
    assert len(decoded) == 13
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(b"")
    assert np.array_equal(kept[0][0], expected[0]), "and what is empty"
    assert not list((tmp_path / "cache").glob(".*")), "no half file is left"


def test_a_changed_video_is_decoded_anew(drawn: Manifest, tmp_path: Path) -> None:
    moving_videos.encode(tmp_path / "a.mp4", moving_videos.draw(1).frames)
    rows = (replace(drawn.rows[0], video="a.mp4"),)
    kept = VideoDataset(rows, tmp_path, SMALL_INPUT, training=False, cache=tmp_path / "cache")
    before = kept[0][0].numpy()
    moving_videos.encode(tmp_path / "a.mp4", moving_videos.draw(2).frames)
    assert not np.array_equal(kept[0][0], before)


def test_a_short_reel_is_looped_or_held(drawn: Manifest, tmp_path: Path) -> None:
    moving_videos.encode(tmp_path / "short.mp4", moving_videos.draw(3).frames[:6])
    rows = (replace(drawn.rows[0], video="short.mp4"),)
    for training in (True, False):
        for padding in ("loop", "last"):
            options = {"training": training, "padding": padding, "mirror": False, "clips": 1}
            clip = VideoDataset(rows, tmp_path, SMALL_INPUT, **options)[0][0].numpy()[0]
            follows = clip[0] if padding == "loop" else clip[5]
            assert np.array_equal(clip[6], follows), (training, padding)
            assert not np.array_equal(clip[0], clip[5])


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_share_the_batches_of_one(processes: int) -> None:
    options = {"batch": 3, "steps": 2, "seed": 1, "epoch": 4}
    alone = epoch_batches(30, accumulate=4, processes=1, process=0, **options)
    dealt = [
        epoch_batches(30, accumulate=4 // processes, processes=processes, process=one, **options)
        for one in range(processes)
    ]
    by_step = [sorted(map(tuple, alone[step * 4 : step * 4 + 4])) for step in range(2)]
    size = 4 // processes
    together = [sorted(tuple(b) for own in dealt for b in own[step * size : step * size + size]) for step in range(2)]
    assert by_step == together
    places = [place for batch in alone for place in batch]
    assert len(set(places)) == len(places) == 24
    few = [place for batch in epoch_batches(2, accumulate=1, processes=1, process=0, **options) for place in batch]
    assert sorted(few) == [0, 0, 0, 1, 1, 1], "a part smaller than a step is gone through more than once"


def test_workers_give_the_same_and_end(drawn: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A test of a page leaves its script as __main__, which workers would run again.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # the workers' server keeps its socket there until the end
    batches = [[0, 1], [2, 3], [4, 5]]
    kept = _dataset(drawn, training=True, cache=tmp_path / "cache")
    alone = [batch[0].numpy() for batch in loader(kept, batches)]
    us = psutil.Process()
    list(loader(kept, batches, workers=2))  # the server that the workers come from stays
    children, files = len(us.children(recursive=True)), []
    for _ in range(4):
        found = [batch[0].numpy().copy() for batch in loader(kept, batches, workers=2)]
        assert all(np.array_equal(a, b) for a, b in zip(alone, found, strict=True))
        gc.collect()
        files.append(us.num_fds())
    assert len(us.children(recursive=True)) == children
    # The loader's threads close their pipes a moment after the epoch: a leak is what grows with every one.
    assert any(after <= before for before, after in itertools.pairwise(files)), f"open files after each epoch: {files}"


def test_workers_leave_ctrl_c_to_this_process(drawn: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    heard = signal.getsignal(signal.SIGINT)
    working = loader(_dataset(drawn, training=True), [[0], [1], [2]], workers=1)
    next(working)
    ignored = [
        int(line.split()[1], 16) >> (signal.SIGINT - 1) & 1
        for child in psutil.Process().children(recursive=True)
        if "forkserver" in " ".join(child.cmdline())  # the server and its workers, not a browser of other tests
        for line in Path(f"/proc/{child.pid}/status").read_text().splitlines()
        if line.startswith("SigIgn")
    ]
    assert len(ignored) >= 2
    assert all(ignored)
    assert signal.getsignal(signal.SIGINT) is heard
    list(working)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("wrong", ["video", "cache"])
def test_what_goes_wrong_in_a_worker_is_the_sentence_it_is_here(
    drawn: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, wrong: str
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache = tmp_path / "cache"
    cache.write_bytes(b"a file")
    if wrong == "video":
        (tmp_path / "a.mp4").write_bytes(b"no video")
        kept = VideoDataset((replace(drawn.rows[0], video="a.mp4"),), tmp_path, SMALL_INPUT, training=True)
    else:
        kept = _dataset(drawn, training=True, cache=cache)
    with pytest.raises(InputError, match="a.mp4" if wrong == "video" else "can't be kept in") as caught:
        list(loader(kept, [[0]], workers=workers))
    assert "\n" not in str(caught.value)

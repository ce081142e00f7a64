"""Clips for training: random ones from all over a reel; for validation and test the ones the app itself would take.

What is decoded is kept as uint8 at the network's input size, so that the second epoch decodes nothing.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from virality_core.errors import InputError
from virality_core.media import open_reel
from virality_core.media.decoding.constant_rate import frames_at_rate
from virality_core.media.decoding.sampling_grid import CLIP_FRAMES, CLIP_RATE
from virality_core.models.vision.r2plus1d import ClipInput, Padding, freeze_last_frame, resize_and_crop
from virality_core.training.virality.manifest import Row
from virality_core.types import Plan

MAX_SECONDS = 60.0  # of a reel, for random clips: 34 MB of cache
_CACHE_VERSION = 1

Item = tuple[Tensor, float, float, int]
Batch = tuple[Tensor, Tensor, Tensor, Tensor]


class VideoDataset(Dataset[Item]):
    """(clips uint8 (K, 16, side, side, 3), score 0–1, viral 0 or 1, its place in `rows`) of each row.

    In training K is 1: a clip that begins anywhere, by chance mirrored, drawn anew each epoch by seed, epoch and place
    alone, so that a run that was stopped draws what it would have drawn. Else K is `clips`, spread evenly over the reel
    by `media.open_reel`, as the app does it.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        videos: Path,
        how: ClipInput,
        *,
        training: bool,
        clips: int = 5,
        padding: Padding = "loop",
        mirror: bool = True,
        seed: int = 0,
        cache: Path | None = None,
    ) -> None:
        """Nothing is decoded yet.

        Args:
            rows, videos: the manifest's, and the folder they are in.
            how: how frames become input.
            training: random clips, else fixed ones.
            clips: how many fixed ones.
            padding: what follows a reel that is shorter than a clip. The default plays it again, as feeds do.
            mirror: whether training clips are mirrored by chance.
            seed: of the chance.
            cache: a folder for what was decoded; None decodes every time.
        """
        self.rows, self.videos, self.how = rows, videos, how
        self.training, self.clips, self.padding, self.mirror, self.seed = training, clips, padding, mirror, seed
        self.cache = cache
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Item:
        row = self.rows[place]
        clips = self._random_clip(row, place)[None] if self.training else self._fixed_clips(row)
        return torch.from_numpy(clips), row.score, float(row.is_viral), place

    def _random_clip(self, row: Row, place: int) -> NDArray[np.uint8]:
        chance = np.random.default_rng((self.seed, self.epoch, place))

        def wanted(count: int) -> NDArray[np.intp]:
            following = chance.integers(0, max(1, count - CLIP_FRAMES + 1)) + np.arange(CLIP_FRAMES)
            return following % count if self.padding == "loop" else np.minimum(following, count - 1)

        def whole(path: Path) -> NDArray[np.uint8]:
            return resize_and_crop(frames_at_rate(path, max_seconds=MAX_SECONDS).rgb, self.how)

        if self.cache is None:
            clip = self._stretch(self.videos / row.video, wanted, whole)
        else:
            frames = self._kept(row, "steady", whole)
            clip = frames[wanted(len(frames))]
        mirrored = self.mirror and chance.random() < 0.5
        return np.ascontiguousarray(clip[:, :, ::-1] if mirrored else clip)

    def _stretch(
        self,
        path: Path,
        wanted: Callable[[int], NDArray[np.intp]],
        whole: Callable[[Path], NDArray[np.uint8]],
    ) -> NDArray[np.uint8]:
        """Only the clip is decoded, as nothing is kept; where a damaged file gives nothing of it, all of the file."""
        try:
            return resize_and_crop(frames_at_rate(path, max_seconds=MAX_SECONDS, choose=wanted).rgb, self.how)
        except InputError:
            frames = whole(path)
            return frames[wanted(len(frames))]

    def _fixed_clips(self, row: Row) -> NDArray[np.uint8]:
        def decode(path: Path) -> NDArray[np.uint8]:
            clips = open_reel(path, Plan(clips=self.clips)).clips
            if clips is None:
                raise InputError(f"“{path.name}” has no frame that can be decoded.")
            rgb = freeze_last_frame(clips.rgb, clips.seconds) if self.padding == "last" else clips.rgb
            return resize_and_crop(rgb, self.how)

        return np.array(self._kept(row, f"fixed-{self.clips}-{self.padding}", decode))

    def _kept(self, row: Row, kind: str, decode: Callable[[Path], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """From the cache, where a file is mapped and only what is read of it is loaded; else decoded and kept."""
        path = self.videos / row.video
        if self.cache is None:
            return decode(path)
        try:
            status = path.stat()
        except OSError as error:  # it was there when the manifest was read
            raise InputError(f"“{path.name}” can't be read any more ({error.strerror or error}).") from error
        about = [_CACHE_VERSION, CLIP_FRAMES, CLIP_RATE, MAX_SECONDS, row.video, status.st_size, status.st_mtime_ns]
        name = hashlib.sha256(json.dumps([*about, kind, self.how.to_dict()]).encode()).hexdigest()[:32]
        file = self.cache / f"{name}.npy"
        try:
            kept: NDArray[np.uint8] = np.load(file, mmap_mode="r")
            if kept.dtype == np.uint8 and kept.shape[-3:] == (self.how.side, self.how.side, 3) and len(kept):
                return kept
        except (OSError, ValueError, EOFError):  # not there, or damaged: decoded anew
            pass
        decoded = decode(path)
        part = self.cache / f".{name}.{uuid.uuid4().hex}.part.npy"  # two workers may decode one video at once
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            try:
                np.save(part, decoded)
                os.replace(part, file)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"Clips can't be kept in {self.cache} ({error.strerror or error}).") from error
        return decoded


def epoch_batches(
    count: int, *, batch: int, steps: int, accumulate: int, processes: int, process: int, seed: int, epoch: int
) -> list[list[int]]:
    """The batches of one process in one epoch: `steps` × `accumulate` lists of `batch` places.

    Every place comes once before any comes again. A step's batches are dealt to the processes in turn, so that two
    processes that accumulate n see in a step what one sees that accumulates 2 n.
    """
    chance = np.random.default_rng((seed, epoch))
    needed = steps * accumulate * processes * batch
    order = np.concatenate([chance.permutation(count) for _ in range(-(-needed // count))])[:needed]
    dealt = order.reshape(steps, accumulate, processes, batch)
    return [places.tolist() for step in dealt[:, :, process] for places in step]


def loader(dataset: VideoDataset, batches: list[list[int]], *, workers: int = 0, pin: bool = False) -> Iterator[Batch]:
    """Exactly those batches. Its workers end with the iteration.

    Raises:
        InputError: a video can't be decoded or its clips not be kept, as it was said in the worker.
    """
    loaded: DataLoader[Any] = DataLoader(
        _Tried(dataset),
        batch_sampler=batches,
        collate_fn=_batch,
        num_workers=workers,
        multiprocessing_context=_clean_processes() if workers else None,
        worker_init_fn=_one_thread if workers else None,
        pin_memory=pin,
    )
    for batch in loaded:
        if isinstance(batch, InputError):
            raise batch
        yield batch


class _Tried(Dataset[Item | InputError]):
    """Gives what went wrong instead of raising it: torch would make a traceback of what a worker raises."""

    def __init__(self, dataset: VideoDataset) -> None:
        self._dataset = dataset

    def __getitem__(self, place: int) -> Item | InputError:
        try:
            return self._dataset[place]
        except InputError as error:
            return error


def _batch(items: list[Item | InputError]) -> Batch | InputError:
    wrong = next((one for one in items if isinstance(one, InputError)), None)
    return wrong if wrong is not None else tuple(default_collate(items))


def _clean_processes() -> BaseContext:
    """Workers come from a server that never ran a thread: forked from this process they could wait for ever for a lock
    that one of torch's or libav's threads held at that moment.

    Ctrl-C, which a terminal sends to all of them, is left to this process, which ends them: each would print a fault.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    if threading.current_thread() is threading.main_thread():  # signals are its own
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited by the server and its workers
        try:
            forkserver.ensure_running()
        finally:
            signal.signal(signal.SIGINT, heard)
    return context


def _one_thread(_worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)  # the pool of the parent did not come along, and each worker is a thread's worth already

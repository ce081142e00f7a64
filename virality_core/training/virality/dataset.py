"""Clips for training: random ones; for validation and test the ones that the app itself would take.

Decoded clips are cached as uint8 at the network's input size, so that the second epoch decodes nothing.
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
from virality_core.media.decoding.frame_sampler import frames_at_rate
from virality_core.media.decoding.sampling_grid import CLIP_FRAMES, CLIP_RATE
from virality_core.models.vision.r2plus1d import ClipInput, Padding, freeze_last_frame, resize_and_crop
from virality_core.training.virality.manifest import Row
from virality_core.types import Plan

MAX_SECONDS = 60.0  # of a reel, for random clips: 34 MB of cache
_CACHE_VERSION = 1

Item = tuple[Tensor, float, float, int]
Batch = tuple[Tensor, Tensor, Tensor, Tensor]


class VideoDataset(Dataset[Item]):
    """(clips uint8 (K, 16, side, side, 3), score 0–1, viral 0 or 1, its index in `rows`) of each row.

    In training K is 1: a clip from a random time, mirrored at random. Seed, epoch and index alone decide, so that a
    resumed run draws what it would have drawn. Otherwise K is `clips`, spread evenly over the reel by
    `media.open_reel`, as in the app.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        videos: Path,
        clip_input: ClipInput,
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
            clip_input: how frames become input.
            training: random clips, else fixed ones.
            clips: the number of fixed ones.
            padding: what follows a reel that is shorter than a clip. The default plays it again, as feeds do.
            mirror: whether half of the training clips are mirrored.
            seed: of the random choices.
            cache: a folder for decoded clips; None decodes every time.
        """
        self.rows, self.videos, self.clip_input = rows, videos, clip_input
        self.training, self.clips, self.padding, self.mirror, self.seed = training, clips, padding, mirror, seed
        self.cache = cache
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        row = self.rows[index]
        clips = self._random_clip(row, index)[None] if self.training else self._fixed_clips(row)
        return torch.from_numpy(clips), row.score, float(row.is_viral), index

    def _random_clip(self, row: Row, index: int) -> NDArray[np.uint8]:
        generator = np.random.default_rng((self.seed, self.epoch, index))

        def choose(count: int) -> NDArray[np.intp]:
            numbers = generator.integers(0, max(1, count - CLIP_FRAMES + 1)) + np.arange(CLIP_FRAMES)
            return numbers % count if self.padding == "loop" else np.minimum(numbers, count - 1)

        def decode_all(path: Path) -> NDArray[np.uint8]:
            return resize_and_crop(frames_at_rate(path, max_seconds=MAX_SECONDS).rgb, self.clip_input)

        clip = None
        if self.cache is None:
            path = self.videos / row.video
            try:  # only the clip
                clip = resize_and_crop(
                    frames_at_rate(path, max_seconds=MAX_SECONDS, choose=choose).rgb, self.clip_input
                )
            except InputError:  # nothing of it can be decoded in a damaged file, but other frames may be
                frames = decode_all(path)
        else:
            frames = self._cached(row, "steady", decode_all)
        if clip is None:
            clip = frames[choose(len(frames))]
        mirrored = self.mirror and generator.random() < 0.5
        return np.ascontiguousarray(clip[:, :, ::-1] if mirrored else clip)

    def _fixed_clips(self, row: Row) -> NDArray[np.uint8]:
        def decode(path: Path) -> NDArray[np.uint8]:
            clips = open_reel(path, Plan(clips=self.clips)).clips
            if clips is None:
                raise InputError(f"“{path.name}” has no frame that can be decoded.")
            rgb = freeze_last_frame(clips.rgb, clips.seconds) if self.padding == "last" else clips.rgb
            return resize_and_crop(rgb, self.clip_input)

        return np.array(self._cached(row, f"fixed-{self.clips}-{self.padding}", decode))

    def _cached(self, row: Row, kind: str, decode: Callable[[Path], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Decoded frames from the cache, memory-mapped; else decoded and cached."""
        path = self.videos / row.video
        if self.cache is None:
            return decode(path)
        try:
            status = path.stat()
        except OSError as error:  # it existed when the manifest was read
            raise InputError(f"“{path.name}” can't be read any more ({error.strerror or error}).") from error
        key = [_CACHE_VERSION, CLIP_FRAMES, CLIP_RATE, MAX_SECONDS, row.video, status.st_size, status.st_mtime_ns, kind]
        name = hashlib.sha256(json.dumps([*key, self.clip_input.to_dict()]).encode()).hexdigest()[:32]
        file, side = self.cache / f"{name}.npy", self.clip_input.side
        try:
            cached: NDArray[np.uint8] = np.load(file, mmap_mode="r")
            if cached.dtype == np.uint8 and cached.shape[-3:] == (side, side, 3) and len(cached):
                return cached
        except (OSError, ValueError, EOFError):  # not there, or damaged: decoded again
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
    """The batches of one process in one epoch: `steps` × `accumulate` lists of `batch` indices.

    Every index comes once before any comes again. A step's batches are dealt to the processes in turn, so that two
    processes that accumulate n see in a step what one sees that accumulates 2 n.
    """
    generator = np.random.default_rng((seed, epoch))
    needed = steps * accumulate * processes * batch
    order = np.concatenate([generator.permutation(count) for _ in range(-(-needed // count))])[:needed]
    dealt = order.reshape(steps, accumulate, processes, batch)
    return [indices.tolist() for step in dealt[:, :, process] for indices in step]


def loader(dataset: VideoDataset, batches: list[list[int]], *, workers: int = 0) -> Iterator[Batch]:
    """Exactly those batches. Its workers end with the iteration.

    Raises:
        InputError: a video can't be decoded, or its clips can't be cached.
    """
    loaded: DataLoader[Any] = DataLoader(
        _ErrorsAsItems(dataset),
        batch_sampler=batches,
        collate_fn=_collate,
        num_workers=workers,
        multiprocessing_context=_forkserver() if workers else None,
        worker_init_fn=_use_one_thread if workers else None,
    )
    for batch in loaded:
        if isinstance(batch, InputError):
            raise batch
        yield batch


class _ErrorsAsItems(Dataset[Item | InputError]):
    """Returns errors instead of raising them: torch would turn what a worker raises into a traceback."""

    def __init__(self, dataset: VideoDataset) -> None:
        self._dataset = dataset

    def __getitem__(self, index: int) -> Item | InputError:
        try:
            return self._dataset[index]
        except InputError as error:
            return error


def _collate(items: list[Item | InputError]) -> Batch | InputError:
    error = next((item for item in items if isinstance(item, InputError)), None)
    return error if error is not None else tuple(default_collate(items))


def _forkserver() -> BaseContext:
    """Workers are forked from a server that never ran a thread: forked from this process they could wait forever for a
    lock that one of torch's or libav's threads held at that moment.

    They ignore Ctrl-C, which a terminal sends to all of them: this process ends them, and none prints a traceback.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    if threading.current_thread() is threading.main_thread():  # only it may set signal handlers
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited by the server and its workers
        try:
            forkserver.ensure_running()
        finally:
            signal.signal(signal.SIGINT, handler)
    return context


def _use_one_thread(_worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)  # the parent's thread pool is not inherited, and each worker has one core anyway

"""The fit of the light quality model: it learns, repeats, and leaves out what it is to be chosen by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recipes.vsfa_lite import fit as fit_module
from recipes.vsfa_lite.fit import fit, predict
from recipes.vsfa_lite.measure import metrics
from recipes.vsfa_lite.samples import STILLS, Sample, pairs_of
from virality_core.models.vision.vsfa_lite import CROPS, FEATURES


def _made_up(pictures_: int, seed: int) -> tuple[NDArray[np.float32], list[Sample]]:
    """Clips whose VMAF hangs on half of the features, exposure on others; the others are chance."""
    chance = np.random.default_rng(seed)
    samples, rows = [], []
    for picture in range(pictures_):
        for kind in ("h264", "noise", "rescale", "low_light"):
            for strength in (0.2, 0.5, 0.9):
                row = chance.gamma(2.0, 0.3, (STILLS, CROPS, FEATURES)).astype(np.float32)
                row[..., : 960 if kind != "low_light" else 0] *= 1.0 + 3.0 * strength
                row[..., 960:1400] *= 1.0 + 6.0 * strength * (kind == "low_light")
                vmaf = None if kind == "low_light" else 100.0 * (1.0 - 0.8 * strength)
                name = f"{seed}-{picture}"
                samples.append(Sample(picture=name, split="train", kind=kind, strength=strength, vmaf=vmaf, bytes=1))
                rows.append(row)
    return np.stack(rows), samples


def test_pairs_are_of_one_picture_and_kind() -> None:
    _, samples = _made_up(2, 0)
    better, worse = pairs_of(samples)
    assert len(better) == 2 * 4 * 3
    for good, bad in zip(better, worse, strict=True):
        assert samples[good].picture == samples[bad].picture
        assert samples[good].kind == samples[bad].kind
        assert samples[good].strength < samples[bad].strength


def test_the_figures_can_fail() -> None:
    _, samples = _made_up(3, 0)
    by_strength = -np.array([one.strength for one in samples])
    good, bad = metrics(by_strength, samples), metrics(-by_strength, samples)
    assert good["spearman_together"] == pytest.approx(1.0)
    assert bad["spearman_together"] == pytest.approx(-1.0)
    assert set(good["pair_order"].values()) == {1.0}  # type: ignore[attr-defined]
    assert set(bad["pair_order"].values()) == {0.0}  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_head_learns_and_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))  # an optimizer's first step makes that folder
    given, samples = _made_up(12, 1)
    head = fit(given, samples, steps=60)
    unseen, theirs = _made_up(6, 2)
    found = metrics(predict([head], unseen), theirs)
    assert float(str(found["spearman_together"])) > 0.8
    once, again = (predict([fit(given[:24], samples[:24], steps=3)], unseen) for _ in range(2))
    assert (once == again).all()
    other = fit(given, samples, steps=20, seed=1, ranked=False)
    logits = [np.log(one / (1.0 - one)) for one in (predict([given_], unseen) for given_ in (head, other))]
    np.testing.assert_allclose(
        predict([head, other], unseen), 1.0 / (1.0 + np.exp(-np.mean(logits, axis=0))), atol=1e-6
    )


def test_the_heads_to_choose_by_know_nothing_of_the_pictures_to_choose_by(monkeypatch: pytest.MonkeyPatch) -> None:
    class AtOnce:
        """A pool that works in this process."""

        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> AtOnce:
            return self

        def __exit__(self, *_: object) -> None: ...
        def map(self, work: Callable[..., object], *given: Sequence[object]) -> Iterable[object]:
            return map(work, *given)

    monkeypatch.setattr(fit_module, "ProcessPoolExecutor", AtOnce)
    monkeypatch.setattr(fit_module, "load", lambda _, splits: (splits, None))
    monkeypatch.setattr(fit_module, "fit", lambda splits, _, seed, ranked: (*splits, seed, ranked))
    chosen, kept = fit_module.fit_all([])
    assert chosen == [("train", 0, True), ("train", 1, True), ("train", 2, False)]
    assert kept == [("train", "val", 0, True), ("train", "val", 1, True), ("train", "val", 2, False)]


def test_heads_without_ranks_and_without_pairs_can_be_fitted() -> None:
    given, samples = _made_up(3, 4)
    alone = [row for row, one in enumerate(samples) if one.kind == "h264" and one.strength == 0.5]
    head = fit(given[alone], [samples[row] for row in alone], steps=2)
    assert np.isfinite(predict([head], given)).all()

"""The material and the fit of the light quality model: graded, labelled, resumable, and able to learn."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from virality_core.errors import InputError
from virality_core.models import nima
from virality_core.models.quality_lite import CROPS, FEATURES, LiteFeatures
from virality_core.training.quality import __main__ as command
from virality_core.training.quality import contents, ffmpeg, real_clips
from virality_core.training.quality.baselines import asymmetric, features, sharpness
from virality_core.training.quality.contents import Picture, pictures
from virality_core.training.quality.distortions import MEASURED, ORDERED, crf_of
from virality_core.training.quality.fit import fit, judge, pairs_of
from virality_core.training.quality.measure import figures
from virality_core.training.quality.samples import STILLS, Sample, clips_of, load, of_picture
from virality_core.training.quality.views import FRAMES, SHARP, SIZES, detail, film


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with texture of many sizes."""
    chance = np.random.default_rng(1)
    picture = np.full((1300, 900, 3), 120.0, np.float32)
    for octave in range(1, 8):
        coarse = chance.normal(0, 18, (13 * 2**octave // 2, 9 * 2**octave // 2, 3)).astype(np.float32)
        picture += np.asarray(cv2.resize(coarse, (900, 1300), interpolation=cv2.INTER_CUBIC))
    path = tmp_path_factory.mktemp("pictures") / "drawn.png"
    cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8))
    return path


def test_film_is_the_same_for_a_seed_and_moves(drawn: Path) -> None:
    clip = film(drawn, 4)
    assert clip.shape == (FRAMES, SIZES[0][1], SIZES[0][0], 3)
    assert (clip == film(drawn, 4)).all()
    assert np.abs(clip[0].astype(int) - clip[-1]).mean() > 1.0
    assert np.abs(clip[0].astype(int) - film(drawn, 5)[0]).mean() > 1.0


@pytest.mark.parametrize(("picture", "clip"), [((480, 640), (360, 480)), ((500, 800), (360, 640))])
def test_a_small_picture_is_filmed_in_a_size_it_has_room_for(
    tmp_path: Path, picture: tuple[int, int], clip: tuple[int, int]
) -> None:
    path = tmp_path / "small.png"
    cv2.imwrite(str(path), np.random.default_rng(2).integers(0, 256, (*picture, 3), dtype=np.uint8))
    assert film(path, 1).shape == (FRAMES, *clip, 3)


def test_the_camera_goes_where_the_picture_is_sharp(tmp_path: Path) -> None:
    picture = np.full((1400, 2400, 3), 128, np.uint8)
    picture[:, 1500:] = np.random.default_rng(2).integers(90, 160, (1400, 900, 3), dtype=np.uint8)
    path = tmp_path / "half.png"
    cv2.imwrite(str(path), picture)
    # Of six places drawn evenly, five seeds in six or more have one that sees the sharp third.
    assert sum(detail(film(path, seed)[0]) > SHARP for seed in range(6)) >= 5


def test_a_soft_picture_is_left_out(drawn: Path, tmp_path: Path) -> None:
    path = tmp_path / "soft.png"
    cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(drawn)), (0, 0), 12))
    picture = Picture(path=path, source="drawn", split="train")
    assert clips_of(picture, tmp_path / "clips") == []
    assert of_picture(picture, LiteFeatures(nima.build(nima.Nima().state_dict())).eval(), tmp_path) is None


def test_test_pictures_are_fresh_and_no_picture_is_in_two_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    found = pictures(Path("/nowhere"))
    assert len({one.name for one in found}) == len(found)
    of_split = {split: {one.path for one in found if one.split == split} for split in ("train", "val", "test")}
    assert all(of_split.values())
    assert sum(map(len, of_split.values())) == len({one.path for one in found})
    assert {one.source.split()[0] for one in found if one.split == "test"} <= set(contents._FRESH)


@pytest.mark.parametrize("kind", [*MEASURED, *ORDERED])
def test_a_distortion_grows_with_its_strength(drawn: Path, kind: str) -> None:
    clip = film(drawn, 4)[:1]
    far = [
        float(np.abs((MEASURED | ORDERED)[kind](clip, strength, 2).astype(int) - clip).mean())
        for strength in (0.0, 0.3, 0.6, 1.0)
    ]
    assert far == sorted(far)
    assert far[-1] > 1.5 * far[0]


def test_vmaf_falls_with_the_rate(drawn: Path, tmp_path: Path) -> None:
    clip = film(drawn, 4)
    values, sizes = [], []
    for strength in (0.0, 0.5, 1.0):
        file = tmp_path / f"{strength}.mp4"
        sizes.append(ffmpeg.encode(clip, file, "libx264", crf_of("h264", strength)))
        values.append(ffmpeg.vmaf(file, clip))
    assert values[0] > 80
    assert values[0] > values[1] + 5
    assert values[1] > values[2] + 5
    assert sizes == sorted(sizes, reverse=True)
    assert ffmpeg.decode(file, clip.shape).shape == clip.shape


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mate-backgrounds"):
        pictures(tmp_path)


def test_material_is_made_once(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virality_core.training.quality.samples.MEASURED", {"defocus": MEASURED["defocus"]})
    monkeypatch.setattr("virality_core.training.quality.samples.CODECS", {})
    monkeypatch.setattr("virality_core.training.quality.samples._MIXTURES", ())
    network = LiteFeatures(nima.build(nima.Nima().state_dict())).eval()
    picture = Picture(path=drawn, source="drawn", split="test")
    path = of_picture(picture, network, tmp_path)
    assert path is not None
    given, samples = load([path])
    assert given.shape == (len(samples), STILLS, CROPS, FEATURES)
    assert [one.kind for one in samples] == ["clean", *["defocus"] * 3, *["low_light"] * 3, *["over_exposure"] * 3]
    vmafs = [one.vmaf for one in samples if one.vmaf is not None]
    assert len(vmafs) == 4
    assert vmafs == sorted(vmafs, reverse=True)
    assert len(list((tmp_path / "clips").glob("*.mp4"))) == len(samples)
    made = path.stat().st_mtime_ns
    assert of_picture(picture, network, tmp_path) == path
    assert path.stat().st_mtime_ns == made


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
    pairs = pairs_of(samples)
    assert len(pairs.better) == 2 * 4 * 3
    for good, bad in zip(pairs.better, pairs.worse, strict=True):
        assert samples[good].picture == samples[bad].picture
        assert samples[good].kind == samples[bad].kind
        assert samples[good].strength < samples[bad].strength


def test_the_figures_can_fail() -> None:
    _, samples = _made_up(3, 0)
    by_strength = -np.array([one.strength for one in samples])
    good, bad = figures(by_strength, samples), figures(-by_strength, samples)
    assert good["spearman_together"] == pytest.approx(1.0)
    assert bad["spearman_together"] == pytest.approx(-1.0)
    assert set(good["pair_order"].values()) == {1.0}  # type: ignore[attr-defined]
    assert set(bad["pair_order"].values()) == {0.0}  # type: ignore[attr-defined]


def test_sharpness_and_brisque_features_tell_blur(drawn: Path) -> None:
    frame = film(drawn, 4)[0]
    blurred = MEASURED["defocus"](frame[None], 0.6, 1)[0]
    assert sharpness(frame) > 2 * sharpness(blurred)
    grey = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(float) / 255 for one in (frame, blurred)]
    sharp, soft = (features(one) for one in grey)
    assert len(sharp) == 18
    # Neighbours are more alike in a blurred picture: their products lean to the right.
    lean = [one[3] / np.sqrt(one[4] + one[5]) for one in (sharp, soft)]
    assert lean[1] > lean[0] + 0.1


def test_fitted_shapes_are_those_of_known_distributions() -> None:
    chance = np.random.default_rng(0)
    for values, known in ((chance.normal(size=200_000), 2.0), (chance.laplace(size=200_000), 1.0)):
        shape, mean, left, right = asymmetric(values)
        assert shape == pytest.approx(known, rel=0.05)
        assert mean == pytest.approx(0.0, abs=0.02)
        assert left == pytest.approx(right, rel=0.05)


@pytest.mark.slow
def test_the_head_learns_and_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))  # an optimizer's first step makes that folder
    given, samples = _made_up(12, 1)
    head = fit(given, samples, steps=60)
    unseen, theirs = _made_up(6, 2)
    found = figures(judge(head, unseen), theirs)
    assert float(str(found["spearman_together"])) > 0.8
    assert (
        judge(fit(given[:24], samples[:24], steps=3), unseen) == judge(fit(given[:24], samples[:24], steps=3), unseen)
    ).all()


def test_material_without_a_part_is_refused(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rank correlation over nothing would be written down as 0."""
    few = [Picture(path=drawn, source="drawn", split="train")]
    monkeypatch.setattr(command, "pictures", lambda _: few)
    monkeypatch.setattr("virality_core.training.quality.samples.CODECS", {})
    monkeypatch.setattr("virality_core.training.quality.samples.MEASURED", {"defocus": MEASURED["defocus"]})
    monkeypatch.setattr("virality_core.training.quality.samples._MIXTURES", ())
    out = tmp_path / "out"
    assert command.main(["--work", str(tmp_path), "--out", str(out)]) == InputError.exit_code
    assert not out.exists()


def test_any_video_can_be_judged(
    drawn_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One whose pixels aren't square, and of an odd width when they are made so, too."""
    oblong = tmp_path / "oblong.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(drawn_clip), "-t", "1"]
    subprocess.run([*command, "-vf", "setsar=201/180", "-c:a", "copy", str(oblong)], check=True)
    assert ffmpeg.decode(oblong, (0, 320, 200, 3)).shape == (30, 320, 200, 3)
    monkeypatch.setattr(real_clips, "Brisque", lambda: sharpness)
    monkeypatch.setattr(real_clips, "KINDS", ("defocus",))
    monkeypatch.setattr(real_clips, "ORDERED", {})
    monkeypatch.setattr(real_clips, "STRENGTHS", (0.2, 0.8))
    assert real_clips.main([str(oblong)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pairs"], len(found["scores"])) == (1, 2)
    (_, _, _, mild, better), (_, _, _, strong, worse) = found["scores"]
    assert mild > strong
    assert (found["in_order"] == 1.0) == (better > worse)


def test_what_is_no_video_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(real_clips, "Brisque", lambda: sharpness)
    assert real_clips.main([str(tmp_path / "none.mp4")]) == InputError.exit_code
    assert "none.mp4" in capsys.readouterr().err

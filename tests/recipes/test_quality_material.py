"""The material of the light quality model: graded, labelled, resumable; and any video judged as it was."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import cast

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from recipes.vsfa_lite import __main__ as command
from recipes.vsfa_lite import ffmpeg, measure
from recipes.vsfa_lite import pictures as pictures_module
from recipes.vsfa_lite import samples as samples_module
from recipes.vsfa_lite.brisque import features, fit_gaussian
from recipes.vsfa_lite.clips import FRAMES, LOOKS, MEASURED, MIN_DETAIL, ORDERED, SIZES, crf_of, detail, film
from recipes.vsfa_lite.measure import sharpness
from recipes.vsfa_lite.pictures import Picture, extract, pictures
from recipes.vsfa_lite.samples import (
    STILLS,
    Sample,
    clip_path,
    load,
    make_clips,
    make_samples,
    pairs_of,
    seed_of,
    view_of,
)
from virality_core.errors import InputError
from virality_core.media import open_reel
from virality_core.models.vision import nima
from virality_core.models.vision.vsfa_lite import CROPS, FEATURES, LiteFeatures
from virality_core.types import Plan


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
    assert sum(detail(film(path, seed)[0]) > MIN_DETAIL for seed in range(6)) >= 5


def test_a_picture_with_blocks_is_shrunk_before_it_is_filmed(tmp_path: Path) -> None:
    """As far as there is room for a clip, and no farther: a picture is never enlarged or continued."""
    path = tmp_path / "picture.png"
    for (height, width), filmed in (((600, 800), SIZES[1]), ((400, 533), SIZES[2]), ((378, 504), SIZES[2])):
        cv2.imwrite(str(path), np.random.default_rng(5).integers(60, 200, (height, width, 3), dtype=np.uint8))
        as_it_is, shrunk = (film(path, 3, shrink=factor)[0] for factor in (1.0, 1.5))
        assert shrunk.shape[:2] == SIZES[2][::-1]
        assert as_it_is.shape[:2] == filmed[::-1]
    assert (as_it_is == shrunk).all()  # the last has no room


def test_photos_are_taken_out_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    whole, small = chance.integers(0, 256, (400, 500, 3), np.uint8), chance.integers(0, 256, (300, 900, 3), np.uint8)
    webp = [cv2.imencode(".webp", one, [cv2.IMWRITE_WEBP_QUALITY, 60])[1].tobytes() for one in (whole, small)]
    archive = tmp_path / "usr/share/gcompris-qt/rcc/animals.rcc"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"qres\0\0\0\1" + webp[0] + b"RIFF" + webp[1] + webp[0] + b"\0tree")
    monkeypatch.setattr(pictures_module, "PHOTOS", {"animals": 2})
    assert pictures_module.main([str(tmp_path)]) == 0
    written = sorted((tmp_path / "gcompris-qt-data").iterdir())
    assert [one.name for one in written] == ["animals-1.webp", "animals-2.webp"]
    assert all(one.read_bytes() == webp[0] for one in written)
    monkeypatch.setattr(pictures_module, "PHOTOS", {"animals": 3})
    with pytest.raises(InputError, match=r"2 photos, not 3"):
        extract(tmp_path)
    monkeypatch.setattr(pictures_module, "PHOTOS", {"plants": 1})
    with pytest.raises(InputError, match=r"plants\.rcc is missing"):
        extract(tmp_path / "elsewhere")


def test_grain_on_soft_films_is_learned_by_its_order_alone(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples_module, "CODECS", {})
    monkeypatch.setattr(samples_module, "MEASURED", {"noise": MEASURED["noise"], "defocus": MEASURED["defocus"]})
    monkeypatch.setattr(samples_module, "_MIXTURES", ())
    monkeypatch.setattr(samples_module, "_GRAINED", {" soft": ((("defocus",), 0.3, 0.6),)})
    found = make_clips(Picture(path=drawn, source="drawn", split="train"), tmp_path / "clips")
    soft = [one for one in found if one.picture == "drawn.0 soft"]
    assert {view_of(one) for one in found} == {"drawn.0"}
    assert [one.kind for one in soft] == ["clean", "noise", "noise", "noise"]
    assert {one.vmaf for one in soft} == {None}
    pairs = pairs_of(soft)
    assert len(pairs[0]) == 6
    clips = [
        open_reel(clip_path(tmp_path / "clips", "drawn.0", found.index(one)), Plan(stills=1)).frames.rgb for one in soft
    ]
    assert detail(clips[0][0]) < detail(film(drawn, seed_of("drawn.0"))[0])
    levels = [float(np.abs(one.astype(int) - clips[0]).mean()) for one in clips]
    assert levels == sorted(levels)


def test_a_soft_picture_is_left_out(drawn: Path, tmp_path: Path) -> None:
    path = tmp_path / "soft.png"
    cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(drawn)), (0, 0), 12))
    picture = Picture(path=path, source="drawn", split="train")
    assert make_clips(picture, tmp_path / "clips") == []
    assert make_samples(picture, LiteFeatures(nima.build(nima.Nima().state_dict())).eval(), tmp_path) is None


def test_test_pictures_are_fresh_and_no_picture_is_in_two_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    found = pictures(Path("/nowhere"))
    assert len({one.name for one in found}) == len(found)
    of_split = {split: {one.path for one in found if one.split == split} for split in ("train", "val", "test")}
    assert all(of_split.values())
    assert sum(map(len, of_split.values())) == len({one.path for one in found})
    assert {one.source.split()[0] for one in found if one.split == "test"} == {"gcompris-qt-data"}
    for root in ("/", "/some/where/else", "."):
        splits = {one.name: one.split for one in pictures(Path(root))}
        assert splits == {one.name: one.split for one in found}
    views = Counter(one.path for one in found)
    assert all(views[one.path] == 1 for one in found if one.split != "train")
    assert max(views.values()) == pictures_module.VIEWS


@pytest.mark.parametrize("kind", [*MEASURED, *ORDERED, *LOOKS])
def test_a_distortion_grows_with_its_strength(drawn: Path, kind: str) -> None:
    clip = film(drawn, 4)[:1]
    far = [
        float(np.abs((MEASURED | ORDERED | LOOKS)[kind](clip, strength, 2).astype(int) - clip).mean())
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
    monkeypatch.setattr("recipes.vsfa_lite.samples.MEASURED", {"defocus": MEASURED["defocus"]})
    monkeypatch.setattr("recipes.vsfa_lite.samples.CODECS", {})
    monkeypatch.setattr("recipes.vsfa_lite.samples._MIXTURES", ())
    network = LiteFeatures(nima.build(nima.Nima().state_dict())).eval()
    picture = Picture(path=drawn, source="drawn", split="test")
    path = make_samples(picture, network, tmp_path)
    assert path is not None
    given, samples = load([path])
    assert given.shape == (len(samples), STILLS, CROPS, FEATURES)
    assert [one.kind for one in samples] == ["clean", *["defocus"] * 3, *["low_light"] * 3, *["over_exposure"] * 3]
    vmafs = [one.vmaf for one in samples if one.vmaf is not None]
    assert len(vmafs) == 4
    assert vmafs == sorted(vmafs, reverse=True)
    assert len(list((tmp_path / "clips").glob("*.mp4"))) == len(samples)
    made = path.stat().st_mtime_ns
    assert make_samples(picture, network, tmp_path) == path
    assert path.stat().st_mtime_ns == made


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
        shape, mean, left, right = fit_gaussian(values)
        assert shape == pytest.approx(known, rel=0.05)
        assert mean == pytest.approx(0.0, abs=0.02)
        assert left == pytest.approx(right, rel=0.05)


def test_material_of_another_version_is_refused(drawn: Path, tmp_path: Path) -> None:
    network = LiteFeatures(nima.build(nima.Nima().state_dict())).eval()
    samples = [Sample(picture="drawn.0", split="train", kind="clean", strength=0.0, vmaf=99.0, bytes=1)]
    for crops, split in ((CROPS - 1, "train"), (CROPS, "test")):
        features_ = np.zeros((len(samples), STILLS, crops, FEATURES), np.float16)
        np.savez(tmp_path / "drawn.0.npz", features=features_, samples=json.dumps([asdict(one) for one in samples]))
        picture = Picture(path=drawn, source="drawn", split=cast(pictures_module.Split, split))
        with pytest.raises(InputError, match="another version"):
            make_samples(picture, network, tmp_path)


def test_material_without_a_part_is_refused(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rank correlation over nothing would be written down as 0."""
    few = [Picture(path=drawn, source="drawn", split="train")]
    monkeypatch.setattr(command, "pictures", lambda _: few)
    monkeypatch.setattr("recipes.vsfa_lite.samples.CODECS", {})
    monkeypatch.setattr("recipes.vsfa_lite.samples.MEASURED", {"noise": MEASURED["noise"]})
    monkeypatch.setattr("recipes.vsfa_lite.samples._MIXTURES", ())
    monkeypatch.setattr("recipes.vsfa_lite.samples._GRAINED", {})
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
    monkeypatch.setattr(measure, "Brisque", lambda: sharpness)
    monkeypatch.setattr(measure, "KINDS", ("defocus",))
    monkeypatch.setattr(measure, "ORDERED", {})
    monkeypatch.setattr(measure, "STRENGTHS", (0.2, 0.8))
    assert measure.main([str(oblong)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pairs"], len(found["scores"])) == (1, 2)
    (_, _, _, mild, better), (_, _, _, strong, worse) = found["scores"]
    assert mild > strong
    assert (found["in_order"] == 1.0) == (better > worse)


def test_what_is_no_video_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "Brisque", lambda: sharpness)
    assert measure.main([str(tmp_path / "none.mp4")]) == InputError.exit_code
    assert "none.mp4" in capsys.readouterr().err

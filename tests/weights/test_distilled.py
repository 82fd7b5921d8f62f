"""The weights that come with the package, as they come with it."""

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

from skresnet import ResNet50Embedder
from skresnet.networks import RESNET50
from skresnet.weights import (
    ResolvedWeights,
    WeightsUnavailableError,
    distilled,
    load_weights,
    resolve_weights,
)
from skresnet.weights.distilled import read_packed


@pytest.fixture
def other_file(tmp_path, monkeypatch):
    """Stands where the package's file should be."""
    path = tmp_path / distilled.FILE_NAME
    monkeypatch.setattr(distilled, "distilled_path", lambda: path)
    return path


def test_the_file_is_there_and_found_by_its_name():
    path = distilled.distilled_path()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == distilled.SHA256
    expected = ResolvedWeights("distilled", digest, str(path))
    assert resolve_weights("distilled") == expected


def test_the_file_gives_float32_weights_of_every_layer():
    weights = read_packed(distilled.distilled_path())
    assert {
        layer: tuple(array.shape for array in arrays)
        for layer, arrays in weights.items()
    } == RESNET50.weight_shapes
    for arrays in weights.values():
        for array in arrays:
            assert array.dtype == np.float32
            assert np.isfinite(array).all()


def test_the_file_is_small_enough_and_part_of_the_installation():
    path = distilled.distilled_path()
    assert path.stat().st_size <= 50e6
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    data = project["tool"]["setuptools"]["package-data"]["skresnet"]
    assert f"weights/{path.name}" in data


def test_a_cut_file_is_told_with_both_digests_and_the_way_out(other_file):
    other_file.write_bytes(b"half of it")
    with pytest.raises(WeightsUnavailableError) as caught:
        ResNet50Embedder(weights="distilled").fit(["any.png"])
    found = hashlib.sha256(b"half of it").hexdigest()
    for part in (
        f"{other_file}, which",
        f"is damaged: its SHA-256 is {found}",
        f"expected {distilled.SHA256}",
        "pip install --force-reinstall skresnet",
    ):
        assert part in str(caught.value)


def test_a_file_that_was_not_installed_is_told_so_too(other_file):
    with pytest.raises(WeightsUnavailableError, match=f"{other_file}.* is not there"):
        resolve_weights("distilled")


def test_a_file_that_is_damaged_later_on_is_not_used(other_file):
    before = ResolvedWeights("distilled", distilled.SHA256, "/elsewhere/distilled.npz")
    other_file.write_bytes(b"half of it")
    with pytest.raises(WeightsUnavailableError, match="is damaged"):
        load_weights(before)

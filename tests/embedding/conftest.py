"""Pictures in files, and a count of those that went through the network."""

import numpy as np
import pytest
from counted import VARIABLE, n_through_network
from PIL import Image


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Sixty pictures of noise, each of its own."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    paths = [str(folder / f"{index:02}.png") for index in range(60)]
    for path in paths:
        pixels = generator.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


@pytest.fixture
def computed(tmp_path, monkeypatch):
    """Tell how many pictures went through the network since it was last asked."""
    file = tmp_path / "batches"
    monkeypatch.setenv(VARIABLE, str(file))
    return lambda: n_through_network(file)


@pytest.fixture
def folder(tmp_path):
    """A folder for a cache, not there yet."""
    return tmp_path / "cache"

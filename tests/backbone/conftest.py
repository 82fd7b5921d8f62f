import numpy as np
import pytest


@pytest.fixture(scope="session")
def pictures():
    """Two 64 x 64 pictures with smooth areas and edges, as photographs have."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (2, 8, 8, 3)).repeat(8, axis=1).repeat(8, axis=2)
    noise = rng.integers(-20, 21, coarse.shape)
    return np.clip(coarse + noise, 0, 255).astype(np.uint8)

import pytest

from skresnet import load_image_splits


@pytest.fixture(scope="session")
def data(colour_folder):
    """Paths and sorted class names: 36 to train, 12 for validation, 18 to test."""
    return load_image_splits(colour_folder)

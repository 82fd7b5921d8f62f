"""Models to export, and the pictures that they were trained on."""

import numpy as np
import pytest
from colour_pipelines import colour_pipeline

from skresnet import load_image_folder, make_image_classifier


@pytest.fixture(scope="session")
def pixels(colour_folder):
    """Pictures of the input size that no export has been compared on."""
    return np.random.default_rng(3).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def fitted(colour_folder):
    """Train a tiny Pipeline with any head on the coloured pictures."""
    data = load_image_folder(colour_folder / "train")

    def fit(classifier=None, **params):
        tiny = {"embedder__input_size": 32, "embedder__layer": "conv2_block1_out"}
        if params.get("network") == "efficientnet_lite0":
            tiny["embedder__layer"] = "block2b_add"
        if classifier is None:
            return colour_pipeline(**{**tiny, **params, "classifier__epochs": 3}).fit(
                data.data, data.target
            )
        return make_image_classifier(
            classifier=classifier, weights=None, random_state=0, **{**tiny, **params}
        ).fit(data.data, data.target)

    return fit


@pytest.fixture(scope="session")
def dense_model(fitted):
    return fitted()

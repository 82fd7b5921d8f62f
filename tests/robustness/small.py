"""Models in a size for tests, and data for them."""

import numpy as np

from skresnet import DenseSGDClassifier, ResNet50Embedder, make_image_classifier

EMBEDDER = {
    "weights": None,
    "random_state": 0,
    "input_size": 32,
    "layer": "conv1_relu",
}
CLASSIFIER = {"hidden_layer_sizes": (8,), "epochs": 2, "random_state": 0}


def small_embedder(**params):
    return ResNet50Embedder(**{**EMBEDDER, **params})


def small_classifier(**params):
    return DenseSGDClassifier(**{**CLASSIFIER, **params})


def small_pipeline(**params):
    steps = {
        **{f"embedder__{name}": value for name, value in EMBEDDER.items()},
        **{f"classifier__{name}": value for name, value in CLASSIFIER.items()},
    }
    return make_image_classifier(**{**steps, **params})


def noise(count):
    """Pictures that all differ."""
    return np.random.default_rng(0).integers(0, 256, (count, 20, 24, 3), np.uint8)

"""The models of this project in a size for tests."""

from skresnet import DenseSGDClassifier, ResNet50Embedder, make_image_classifier

EMBEDDER = {
    "weights": None,
    "random_state": 0,
    "input_size": 32,
    "layer": "conv1_relu",
    "preprocessing": None,
}
CLASSIFIER = {
    "hidden_layer_sizes": (16,),
    "learning_rate": 0.002,
    "epochs": 5,
    "batch_size": 8,
    "random_state": 0,
}


def small_embedder(**params):
    return ResNet50Embedder(**{**EMBEDDER, **params})


def small_classifier(**params):
    return DenseSGDClassifier(**{**CLASSIFIER, "learning_rate": 0.05, **params})


def small_pipeline(**params):
    steps = {
        **{f"embedder__{name}": value for name, value in EMBEDDER.items()},
        **{f"classifier__{name}": value for name, value in CLASSIFIER.items()},
    }
    return make_image_classifier(**{**steps, **params})

"""A Pipeline for the pictures of ``colour_folder``, in a size for tests."""

from sklearn.preprocessing import StandardScaler

from skresnet import make_image_classifier


def colour_pipeline(**params):
    """Make it; features of random weights need the scaler."""
    defaults = {
        "weights": None,
        "random_state": 0,
        "embedder__input_size": 32,
        "embedder__layer": "conv2_block1_out",
        "classifier__hidden_layer_sizes": (32, 16),
        "classifier__learning_rate": 0.05,
        "classifier__epochs": 15,
    }
    model = make_image_classifier(**{**defaults, **params})
    model.steps.insert(1, ("scaler", StandardScaler()))
    return model

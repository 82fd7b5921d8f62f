"""Models of pictures that are quick to fit, and plots without windows."""

import matplotlib
import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skresnet import ResNet50Embedder


@pytest.fixture(autouse=True)
def plots_without_windows():
    with matplotlib.rc_context({"backend": "Agg"}):
        yield


@pytest.fixture(scope="session")
def pixel_model():
    """Make a fitted Pipeline that ends in scikit-learn's own classifier, and its X."""

    def make(n_classes=3, side=32, names=None, n_pictures=4, **params):
        generator = np.random.default_rng(0)
        centres = generator.uniform(40, 215, (n_classes, 1, 1, 1, 3))
        noise = generator.normal(0, 8, (n_classes, n_pictures, side, side, 3))
        X = (centres + noise).clip(0, 255).astype(np.uint8).reshape(-1, side, side, 3)
        if names is None:
            names = [f"class {index:02}" for index in range(n_classes)]
        kind = object if isinstance(names[0], str) else None
        y = np.repeat(np.array(names, dtype=kind), n_pictures)
        model = make_pipeline(
            ResNet50Embedder(
                weights=None,
                random_state=0,
                layer="conv2_block1_out",
                **{"input_size": 32, **params},
            ),
            StandardScaler(),
            GaussianNB(),
        )
        return model.fit(X, y), list(X)

    return make

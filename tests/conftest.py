"""What tests of several rooms share: pictures, features and weights of their making."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from colour_pipelines import colour_pipeline
from PIL import Image
from sklearn.datasets import make_classification

from skresnet import load_image_folder

# No test leaves compiled networks in the folder of this user.
os.environ["SKRESNET_COMPILED_NETWORKS"] = ""

COLOURS = {"blue": (40, 60, 200), "green": (50, 190, 60), "red": (200, 50, 40)}


@pytest.fixture(scope="session")
def colour_folder(tmp_path_factory):
    """Splits of small noisy pictures whose class is their colour."""
    root = tmp_path_factory.mktemp("colours")
    generator = np.random.default_rng(0)
    for split, count in {"train": 12, "val": 4, "test": 6}.items():
        for name, colour in COLOURS.items():
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                pixels = generator.normal(colour, 30, (40, 48, 3)).clip(0, 255)
                image = Image.fromarray(pixels.astype(np.uint8))
                image.save(folder / f"{index:02}.png")
    return root


@pytest.fixture(scope="session")
def colour_model(colour_folder):
    """A Pipeline that was trained on those pictures; not to be changed."""
    data = load_image_folder(colour_folder / "train")
    return colour_pipeline().fit(data.data, data.target)


@pytest.fixture(scope="session")
def features():
    """Features and string labels of three classes, sorted by class as folders are."""
    X, y = make_classification(
        n_samples=240,
        n_features=30,
        n_informative=10,
        n_classes=3,
        class_sep=2.0,
        random_state=0,
    )
    order = np.argsort(y, kind="stable")
    names = np.array(["bird", "cat", "dog"], dtype=object)
    return X[order].astype(np.float32), names[y[order]]


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real pictures beside the repository, where there is one."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real pictures is not there")
    return folder


@pytest.fixture(scope="session")
def weights_folder():
    """A folder that goes at once: each weights file takes 95 MB."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def trained_model():
    """ResNet50 as after a training: no bias is 0, no statistic is that of a start."""
    import keras

    model = keras.applications.ResNet50(
        include_top=False, pooling="avg", input_shape=(64, 64, 3), weights=None
    )
    rng = np.random.default_rng(7)
    for layer in model.layers:
        arrays = layer.get_weights()
        if len(arrays) == 2:
            fan_in = np.prod(arrays[0].shape[:3])
            kernel = rng.normal(0, np.sqrt(2 / fan_in), arrays[0].shape)
            layer.set_weights([kernel, rng.normal(0, 0.1, arrays[1].shape)])
        elif len(arrays) == 4:
            n = len(arrays[0])
            gamma, variance = rng.uniform(0.5, 1.5, n), rng.uniform(0.3, 3, n)
            mean, beta = rng.normal(0, 0.5, (2, n))
            layer.set_weights([gamma, beta, mean, variance])
    return model


@pytest.fixture(scope="session")
def trained_file(trained_model, weights_folder):
    path = weights_folder / "trained.weights.h5"
    trained_model.save_weights(path)
    return path

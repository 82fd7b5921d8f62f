"""EfficientNet-Lite0's features, beside those that PyTorch's reference gave.

``python -m tools.check_efficientnet_lite0 --record FILE`` wrote the file: parts of two
photographs, and the means of each channel at the end of every block and of the whole.
"""

from pathlib import Path

import numpy as np
import pytest
from surroundings import needs_openvino

from skresnet import EfficientNetLite0Embedder
from skresnet.backbone import (
    BackboneSettings,
    check_precision,
    keras_model,
    load_backbone,
)
from skresnet.networks import EFFICIENTNET_LITE0
from skresnet.weights import resolve_weights

ENGINES = ("tensorflow", pytest.param("openvino", marks=needs_openvino))
# The last layers of blocks, with and without an addition, after strides of 1 and 2.
LAYERS = ("block1a_project_bn", "block3b_add", "block5a_project_bn", "block6d_add")


@pytest.fixture(scope="module")
def reference():
    with np.load(Path(__file__).with_name("lite0_reference.npz")) as file:
        return dict(file)


def settings_for(pictures, layer="avg_pool", **params):
    return BackboneSettings(
        resolve_weights("imagenet", network=EFFICIENTNET_LITE0),
        layer,
        input_size=pictures.shape[1:3],
        preprocessing="lite",
        **params,
    )


def fitted_keras_model():
    embedder = EfficientNetLite0Embedder(input_size=(97, 75))
    return embedder.fit(["any.png"]).keras_model()


def assert_same(found, expected):
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", ["even", "odd"])
def test_features_are_those_of_the_reference(size, engine, reference):
    pictures = reference[size]
    settings = settings_for(pictures, engine=engine)
    assert_same(load_backbone(settings)(pictures), reference[f"{size}/avg_pool"])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layer", LAYERS)
def test_inner_layers_are_those_of_the_reference(layer, engine, reference):
    pictures = reference["odd"]
    settings = settings_for(pictures, layer, engine=engine)
    assert_same(load_backbone(settings)(pictures), reference[f"odd/{layer}"])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_convolution_without_its_normalisation_is_one_without_bias(engine, reference):
    pictures = reference["odd"]
    settings = settings_for(pictures, "block2a_dwconv", pooling="max", engine=engine)
    pixels = (pictures.astype(np.float32) - 127) / 128
    expected = keras_model(settings).predict(pixels, verbose=0).max((1, 2))
    assert_same(load_backbone(settings)(pictures), expected)


def test_the_keras_model_computes_the_same(reference):
    model = fitted_keras_model()
    pixels = (reference["odd"].astype(np.float32) - 127) / 128
    assert_same(model.predict(pixels, verbose=0), reference["odd/avg_pool"])


@pytest.mark.parametrize("named", [True, False])
def test_weights_of_the_keras_model_can_be_saved_and_taken(named, reference, tmp_path):
    import h5py

    model = fitted_keras_model()
    path = tmp_path / "mine.weights.h5"
    model.save_weights(path)
    if not named:  # as early versions of Keras 3 wrote it
        with h5py.File(path, "r+") as file:
            file.visititems(lambda _, item: item.attrs.pop("name", None) and None)
    embedder = EfficientNetLite0Embedder(weights=path, input_size=(97, 75))
    features = embedder.fit_transform(reference["odd"])
    assert embedder.weights_.name == "file"
    assert_same(features, reference["odd/avg_pool"])


@pytest.mark.parametrize("engine", ENGINES)
def test_bfloat16_keeps_the_direction_of_the_features(engine, reference):
    try:
        check_precision("bfloat16")
    except ValueError as error:
        pytest.skip(str(error))
    pictures, exact = reference["even"], reference["even/avg_pool"]
    settings = settings_for(pictures, precision="bfloat16", engine=engine)
    fast = load_backbone(settings)(pictures)
    assert not np.array_equal(fast, exact)
    cosine = (exact * fast).sum(axis=1) / (
        np.linalg.norm(exact, axis=1) * np.linalg.norm(fast, axis=1)
    )
    assert (cosine > 0.999).all()

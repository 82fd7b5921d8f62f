from pathlib import Path

import numpy as np
import pytest
from surroundings import needs_openvino

from skresnet.backbone import (
    BackboneSettings,
    check_precision,
    keras_model,
    load_backbone,
)
from skresnet.weights import resolve_weights

ENGINES = ("tensorflow", pytest.param("openvino", marks=needs_openvino))
PHOTOGRAPHS = Path(__file__).parents[2] / "../shared/data/cats-dogs/test"

# One of each kind, and both sides of a sum.
INNER_LAYERS = (
    "conv1_pad",
    "conv1_conv",
    "conv1_bn",
    "pool1_pad",
    "pool1_pool",
    "conv2_block1_0_bn",
    "conv3_block1_2_conv",
    "conv4_block2_add",
    "conv4_block6_out",
)


def keras_features(settings, batch):
    """What Keras computes, with the preprocessing of Keras."""
    from keras.applications.resnet import preprocess_input

    pixels = batch.astype(np.float32)
    if settings.preprocessing == "caffe":
        pixels = preprocess_input(pixels)
    return keras_model(settings).predict(pixels, verbose=0)


def assert_same(found, expected):
    """Compare to 1e-4 of the row's largest feature, and of each that is not tiny."""
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert scale.min() > 0
    error = np.abs(found - expected)
    assert (error <= 1e-4 * scale).all()
    large = np.abs(expected) > 0.05 * scale
    assert large.any(axis=1).all()
    assert (error[large] <= 1e-4 * np.abs(expected)[large]).all()


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def trained(trained_file):
    return resolve_weights(trained_file)


@pytest.mark.parametrize("preprocessing", ["caffe", None])
def test_features_are_those_of_keras(trained, pictures, preprocessing, engine):
    settings = BackboneSettings(
        trained, input_size=(64, 64), preprocessing=preprocessing, engine=engine
    )
    assert_same(load_backbone(settings)(pictures), keras_features(settings, pictures))


@pytest.mark.parametrize("layer", INNER_LAYERS)
def test_inner_layers_are_those_of_keras(
    trained, trained_model, pictures, layer, engine
):
    import keras
    from keras.applications.resnet import preprocess_input

    settings = BackboneSettings(trained, layer, "flatten", (64, 64), engine=engine)
    inner = keras.Model(trained_model.input, trained_model.get_layer(layer).output)
    expected = inner.predict(preprocess_input(pictures.astype("float32")), verbose=0)
    assert_same(load_backbone(settings)(pictures), expected.reshape(len(pictures), -1))


@pytest.mark.parametrize("input_size", [(225, 193), (32, 32)])
def test_random_weights_and_odd_sizes_are_those_of_keras(input_size, engine):
    weights = resolve_weights(None, seed=5)
    settings = BackboneSettings(weights, input_size=input_size, engine=engine)
    rng = np.random.default_rng(0)
    batch = rng.integers(0, 256, (1, *input_size, 3)).astype(np.uint8)
    assert_same(load_backbone(settings)(batch), keras_features(settings, batch))


@pytest.mark.parametrize(("pooling", "reduce"), [("avg", np.mean), ("max", np.max)])
def test_pooling_reduces_each_channel_over_the_picture(
    trained, pictures, pooling, reduce, engine
):
    flat, pooled = (
        load_backbone(
            BackboneSettings(trained, "conv2_block3_out", how, (64, 64), engine=engine)
        )(pictures)
        for how in ("flatten", pooling)
    )
    expected = reduce(flat.reshape(len(pictures), -1, pooled.shape[1]), axis=1)
    np.testing.assert_allclose(pooled, expected, rtol=1e-5)


def test_both_types_of_pixels_give_the_same_features(trained, pictures, engine):
    settings = BackboneSettings(trained, input_size=(64, 64), engine=engine)
    backbone = load_backbone(settings)
    as_floats = backbone(pictures.astype(np.float32))
    np.testing.assert_array_equal(backbone(pictures), as_floats)


def test_the_length_of_a_batch_may_change_down_to_nothing(trained, pictures, engine):
    settings = BackboneSettings(trained, input_size=(64, 64), engine=engine)
    backbone = load_backbone(settings)
    assert_same(backbone(pictures[:1]), backbone(pictures)[:1])
    assert backbone(pictures[:0]).shape == (0, backbone.n_features)


def test_bfloat16_keeps_the_direction_of_the_features_of_photographs(trained, engine):
    try:
        check_precision("bfloat16")
    except ValueError as error:
        pytest.skip(str(error))
    if not PHOTOGRAPHS.is_dir():
        pytest.skip("needs the photographs of ../shared/data")
    from PIL import Image

    paths = sorted(PHOTOGRAPHS.glob("*/*.jpg"))[::20]
    batch = np.stack(
        [np.asarray(Image.open(p).convert("RGB").resize((96, 96))) for p in paths]
    )
    exact, fast = (
        load_backbone(
            BackboneSettings(trained, input_size=(96, 96), precision=p, engine=engine)
        )(batch)
        for p in ("float32", "bfloat16")
    )
    assert fast.dtype == np.float32
    assert not np.array_equal(exact, fast)
    cosine = (exact * fast).sum(axis=1) / (
        np.linalg.norm(exact, axis=1) * np.linalg.norm(fast, axis=1)
    )
    assert (cosine > 0.999).all()


def test_distilled_weights_give_the_features_of_keras(pictures):
    settings = BackboneSettings(
        resolve_weights("distilled"),
        "conv2_block1_out",
        input_size=(64, 64),
        preprocessing=None,
    )
    expected = keras_model(settings)(pictures.astype(np.float32)).numpy().mean((1, 2))
    np.testing.assert_allclose(load_backbone(settings)(pictures), expected, rtol=1e-3)

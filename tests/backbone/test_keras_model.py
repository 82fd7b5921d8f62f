"""The Keras model that users get to look at."""

import keras
import numpy as np
import pytest

from skresnet.backbone import BackboneSettings, keras_model
from skresnet.weights import resolve_weights


def settings_for(seed, layer):
    return BackboneSettings(
        resolve_weights(None, seed=seed), layer, input_size=(64, 64)
    )


@pytest.fixture
def other_defaults():
    """Keras as a user may have set it for models of their own."""
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


def test_it_is_the_model_of_keras(trained_model, trained_file, pictures):
    settings = BackboneSettings(resolve_weights(trained_file), input_size=(64, 64))
    model = keras_model(settings)
    assert [layer.name for layer in model.layers[1:]] == [
        layer.name for layer in trained_model.layers[1:]
    ]
    for layer, expected in zip(model.layers[1:], trained_model.layers[1:], strict=True):
        assert type(layer) is type(expected)
        assert layer.output.shape == expected.output.shape
    assert model.count_params() == trained_model.count_params()
    pixels = pictures.astype(np.float32)
    np.testing.assert_allclose(
        model.predict(pixels, verbose=0),
        trained_model.predict(pixels, verbose=0),
        rtol=1e-5,
    )


def test_the_keras_model_ends_at_the_layer():
    model = keras_model(settings_for(101, "conv3_block1_add"))
    assert model.layers[-1].name == "conv3_block1_add"
    assert model.input_shape == (None, 64, 64, 3)


@pytest.mark.usefixtures("other_defaults")
def test_it_does_not_depend_on_what_keras_is_set_to(pictures):
    settings = settings_for(101, "conv2_block1_out")
    model = keras_model(settings)
    assert model.input_shape == (None, 64, 64, 3)
    assert model.output_shape == (None, 16, 16, 256)
    found = model.predict(pictures.astype(np.float32), verbose=0)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
    expected = keras_model(settings).predict(pictures.astype(np.float32), verbose=0)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)

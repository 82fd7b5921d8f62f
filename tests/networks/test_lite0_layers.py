"""The table of EfficientNet-Lite0, beside Keras' EfficientNetB0."""

import keras
import pytest

from skresnet.networks import EFFICIENTNET_LITE0


@pytest.fixture(scope="module")
def larger():
    """Keras' EfficientNetB0: the same network with squeeze and excitation."""
    return keras.applications.EfficientNetB0(
        include_top=False, pooling="avg", input_shape=(97, 76, 3), weights=None
    )


def test_layers_have_the_names_and_the_order_of_keras(larger):
    names = [layer.name for layer in EFFICIENTNET_LITE0.layers]
    assert len(set(names)) == len(names) == 141
    assert [layer.name for layer in larger.layers if layer.name in names] == names


def test_every_layer_has_the_shape_that_keras_gives_it(larger):
    for layer in EFFICIENTNET_LITE0.layers:
        expected = larger.get_layer(layer.name).output.shape[1:]
        assert EFFICIENTNET_LITE0.output_shape(layer.name, (97, 76)) == expected


def test_weights_have_the_shapes_of_keras(larger):
    for name, shapes in EFFICIENTNET_LITE0.weight_shapes.items():
        weights = larger.get_layer(name).weights
        assert [tuple(weight.shape) for weight in weights] == list(shapes)


def test_what_keras_has_besides_is_squeeze_and_excitation_and_what_changes_nothing(
    larger,
):
    names = {layer.name for layer in EFFICIENTNET_LITE0.layers}
    others = {layer.name for layer in larger.layers[1:]} - names
    beginning = {"rescaling", "normalization", "rescaling_1", "stem_conv_pad"}
    endings = ("_se_squeeze", "_se_reshape", "_se_reduce", "_se_expand", "_se_excite")
    assert {
        name
        for name in others - beginning
        if not name.endswith((*endings, "_dwconv_pad", "_drop"))
    } <= {name for name in others if name.startswith(("rescaling", "normalization"))}


def test_a_layer_of_the_other_network_is_refused_by_the_name_of_this_one():
    with pytest.raises(ValueError, match=r"'conv4_block6_out'.*EfficientNet-Lite0"):
        EFFICIENTNET_LITE0.n_features("conv4_block6_out", "avg", (224, 224))


def test_another_pooling_of_the_last_block_has_a_layer():
    with pytest.raises(ValueError, match=r"pooling='max'.*layer='top_activation'"):
        EFFICIENTNET_LITE0.n_features("avg_pool", "max", (224, 224))
    assert EFFICIENTNET_LITE0.n_features("top_activation", "max", (224, 224)) == 1280

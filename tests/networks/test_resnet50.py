import subprocess
import sys

import pytest

from skresnet.networks import RESNET50


def keras_layers(input_size):
    import keras

    model = keras.applications.ResNet50(
        include_top=False, pooling="avg", input_shape=(*input_size, 3), weights=None
    )
    return model.layers[1:]  # the first is the input


def test_names_and_order_are_those_of_keras(trained_model):
    assert [layer.name for layer in RESNET50.layers] == [
        layer.name for layer in trained_model.layers[1:]
    ]


def test_weights_have_the_shapes_of_keras(trained_model):
    shapes = {
        layer.name: tuple(tuple(weight.shape) for weight in layer.weights)
        for layer in trained_model.layers
        if layer.weights
    }
    assert list(RESNET50.weight_shapes.items()) == list(shapes.items())


@pytest.mark.parametrize("input_size", [(32, 32), (225, 193)])
def test_every_layer_has_the_shape_that_keras_gives_it(input_size):
    for layer in keras_layers(input_size):
        assert RESNET50.output_shape(layer.name, input_size) == layer.output.shape[1:]


def test_the_package_is_imported_and_asked_without_tensorflow():
    program = (
        "import sys\n"
        "from skresnet.backbone import BackboneSettings\n"
        "from skresnet.weights import resolve_weights\n"
        "weights = resolve_weights(None, seed=0)\n"
        "assert BackboneSettings(weights, 'conv4_block6_out').n_features == 1024\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_pooling_decides_how_many_features_a_layer_gives():
    height, width, channels = RESNET50.output_shape("conv3_block4_out", (64, 96))
    assert RESNET50.n_features("conv3_block4_out", "avg", (64, 96)) == channels
    assert RESNET50.n_features("conv3_block4_out", "max", (64, 96)) == channels
    flat = RESNET50.n_features("conv3_block4_out", "flatten", (64, 96))
    assert flat == height * width * channels


def test_a_misspelt_layer_is_answered_with_those_near_it():
    with pytest.raises(ValueError, match=r"layer='conv5_blok3_out'.*conv5_block3_out"):
        RESNET50.output_shape("conv5_blok3_out", (64, 64))


@pytest.mark.parametrize("name", ["predictions", "fc1000"])
def test_the_classification_layer_is_said_to_be_no_part_of_the_network(name):
    with pytest.raises(ValueError, match=r"classification layer.*avg_pool"):
        RESNET50.output_shape(name, (64, 64))


def test_smaller_pictures_than_keras_takes_are_refused():
    with pytest.raises(ValueError, match=r"input_size=\(31, 64\).*at least 32"):
        RESNET50.output_shape("avg_pool", (31, 64))


def test_pooling_is_refused_where_it_would_be_ignored():
    with pytest.raises(ValueError, match=r"pooling='max'.*conv5_block3_out"):
        RESNET50.n_features("avg_pool", "max", (64, 64))

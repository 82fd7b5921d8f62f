import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from skresnet.networks import RESNET50
from skresnet.weights.keras_files import read_keras_file


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def assert_read(path, model):
    """The file gives the weights of the model, layer by layer."""
    weights = read_keras_file(RESNET50, path)
    assert list(weights) == list(RESNET50.weight_shapes)
    for layer, arrays in weights.items():
        expected = model.get_layer(layer).get_weights()
        for found, value in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(found, value)


def with_top(model):
    import keras

    return keras.Model(model.input, keras.layers.Dense(7)(model.output))


def inside_another(model):
    import keras

    normalise = keras.layers.BatchNormalization()
    return keras.Sequential([model, normalise, keras.layers.Dense(3)])


def write_as_keras_2(path, model, rename=str):
    """Write weights the way of the files that Keras publishes."""
    import h5py

    variables = {
        2: ("kernel", "bias"),
        4: ("gamma", "beta", "moving_mean", "moving_variance"),
    }
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [rename(x.name).encode() for x in model.layers]
        for layer in model.layers:
            arrays, name = layer.get_weights(), rename(layer.name)
            group = file.create_group(name)
            keys = [f"{name}/{v}:0" for v in variables.get(len(arrays), ())]
            group.attrs["weight_names"] = [key.encode() for key in keys]
            for key, array in zip(keys, arrays, strict=True):
                group[key] = array


def test_weights_of_keras_3_are_read(trained_file, trained_model):
    assert_read(trained_file, trained_model)


@pytest.mark.parametrize("around", [with_top, inside_another])
@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_layers_on_top_are_left_out_in_every_format(
    around, suffix, trained_model, folder
):
    path, model = folder / f"model{suffix}", around(trained_model)
    if suffix == ".weights.h5":
        model.save_weights(path)
    else:
        model.save(path)
    assert_read(path, trained_model)


def test_weights_of_keras_2_are_read(trained_model, folder):
    write_as_keras_2(folder / "old.h5", trained_model)
    assert_read(folder / "old.h5", trained_model)


def test_weights_of_keras_2_with_other_names_are_read_by_their_order(
    trained_model, folder
):
    write_as_keras_2(folder / "old.h5", trained_model, lambda name: f"my_{name}")
    assert_read(folder / "old.h5", trained_model)


@pytest.mark.parametrize("around", [with_top, inside_another])
def test_weights_of_early_keras_3_without_names_are_read_by_kind_and_number(
    around, trained_model, folder
):
    import h5py

    path = folder / "early.weights.h5"
    around(trained_model).save_weights(path)
    with h5py.File(path, "r+") as file:
        file.visititems(lambda _, item: item.attrs.pop("name", None) and None)
    assert_read(path, trained_model)


def test_another_network_is_refused_with_what_differs(folder):
    import keras

    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    model.save_weights(folder / "small.weights.h5")
    with pytest.raises(ValueError, match=r"small.weights.h5 .*lacks 'conv1_conv'"):
        read_keras_file(RESNET50, folder / "small.weights.h5")


def test_a_deeper_resnet_is_not_taken_for_the_part_that_has_the_same_names(folder):
    import keras

    model = keras.applications.ResNet101(
        include_top=False, input_shape=(32, 32, 3), weights=None
    )
    model.save_weights(folder / "deep.weights.h5")
    with pytest.raises(ValueError, match="ResNet50 has no 'conv4_block7_1_bn'"):
        read_keras_file(RESNET50, folder / "deep.weights.h5")


def test_weights_of_another_shape_are_refused_with_both_shapes(trained_file, folder):
    import h5py

    path = shutil.copy(trained_file, folder / "wide.weights.h5")
    with h5py.File(path, "r+") as file:
        del file["layers/conv2d/vars/1"]
        file["layers/conv2d/vars/1"] = np.zeros(96, np.float32)
    with pytest.raises(ValueError, match=r"'conv1_conv' has .*\(96,\).*instead of.*64"):
        read_keras_file(RESNET50, path)


def test_weights_that_are_not_numbers_are_refused(trained_file, folder):
    import h5py

    path = Path(shutil.copy(trained_file, folder / "diverged.weights.h5"))
    with h5py.File(path, "r+") as file:
        file["layers/conv2d/vars/1"][3] = np.nan
    with pytest.raises(ValueError, match=r"diverged.*'conv1_conv' contain NaN"):
        read_keras_file(RESNET50, path)


def test_a_file_cut_short_is_said_to_be_damaged(trained_file, folder):
    path = folder / "short.weights.h5"
    path.write_bytes(trained_file.read_bytes()[: 10**6])
    with pytest.raises(ValueError, match=r"short.weights.h5 is damaged"):
        read_keras_file(RESNET50, path)


def test_a_file_of_another_kind_is_refused(folder):
    path = folder / "weights.pth"
    path.write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match=r"weights.pth is not an HDF5 file.*\.keras"):
        read_keras_file(RESNET50, path)


def test_a_zip_file_without_a_model_is_refused(folder):
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        archive.writestr("cat.txt", "miaow")
    with pytest.raises(ValueError, match=r"photos.zip .*without a model.weights.h5"):
        read_keras_file(RESNET50, folder / "photos.zip")

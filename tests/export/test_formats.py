"""Every format computes what the model does, and says what its classes are."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from runtimes import metadata, run

from skresnet import export_model

NAMES = ("model.onnx", "model.xml", "model.keras", "model.tflite", "model")


@pytest.fixture(scope="module")
def exported_as(dense_model, tmp_path_factory):
    """A file of each format, and what was said of it, made when first asked for."""
    made = {}

    def of(name):
        if name not in made:
            path = tmp_path_factory.mktemp("exported") / name
            made[name] = path, export_model(dense_model, path)
        return made[name]

    return of


@pytest.fixture(params=NAMES)
def exported(request, exported_as):
    return exported_as(request.param)


def test_its_runtime_gives_the_probabilities_of_the_model(
    exported, dense_model, pixels
):
    path, _ = exported
    expected = dense_model.predict_proba(list(pixels))
    np.testing.assert_allclose(run(path, pixels), expected, atol=2e-5)
    # One picture, and any other number of them.
    np.testing.assert_allclose(run(path, pixels[:1]), expected[:1], atol=2e-5)


def test_what_was_compared_is_told(exported, dense_model):
    path, check = exported
    assert check.path == path
    assert check.n_pictures == 14
    assert 0 <= check.max_difference < 1e-4
    assert check.runtime.split()[1][0].isdigit()
    assert "differ from the model's by at most" in str(check)


def test_its_metadata_name_classes_and_size(exported, dense_model):
    path, _ = exported
    found = metadata(path)
    assert found["classes"] == dense_model.classes_.tolist()
    assert found["height"] == "32"
    assert found["network"] == "resnet50"


def test_nothing_else_is_left_beside_it(exported):
    path, _ = exported
    expected = {path, path.with_suffix(".bin")} if path.suffix == ".xml" else {path}
    assert set(path.parent.iterdir()) == expected


def test_a_keras_file_loads_where_this_package_is_missing(
    exported_as, dense_model, tmp_path, pixels
):
    path, _ = exported_as("model.keras")
    np.save(tmp_path / "pixels.npy", pixels)
    script = (
        "import sys\n"
        "sys.modules['skresnet'] = None\n"
        "import keras, numpy\n"
        f"model = keras.saving.load_model({str(path)!r})\n"
        f"pixels = numpy.load({str(tmp_path / 'pixels.npy')!r})\n"
        "own = {type(layer).__module__.partition('.')[0] for layer in model.layers}\n"
        "assert own == {'keras'}, own\n"
        f"numpy.save({str(tmp_path / 'found.npy')!r}, model.predict(pixels))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    expected = dense_model.predict_proba(list(pixels))
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), expected, atol=2e-5)


def test_a_litert_file_lists_its_labels_a_line_each(exported_as):
    path, _ = exported_as("model.tflite")
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt").decode() == "blue\ngreen\nred"


@pytest.mark.parametrize("name", ["model.onnx", "model.keras"])
@pytest.mark.parametrize(
    ("network", "pooling"),
    [("resnet50", "max"), ("resnet50", "flatten"), ("efficientnet_lite0", "avg")],
)
def test_inner_layers_of_both_networks_are_exported(
    name, network, pooling, fitted, tmp_path, pixels
):
    model = fitted(
        network=network, embedder__pooling=pooling, embedder__input_size=(32, 48)
    )
    export_model(model, tmp_path / name)
    wide = np.concatenate([pixels, pixels[:, :, :16]], axis=2)
    expected = model.predict_proba(list(wide))
    np.testing.assert_allclose(run(tmp_path / name, wide), expected, atol=1e-4)


@pytest.mark.parametrize("network", ["resnet50", "efficientnet_lite0"])
def test_whole_networks_are_exported(network, fitted, tmp_path, pixels):
    model = fitted(network=network, embedder__layer="avg_pool")
    export_model(model, tmp_path / "model.onnx", tolerance=1e-3)
    expected = model.predict_proba(list(pixels))
    np.testing.assert_allclose(
        run(tmp_path / "model.onnx", pixels), expected, atol=1e-3
    )


def test_pixels_that_are_not_preprocessed_stay_so(fitted, tmp_path, pixels):
    model = fitted(embedder__preprocessing=None)
    for name in ("model.onnx", "model.keras"):
        export_model(model, tmp_path / name)
        expected = model.predict_proba(list(pixels))
        np.testing.assert_allclose(run(tmp_path / name, pixels), expected, atol=1e-4)

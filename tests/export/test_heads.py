"""Heads of scikit-learn in exported files."""

import numpy as np
import pytest
from runtimes import metadata, run
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from skresnet import class_activation_maps, export_model, load_image_folder
from skresnet.dense_layers import dense_layers, flat_steps
from skresnet.export.onnx_graph import _ACTIVATIONS, OPSET

LINEAR = {
    "logistic": lambda: LogisticRegression(max_iter=2000),
    "scaled": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "uncentred": lambda: make_pipeline(
        StandardScaler(with_mean=False), LogisticRegression(max_iter=2000)
    ),
    "whitened": lambda: make_pipeline(
        StandardScaler(with_std=False), PCA(5, whiten=True), LogisticRegression()
    ),
    "perceptron": lambda: make_pipeline(
        StandardScaler(), MLPClassifier((7,), activation="logistic", max_iter=30)
    ),
}


@pytest.mark.parametrize("name", ["model.onnx", "model.xml", "model.keras"])
@pytest.mark.parametrize("head", LINEAR)
def test_linear_heads_and_perceptrons_go_everywhere(
    name, head, fitted, tmp_path, pixels
):
    model = fitted(LINEAR[head]())
    export_model(model, tmp_path / name)
    expected = model.predict_proba(list(pixels))
    np.testing.assert_allclose(run(tmp_path / name, pixels), expected, atol=1e-4)


@pytest.mark.parametrize("head", LINEAR)
def test_two_classes_have_two_columns(head, features):
    X, y = features
    X, y = X[y != "dog"], y[y != "dog"]
    model = LINEAR[head]().fit(X, y)
    layers = dense_layers(list(flat_steps([model])))
    assert layers[-1].bias.size == 2
    rows = X
    for layer in layers[:-1]:
        rows = 1 / (1 + np.exp(-(rows @ layer.kernel + layer.bias)))
    logits = rows @ layers[-1].kernel + layers[-1].bias
    found = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    np.testing.assert_allclose(found, model.predict_proba(X)[:, 1], atol=1e-5)


@pytest.mark.parametrize(
    "head",
    [
        RandomForestClassifier(5, random_state=0),
        CalibratedClassifierCV(LogisticRegression(max_iter=2000), cv=2),
        make_pipeline(Normalizer(), LogisticRegression()),
    ],
    ids=lambda head: type(head).__name__,
)
def test_onnx_takes_what_skl2onnx_converts(head, fitted, tmp_path, pixels):
    model = fitted(head)
    export_model(model, tmp_path / "model.onnx")
    expected = model.predict_proba(list(pixels))
    found = run(tmp_path / "model.onnx", pixels)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_several_labels_a_row_are_no_softmax(features):
    X, y = features
    model = MLPClassifier((4,), max_iter=5).fit(X, y[:, np.newaxis] == np.unique(y))
    assert dense_layers([model]) is None


def test_a_head_that_a_format_cannot_hold_is_refused_by_name(fitted, tmp_path):
    model = fitted(RandomForestClassifier(2, random_state=0))
    with pytest.raises(ValueError, match=r"Keras cannot hold .*RandomForestClassifier"):
        export_model(model, tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"knows no .*TreeEnsembleClassifier"):
        export_model(model, tmp_path / "model.xml")
    assert list(tmp_path.iterdir()) == []


def test_a_head_that_skl2onnx_does_not_convert_is_refused_by_name(fitted, tmp_path):
    model = fitted(GaussianProcessClassifier())
    with pytest.raises(
        ValueError, match=r"skl2onnx cannot .*GaussianProcessClassifier"
    ):
        export_model(model, tmp_path / "model.onnx")


def test_an_activation_that_onnx_lacks_is_refused_by_name(fitted, tmp_path):
    model = fitted(classifier__activation="gelu")
    with pytest.raises(ValueError, match="activation='gelu'"):
        export_model(model, tmp_path / "model.onnx")
    assert export_model(model, tmp_path / "model.keras").max_difference < 1e-4


def test_weights_that_were_changed_by_hand_are_exported(fitted, tmp_path, pixels):
    model = fitted()
    layers = model["classifier"].model_
    before = model.predict_proba(list(pixels))
    layers.set_weights([0.5 * array for array in layers.get_weights()])
    export_model(model, tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", pixels)
    expected = model.predict_proba(list(pixels))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(before - expected).max() > 1e-3


def test_layers_that_were_changed_by_hand_are_refused(fitted, tmp_path, pixels):
    import keras

    model = fitted()
    model["classifier"].model_.layers[-2].activation = keras.activations.tanh
    for name in ("model.onnx", "model.keras"):
        with pytest.raises(ValueError, match="Keras layers are as they were trained"):
            export_model(model, tmp_path / name)
    # Nor is the gradient of such a network taken for that of the old one.
    assert class_activation_maps(model, [pixels[0]]).method == "occlusion"


def test_of_a_search_the_best_estimator_is_exported(
    fitted, colour_folder, tmp_path, pixels
):
    data = load_image_folder(colour_folder / "train")
    model = fitted(LINEAR["scaled"]())
    search = GridSearchCV(
        model, {"classifier__logisticregression__C": [0.1, 1.0]}, cv=2
    ).fit(data.data, data.target)
    export_model(search, tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", pixels)
    expected = search.predict_proba(list(pixels))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert metadata(tmp_path / "model.onnx")["classes"] == ["blue", "green", "red"]


@pytest.mark.parametrize("name", _ACTIVATIONS)
def test_activations_in_onnx_are_those_of_keras(name):
    import keras
    import onnxruntime
    from onnx import TensorProto, helper

    values = np.linspace(-5, 5, 40, dtype=np.float32).reshape(10, 4)
    kind, attributes = _ACTIVATIONS[name]
    float32 = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(kind, ["x"], ["y"], **attributes)],
        name,
        [helper.make_tensor_value_info("x", float32, ["batch", 4])],
        [helper.make_tensor_value_info("y", float32, ["batch", 4])],
    )
    operators = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=operators, ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (found,) = session.run(["y"], {"x": values})
    expected = np.asarray(keras.activations.get(name)(values))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)

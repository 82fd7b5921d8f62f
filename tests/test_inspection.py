"""class_activation_maps: which parts of a picture speak for a class."""

from itertools import pairwise

import numpy as np
import pytest
from colour_pipelines import colour_pipeline
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skresnet import (
    UnreadableImageError,
    class_activation_maps,
    load_image_folder,
    make_image_classifier,
)
from skresnet.dense_layers import DenseLayer
from skresnet.export.keras_graph import whole_keras_model
from skresnet.inspection import _ACTIVATIONS, known_layers, log_odds_gradient
from skresnet.weights import load_weights


@pytest.fixture(scope="module")
def fitted(colour_folder):
    data = load_image_folder(colour_folder / "train")

    def fit(**params):
        return colour_pipeline(**{"classifier__epochs": 3, **params}).fit(
            data.data, data.target
        )

    return fit


@pytest.fixture(scope="module")
def forest(colour_folder):
    data = load_image_folder(colour_folder / "train")
    return make_image_classifier(
        classifier=RandomForestClassifier(20, random_state=0),
        weights=None,
        random_state=0,
        embedder__input_size=32,
        embedder__layer="conv2_block1_out",
    ).fit(data.data, data.target)


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def spotted():
    """Noisy green pictures with a red square, and where that is."""
    generator = np.random.default_rng(0)
    pictures = generator.normal((50, 190, 60), 30, (4, 32, 32, 3))
    corners = [(0, 0), (0, 20), (20, 0), (20, 20)]
    for picture, (top, left) in zip(pictures, corners, strict=True):
        picture[top : top + 12, left : left + 12] = (200, 50, 40)
    return pictures.clip(0, 255).astype(np.uint8), corners


def taped(model, pictures, columns):
    """Compute Grad-CAM with TensorFlow's gradient, before the map is enlarged."""
    import keras
    import tensorflow as tf

    settings = model[0]._backbone
    whole = whole_keras_model(
        settings, load_weights(settings.weights), known_layers(model)
    )
    last = settings.layer
    if last == "avg_pool":
        last = settings.network.layers[-2].name
    # What the softmax is of: probabilities of a sure model are 0 and 1 in float32.
    whole.layers[-1].activation = keras.activations.linear
    start = keras.Model(whole.input, whole.get_layer(last).output)
    rest = keras.Model(start.output, whole.output)
    activations = start(pictures)
    with tf.GradientTape() as tape:
        tape.watch(activations)
        logits = rest(activations)
        chosen = tf.one_hot(columns, logits.shape[1])
        others = tf.reduce_logsumexp(logits - 1e9 * chosen, axis=1)
        log_odds = tf.reduce_sum(logits * chosen, axis=1) - others
    gradient = tape.gradient(log_odds, activations).numpy()
    weights = gradient.mean(axis=(1, 2))
    maps = np.einsum("nhwk,nk->nhw", activations.numpy(), weights)
    return np.maximum(maps, 0)


@pytest.mark.parametrize(
    ("network", "layer", "pooling"),
    [
        ("resnet50", "conv2_block1_out", "avg"),
        ("resnet50", "conv2_block1_out", "max"),
        ("resnet50", "conv2_block1_out", "flatten"),
        ("resnet50", "avg_pool", "avg"),
        ("efficientnet_lite0", "avg_pool", "avg"),
        ("efficientnet_lite0", "block2b_add", "avg"),
    ],
)
def test_grad_cam_is_what_tensorflows_gradient_makes(
    network, layer, pooling, fitted, pictures
):
    model = fitted(network=network, embedder__layer=layer, embedder__pooling=pooling)
    found, expected = [], []
    for column, target in enumerate(model.classes_):
        made = class_activation_maps(model, list(pictures), target=target)
        assert made.method == "grad-cam"
        found.append(made.maps)
        columns = np.full(len(pictures), column)
        for small in taped(model, pictures, columns).astype(np.float32):
            image = Image.fromarray(small)
            expected.append(image.resize((32, 32), Image.Resampling.BILINEAR))
    expected = np.reshape(expected, np.shape(found))
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, atol=2e-3 * expected.max())


@pytest.mark.parametrize("activation", _ACTIVATIONS)
def test_the_gradient_of_the_head_is_tensorflows(activation):
    import keras
    import tensorflow as tf

    generator = np.random.default_rng(0)
    sizes = [6, 5, 4, 3]
    layers = [
        DenseLayer(
            generator.normal(size=(fan_in, fan_out)),
            generator.normal(size=fan_out),
            activation if fan_out > 3 else "softmax",
        )
        for fan_in, fan_out in pairwise(sizes)
    ]
    rows = generator.normal(size=(7, 6))
    columns = np.arange(7) % 3
    value = variable = tf.constant(rows)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        for layer in layers[:-1]:
            value = keras.activations.get(activation)(value @ layer.kernel + layer.bias)
        chosen = tf.gather(
            tf.nn.softmax(value @ layers[-1].kernel + layers[-1].bias),
            columns,
            batch_dims=1,
        )
        log_odds = tf.math.log(chosen) - tf.math.log(1 - chosen)
    expected = tape.gradient(log_odds, variable)
    found = log_odds_gradient(layers, rows, columns)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_the_gradient_does_not_vanish_where_the_model_is_sure():
    kernel = np.array([[40.0, -40.0]])
    layers = [DenseLayer(kernel, np.zeros(2), "softmax")]
    found = log_odds_gradient(layers, np.ones((1, 1)), np.array([0]))
    np.testing.assert_allclose(found, [[80.0]])


def test_openvino_makes_the_same_maps(fitted, pictures):
    pytest.importorskip("openvino")
    models = [fitted(embedder__engine=name) for name in ("tensorflow", "openvino")]
    one, other = (
        class_activation_maps(model, list(pictures), target="red").maps
        for model in models
    )
    np.testing.assert_allclose(one, other, atol=1e-3 * one.max())


@pytest.mark.parametrize("method", ["grad-cam", "occlusion"])
def test_the_map_is_highest_where_the_class_is(method, fitted, spotted):
    pictures, corners = spotted
    model = fitted(classifier__epochs=15)
    found = class_activation_maps(model, list(pictures), target="red", method=method)
    assert found.maps.shape == (4, 32, 32)
    for made, (top, left) in zip(found.maps, corners, strict=True):
        inside = made[top : top + 12, left : left + 12].mean()
        assert inside > 2 * made.mean()


def test_a_head_without_a_known_gradient_is_explained_by_occlusion(forest, spotted):
    pictures, _ = spotted
    found = class_activation_maps(forest, list(pictures), target="red")
    assert found.method == "occlusion"
    assert found.maps.min() >= 0
    with pytest.raises(ValueError, match=r"of RandomForestClassifier.*'occlusion'"):
        class_activation_maps(forest, list(pictures), method="grad-cam")


def test_occlusion_is_the_mean_fall_of_the_windows_over_a_pixel(forest, pictures):
    picture = pictures[0]
    found = class_activation_maps(forest, [picture], target="red", method="occlusion")
    column = forest.classes_.tolist().index("red")
    before = forest.predict_proba([picture])[0, column]
    falls = []
    # The windows of 8 pixels that cover the pixel at (9, 30) begin at 4 or 8, and 24.
    for top in (4, 8):
        covered = picture.copy()
        covered[top : top + 8, 24:32] = np.rint(picture.mean(axis=(0, 1)))
        falls.append(before - forest.predict_proba([covered])[0, column])
    np.testing.assert_allclose(found.maps[0, 9, 30], max(np.mean(falls), 0), atol=1e-6)


def test_without_a_target_it_is_the_predicted_class_of_each(fitted, colour_folder):
    model = fitted(classifier__epochs=15)
    data = load_image_folder(colour_folder / "test")
    found = class_activation_maps(model, data.data)
    assert found.target.tolist() == model.predict(data.data).tolist()
    expected = model.predict_proba(data.data).max(axis=1)
    np.testing.assert_allclose(found.probability, expected, atol=1e-5)
    assert found.images.dtype == np.uint8


def test_each_picture_can_have_a_target_of_its_own(fitted, pictures):
    model = fitted()
    targets = ["red", "blue", "red", "green", "blue"]
    found = class_activation_maps(model, list(pictures), target=targets)
    assert found.target.tolist() == targets
    alone = class_activation_maps(model, [pictures[3]], target="green")
    np.testing.assert_allclose(found.maps[3], alone.maps[0], atol=1e-5)
    with pytest.raises(ValueError, match="'purple', which is no class"):
        class_activation_maps(model, list(pictures), target="purple")
    with pytest.raises(ValueError, match="one label for each"):
        class_activation_maps(model, list(pictures), target=["red"])


def test_heads_of_two_classes_have_maps_of_either(fitted, colour_folder, pictures):
    data = load_image_folder(colour_folder / "train")
    chosen = data.target != "green"
    model = make_image_classifier(
        classifier=make_pipeline(StandardScaler(), LogisticRegression()),
        weights=None,
        random_state=0,
        embedder__input_size=32,
        embedder__layer="conv2_block1_out",
    ).fit(data.data[chosen], data.target[chosen])
    for target in ("red", "blue"):
        found = class_activation_maps(model, list(pictures), target=target)
        assert found.method == "grad-cam"
        # What speaks for one speaks against the other.
        assert found.maps.max() > 0
    search = GridSearchCV(
        model, {"classifier__logisticregression__C": [1.0]}, cv=2
    ).fit(data.data[chosen], data.target[chosen])
    of_search = class_activation_maps(search, list(pictures), target="blue")
    np.testing.assert_allclose(of_search.maps, found.maps, rtol=1e-4, atol=1e-6)


def test_what_cannot_be_explained_is_refused(fitted, tmp_path, pictures):
    model = fitted()
    with pytest.raises(TypeError, match="has no maps: expected a Pipeline"):
        class_activation_maps(model[-1], list(pictures))
    with pytest.raises(ValueError, match="'method' parameter"):
        class_activation_maps(model, list(pictures), method="other")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UnreadableImageError, match=r"text\.png"):
        class_activation_maps(model, [tmp_path / "text.png"])


def test_gelu_is_explained_by_occlusion(fitted, pictures):
    model = fitted(classifier__activation="gelu")
    assert class_activation_maps(model, [pictures[0]]).method == "occlusion"

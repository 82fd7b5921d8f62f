"""Predicting in NumPy: what Keras would say, without Keras."""

import pickle

import keras
import numpy as np
import pytest
from surroundings import run_python

from skresnet import DenseSGDClassifier
from skresnet.head.forward import ACTIVATIONS, PREDICTION_ROWS

EPSILON = np.finfo(np.float32).eps

LOADED = """
import pickle, sys
classifier, X = pickle.load(open(sys.argv[1], "rb"))
assert not {"tensorflow", "keras"} & set(sys.modules), "by loading"
probabilities = classifier.predict_proba(X)
classifier.predict(X), classifier.predict_log_proba(X), dir(classifier)
classifier.evaluate(X, classifier.predict(X))
assert not {"tensorflow", "keras"} & set(sys.modules), "by predicting"
pickle.dump(probabilities, open(sys.argv[2], "wb"))
"""


def small(features, **params):
    defaults = {"hidden_layer_sizes": (32, 16), "epochs": 2, "random_state": 0}
    return DenseSGDClassifier(**defaults | params).fit(*features)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_an_activation_is_that_of_keras_to_the_rounding_of_float32(name):
    generator = np.random.default_rng(0)
    ends = np.float32([[0, -0.0, 1, -1], [0.5, -0.5, 3, -3], [6, 1e-8, -1e-8, -30]])
    x = np.concatenate([generator.normal(0, 4, (500, 4)).astype(np.float32), ends])
    expected = np.asarray(keras.activations.get(name)(x))
    found = ACTIVATIONS[name](x.astype(np.float64))
    # Keras adds and subtracts numbers as large as these, 1 in exp(x) - 1 for instance.
    scale = np.maximum(np.maximum(np.abs(x), np.abs(expected)), 1)
    assert (np.abs(found - expected) <= 8 * EPSILON * scale).all()


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"hidden_layer_sizes": ()},
        {"activation": "gelu", "standardize": False},
        {"activation": "selu", "callbacks": [keras.callbacks.Callback()]},
    ],
    ids=["defaults", "no hidden layer", "raw rows", "trained by Keras"],
)
def test_probabilities_are_those_of_the_keras_model_to_rounding(features, params):
    classifier = small(features, **params)
    X = features[0]
    before = classifier.predict_proba(X)
    expected = np.asarray(classifier.model_(X, training=False))
    np.testing.assert_allclose(before, expected, rtol=1e-4, atol=1e-6)
    # To ask for the model changes no bit.
    np.testing.assert_array_equal(classifier.predict_proba(X), before)


def test_what_is_changed_in_the_keras_model_is_what_predicts(features):
    classifier = small(features)
    X = features[0]
    model = classifier.model_
    model.set_weights([weight * 2 for weight in model.get_weights()])
    np.testing.assert_allclose(
        classifier.predict_proba(X), np.asarray(model(X)), rtol=1e-5
    )
    model.layers[0].activation = keras.activations.tanh
    np.testing.assert_allclose(
        classifier.predict_proba(X), np.asarray(model(X)), rtol=1e-5
    )


def test_an_activation_that_only_keras_knows_is_computed_by_keras(
    features, monkeypatch
):
    classifier = small(features, activation="gelu")
    ours = classifier.predict_proba(features[0])
    monkeypatch.setattr("skresnet.head.network.ACTIVATIONS", {})
    found = classifier.predict_proba(features[0])
    np.testing.assert_allclose(
        found, np.asarray(classifier.model_(features[0])), rtol=1e-6
    )
    np.testing.assert_allclose(found, ours, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("units", [(500,), (33, 7)])
def test_a_row_depends_neither_on_its_neighbours_nor_on_its_place(units):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(2 * PREDICTION_ROWS + 5, 300)).astype(np.float32)
    y = np.arange(len(X)) % 3
    classifier = DenseSGDClassifier(hidden_layer_sizes=units, epochs=1).fit(X, y)
    together = classifier.predict_proba(X)
    for _ in range(5):
        order = generator.permutation(len(X))
        np.testing.assert_array_equal(
            classifier.predict_proba(X[order]), together[order]
        )
    for length in (1, 7, PREDICTION_ROWS, PREDICTION_ROWS + 1):
        found = classifier.predict_proba(X[-length:])
        np.testing.assert_array_equal(found, together[-length:])


@pytest.mark.parametrize("params", [{}, {"callbacks": [keras.callbacks.Callback]}])
def test_a_loaded_classifier_predicts_without_keras(features, tmp_path, params):
    classifier = small(features, **params).set_params(callbacks=None)
    (tmp_path / "job").write_bytes(pickle.dumps((classifier, features[0])))
    run_python(LOADED, tmp_path / "job", tmp_path / "result")
    found = pickle.loads((tmp_path / "result").read_bytes())
    np.testing.assert_array_equal(found, classifier.predict_proba(features[0]))

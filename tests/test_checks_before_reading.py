"""What a person can get wrong is told by its name before a picture is opened."""

from copy import deepcopy

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skresnet import DenseSGDClassifier, make_image_classifier

# None of these exists: to open one would end in an error about the file.
X = [f"nowhere/{i}.jpg" for i in range(12)]
Y = ["cat", "dog"] * 6
X_VAL, Y_VAL = ["nowhere/val 0.jpg", "nowhere/val 1.jpg"], ["cat", "dog"]

PARAMETERS = {
    "hidden_layer_sizes": [
        (2.7,),
        ("8",),
        (-3,),
        (0,),
        (True,),
        [16.0, 8.0],
        np.array([[8, 4]]),
        8,
        "88",
        None,
    ],
    "activation": ["rleu", "glu", "", None, 3, np.tanh],
    "dropout": [
        [0.1, -1],
        [0.1, 1.0, 0.1],
        [1.0],
        [0.1, 0.2],
        [0.1] * 4,
        -0.1,
        1,
        np.array(1.5),
        np.array([0.1, 0.2]),
        "0.2",
        [None, 0.1, 0.1],
        float("nan"),
        None,
    ],
    "learning_rate": [-0.1, 0, "0.1", None, float("nan"), float("inf")],
    "momentum": [-0.1, 1.1, "0.9", None],
    "nesterov": ["yes", None],
    "weight_decay": [-0.1, "0.1", None, float("nan"), float("inf")],
    "standardize": ["yes", None],
    "refit": ["no", None],
    "epochs": [0, -1, 2.5, "20", None],
    "batch_size": [0, -1, 32.0, "32", None],
    "validation_fraction": [0, 1, 1.5, -0.2, "0.2"],
    "monitor": ["val_acc", "accuracy_val", None],
    "patience": [-1, 1.5, "3"],
    "class_weight": [
        "balance",
        {0: 1.0, 1: 2.0},
        {"cat": 2.0, "dgo": 1.0},
        {"cat": -1},
        {"cat": "2"},
        {"cat": float("nan"), "dog": 1},
        {"cat": 0, "dog": 0},
        [1.0, 2.0],
    ],
    "checkpoint_path": [
        "best.h5",
        "nowhere/best.weights.h5",
        3,
    ],
    "callbacks": [["EarlyStopping"], "EarlyStopping", {"es": 3}, [dict], [None], 7],
    "warm_start": ["no", None],
    "random_state": ["zero", -1, 1.5],
    "verbose": [-1, "loud", None],
}

# What fit is given, and what the error calls it by.
ARGUMENTS = {
    "no labels": ({"y": None}, "y is None"),
    "fewer labels": ({"y": Y[:-1]}, r"\[12, 11\] \(X and y\)"),
    "one class": ({"y": ["cat"] * 12}, r"y has one class only: \['cat'\]"),
    "one-hot labels": ({"y": np.eye(2)[[0, 1] * 6]}, r"y has shape \(12, 2\)"),
    "a gap": ({"y": [None, *Y[1:]]}, "y has 1 missing"),
    "measurements": ({"y": np.linspace(0, 1, 12)}, "y holds no class labels"),
    "objects": (
        {"y": np.array([True, False] * 6, dtype=object)},
        r"y is an array of objects that are of type bool.*y\.astype\(bool\)",
    ),
    "two types": ({"y": np.array(["a", 1] * 6, object)}, "y .* of type int and str"),
    "a weight too few": ({"sample_weight": [1.0] * 11}, "sample_weight"),
    "a negative weight": ({"sample_weight": [-1.0] + [1.0] * 11}, "sample_weight"),
    "no weight above 0": ({"sample_weight": [0.0] * 12}, "sample_weight"),
    "two columns of weights": ({"sample_weight": np.ones((12, 2))}, "sample_weight"),
    "a weight of NaN": ({"sample_weight": [np.nan] + [1.0] * 11}, "sample_weight"),
    "a text for weights": ({"sample_weight": "balanced"}, "sample_weight"),
}
VALIDATION = {
    "X_val alone": ({"X_val": X_VAL}, "X_val without y_val"),
    "y_val alone": ({"y_val": Y_VAL}, "y_val without X_val"),
    "labels that training lacks": (
        {"X_val": X_VAL, "y_val": ["cat", "fish"]},
        r"y_val holds labels that training did not have: \['fish'\]",
    ),
    "fewer labels": ({"X_val": X_VAL, "y_val": ["cat"]}, "X_val and y_val"),
    "a gap": ({"X_val": X_VAL, "y_val": ["cat", None]}, "y_val has 1 missing"),
}


def pipeline(**params):
    return make_image_classifier(weights=None, random_state=0, **params)


def refused(model, message, y=Y, **given):
    with pytest.raises((ValueError, TypeError, OSError), match=f"(?s){message}") as got:
        model.fit(X, y, **given)
    assert "nowhere/0.jpg" not in str(got.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in PARAMETERS.items() for value in values],
    ids=repr,
)
def test_a_value_that_a_parameter_cannot_have(name, value):
    refused(pipeline(**{f"classifier__{name}": value}), name)


@pytest.mark.parametrize(("given", "message"), ARGUMENTS.values(), ids=ARGUMENTS)
@pytest.mark.parametrize("routed", [False, True], ids=["by prefix", "routed"])
def test_labels_and_weights_that_cannot_be_used(given, message, routed):
    prefix = "" if routed else "classifier__"
    given = {name if name == "y" else prefix + name: v for name, v in given.items()}
    with config_context(enable_metadata_routing=routed):
        refused(pipeline(), message, **given)


@pytest.mark.parametrize(("given", "message"), VALIDATION.values(), ids=VALIDATION)
def test_validation_pictures_that_cannot_be_used(given, message):
    with config_context(enable_metadata_routing=True):
        refused(pipeline(), message, **given)


@pytest.mark.parametrize("pictures", [X_VAL, np.zeros((2, 9, 9, 3), np.uint8)])
def test_validation_pictures_that_nothing_would_embed(pictures):
    given = {"classifier__X_val": pictures, "classifier__y_val": Y_VAL}
    refused(pipeline(), "X_val .*enable_metadata_routing=True", **given)


def test_an_argument_that_fit_does_not_have():
    refused(pipeline(), "weights", classifier__weights=[1] * 12)


def test_a_network_that_a_warm_start_cannot_go_on_with(colour_model):
    model = deepcopy(colour_model).set_params(classifier__warm_start=True)
    refused(model, r"classes \['cat', 'dog'\] differ from \['blue', 'green', 'red'\]")
    model.set_params(classifier__hidden_layer_sizes=(3,))
    refused(model, "hidden_layer_sizes", y=["blue", "green", "red"] * 4)


NUMBERS = {
    "hidden_layer_sizes": [np.array([8, 4], np.uint8), [np.int64(8)], (), [8]],
    "dropout": [np.array(0.2), np.array([0.1]), np.float32(0.1), 0, [np.float16(0)]],
    "learning_rate": [1, np.float32(0.1), np.float64(0.1), np.int8(1)],
    "momentum": [0, 1, np.float32(0.9), np.int64(0)],
    "nesterov": [np.True_],
    "weight_decay": [0, np.float32(0.1), "auto"],
    "standardize": [np.False_],
    "refit": [np.False_],
    "epochs": [np.int64(2), np.uint8(2), "auto"],
    "batch_size": [np.uint8(200), np.int64(7)],
    "validation_fraction": [np.float32(0.25), None],
    "patience": [0, np.int64(1), None],
    "class_weight": [{"bird": 2, "cat": np.float32(1), "dog": np.int8(3)}, "balanced"],
    "random_state": [np.int64(3), np.random.RandomState(0), None],
    "verbose": [False, 0],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in NUMBERS.items() for value in values],
    ids=repr,
)
def test_numbers_may_be_whatever_numpy_and_python_have(name, value, features):
    X, y = features
    params = {"hidden_layer_sizes": (8,), "epochs": 2, "random_state": 0}
    if name == "dropout" and np.ndim(value):
        params["hidden_layer_sizes"] = (8,) * len(value)
    classifier = clone(DenseSGDClassifier(**{**params, name: value}))
    kept = classifier.get_params()[name]
    classifier.fit(X, y)
    assert classifier.get_params()[name] is kept
    assert classifier.predict_proba(X).shape == (240, 3)
    assert set(classifier.evaluate(X, y)) == {"loss", "accuracy"}


def test_a_search_over_whole_and_broken_numbers_scores_each(features):
    search = GridSearchCV(
        DenseSGDClassifier(hidden_layer_sizes=(8,), epochs=2, random_state=0),
        {"learning_rate": [0.1, 1], "momentum": [0, 0.9]},
        cv=2,
        error_score="raise",
    ).fit(*features)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()

"""Training that goes on from what an earlier call left."""

import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV
from small_models import small_classifier, small_embedder, small_pipeline

from skresnet import UnreadableImageError


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ["bird", "cat"]}, "differ from"),
        ({"params": {"hidden_layer_sizes": (8,)}}, "hidden_layer_sizes"),
        ({"n_features": 5}, "30 features"),
    ],
    ids=["classes", "layers", "features"],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_the_network_cannot_go_on_with_is_named(method, change, message, features):
    X, y = features
    classifier = small_classifier(warm_start=True).fit(X, y)
    before = classifier.predict_proba(X)
    classifier.set_params(**change.get("params", {}))
    classes = change.get("classes")
    rows = np.isin(y, classes) if classes else np.full(len(y), True)
    more = {"classes": classes} if classes and method == "partial_fit" else {}
    with pytest.raises(ValueError, match=message):
        getattr(classifier, method)(
            X[rows, : change.get("n_features")], y[rows], **more
        )
    np.testing.assert_array_equal(classifier.predict_proba(X), before)


def test_partial_fit_goes_on_from_fit(features):
    X, y = features
    classifier = small_classifier(learning_rate=0.01).fit(X, y)
    first = classifier.history_["loss"]
    classifier.partial_fit(X, y)
    assert classifier.history_["loss"][:-1] == first
    assert classifier.history_["loss"][-1] < first[0]


def test_a_warm_start_takes_on_a_new_dropout_rate(features):
    X, y = features
    classifier = small_classifier(warm_start=True).fit(X, y)
    classifier.set_params(dropout=0.0).fit(X, y)
    names = [type(layer).__name__ for layer in classifier.model_.layers]
    assert names == ["Dense", "Dense"]


def test_another_fit_of_the_embedder_forgets_the_layer_before(data):
    embedder = small_embedder().fit(data.test.data)
    embedder.set_params(layer="conv2_block1_out")
    assert embedder.transform(data.test.data).shape == (18, 64)  # until it is fitted
    assert embedder.fit_transform(data.test.data).shape == (18, 256)


def test_pictures_that_cannot_be_read_leave_the_fitted_pipeline_usable(data, tmp_path):
    model = small_pipeline().fit(data.train.data, data.train.target)
    before = model.predict_proba(data.test.data)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    model.set_params(embedder__random_state=1)
    with pytest.raises(UnreadableImageError, match=r"bad\.png"):
        model.fit([*data.train.data, tmp_path / "bad.png"], [*data.train.target, "red"])
    np.testing.assert_array_equal(model.predict_proba(data.test.data), before)


def test_a_search_says_which_fits_failed_and_goes_on(data):
    search = GridSearchCV(
        small_pipeline(), {"classifier__learning_rate": [1e30, 0.002]}, cv=2
    )
    with pytest.warns(FitFailedWarning, match="Training diverged"):
        search.fit(data.train.data, data.train.target)
    assert search.best_params_ == {"classifier__learning_rate": 0.002}


@pytest.mark.parametrize("validation_fraction", [0.2, None])
def test_one_step_that_overshoots_is_a_training_that_diverged(
    validation_fraction, features
):
    # The weights after a single step are large, but finite; what they give is NaN.
    X, y = features
    classifier = small_classifier(
        learning_rate=1e30,
        epochs=1,
        batch_size=300,
        validation_fraction=validation_fraction,
    )
    with pytest.raises(ValueError, match="Training diverged"):
        classifier.fit(X, y)


@pytest.mark.parametrize("callbacks", [None, [keras.callbacks.Callback()]])
@pytest.mark.parametrize("standardize", [False, True])
def test_training_goes_on_alike_with_callbacks_and_without(
    standardize, callbacks, features, tmp_path
):
    X, y = features
    X = X * 5 + 3
    path = tmp_path / "best.weights.h5"
    classifier = small_classifier(
        standardize=standardize, refit=False, warm_start=True, checkpoint_path=path
    )
    expected = clone(classifier).fit(X, y).partial_fit(X, y).fit(X, y)
    classifier.fit(X, y).partial_fit(X, y)
    classifier.set_params(callbacks=callbacks).fit(X, y)
    np.testing.assert_allclose(
        classifier.predict_proba(X), expected.predict_proba(X), rtol=1e-2, atol=1e-4
    )
    classifier.partial_fit(X, y)
    loaded = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    classifier.fit(X, y)
    kept = classifier.predict_proba(X)
    classifier.model_.set_weights([w * 0 for w in classifier.model_.get_weights()])
    classifier.model_.load_weights(path)
    np.testing.assert_allclose(classifier.predict_proba(X), kept, rtol=1e-5)

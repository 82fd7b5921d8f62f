"""What DenseSGDClassifier promises beyond scikit-learn's own checks."""

import pickle
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold, check_cv

from skresnet import ORIGINAL_SETTINGS, DenseSGDClassifier
from skresnet.head.network import Architecture, initial_weights
from skresnet.head.rows import set_aside


def small(**params):
    defaults = {"hidden_layer_sizes": (32, 16), "epochs": 5, "random_state": 0}
    return DenseSGDClassifier(**{**defaults, **params})


class EvaluateOn(keras.callbacks.Callback):
    """Keeps what the model says of rows of its own, and what is right."""

    def __init__(self, X, y):
        super().__init__()
        self.X, self.y = X, y
        self.said, self.right = [], []

    def on_epoch_end(self, epoch, logs=None):
        rows = self.X, np.eye(3)[self.y]
        self.said.append(self.model.evaluate(*rows, verbose=0, return_dict=True))
        found = np.argmax(self.model(self.X), axis=1)
        self.right.append(np.mean(found == self.y))


def global_states():
    return random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


def layers_of(model):
    """List what the layers of a Keras model are, as far as they differ here."""
    layers = [(type(layer).__name__, layer.get_config()) for layer in model.layers]
    return [
        (name, config.get("units"), config.get("activation"), config.get("rate"))
        for name, config in layers
    ]


def test_the_default_network_has_one_hidden_layer(features):
    X, y = features
    model = DenseSGDClassifier(epochs=1).fit(X, y).model_
    assert layers_of(model) == [
        ("Dense", 500, "relu", None),
        ("Dropout", None, None, 0.2),
        ("Dense", 3, "softmax", None),
    ]


def test_the_original_system_is_one_call_away(features):
    X, y = features
    classifier = DenseSGDClassifier(**ORIGINAL_SETTINGS).fit(X, y)
    model = classifier.model_
    assert layers_of(model) == [
        ("Dense", 500, "relu", None),
        ("Dense", 250, "relu", None),
        ("Dropout", None, None, 0.2),
        ("Dense", 200, "relu", None),
        ("Dense", 3, "softmax", None),
    ]
    assert type(model.optimizer).__name__ == "SGD"
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert float(model.optimizer.momentum) == 0
    assert not model.optimizer.weight_decay
    assert model.loss == "categorical_crossentropy"
    assert len(classifier.history_["loss"]) == 20
    assert classifier.best_score_ == max(classifier.history_["val_accuracy"])


def test_it_learns_and_names_the_classes(features):
    X, y = features
    classifier = small(learning_rate=0.05, epochs=20).fit(X, y)
    assert classifier.score(X, y) > 0.9
    assert classifier.classes_.tolist() == ["bird", "cat", "dog"]
    assert set(classifier.predict(X)) == {"bird", "cat", "dog"}


def test_integer_labels_come_back_as_integers(features):
    X, y = features
    codes = np.unique(y, return_inverse=True)[1] + 5
    predicted = small(learning_rate=0.05, epochs=20).fit(X, codes).predict(X)
    assert predicted.dtype == codes.dtype
    assert (predicted == codes).mean() > 0.9


@pytest.mark.parametrize("monitor", ["val_accuracy", "val_loss"])
def test_fit_ends_with_the_weights_of_the_best_epoch(features, monitor):
    X, y = features
    # A high rate, so that the last epoch is unlikely to be the best.
    classifier = small(
        learning_rate=0.5,
        momentum=0,
        epochs=8,
        monitor=monitor,
        patience=None,
        refit=False,
    ).fit(X, y)
    rows = classifier.validation_indices_
    found = classifier.evaluate(X[rows], y[rows])
    best = classifier.best_epoch_
    values = classifier.history_[monitor]
    assert values[best] == (max if monitor == "val_accuracy" else min)(values)
    assert best != len(values) - 1
    assert found["loss"] == pytest.approx(classifier.history_["val_loss"][best], 1e-5)
    assert found["accuracy"] == pytest.approx(classifier.history_["val_accuracy"][best])
    assert classifier.best_score_ == values[best]


def test_labels_sorted_by_class_are_split_in_proportion():
    y = np.array(["cat"] * 50 + ["dog"] * 5)
    X = np.random.default_rng(0).normal(size=(55, 8))
    classifier = small(epochs=1, validation_fraction=0.2).fit(X, y)
    held_out = y[classifier.validation_indices_]
    assert (held_out == "cat").sum() == 10
    assert (held_out == "dog").sum() == 1


def test_the_split_is_shuffled(features):
    X, y = features
    rows = small(epochs=1).fit(X, y).validation_indices_
    within_first_class = rows[rows < 80]
    assert np.diff(within_first_class).max() > 1
    assert within_first_class.min() < 40 < within_first_class.max()


def test_a_class_with_one_row_is_trained_on_but_not_validated():
    X = np.random.default_rng(0).normal(size=(21, 4))
    y = np.array(["many"] * 20 + ["one"])
    with pytest.warns(UserWarning, match=r"single row are not validated: \['one'\]"):
        classifier = small(epochs=1).fit(X, y)
    assert 20 not in classifier.validation_indices_
    assert classifier.classes_.tolist() == ["many", "one"]


def test_a_validation_set_of_the_callers_replaces_the_split(features):
    X, y = features
    classifier = small().fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    assert classifier.validation_indices_ is None
    found = classifier.evaluate(X[1::2], y[1::2])
    expected = classifier.history_["val_loss"][classifier.best_epoch_]
    assert found["loss"] == pytest.approx(expected, 1e-5)


def test_without_validation_the_training_rows_decide(features):
    X, y = features
    classifier = small(validation_fraction=None).fit(X, y)
    assert set(classifier.history_) == {"loss", "accuracy"}
    assert classifier.best_epoch_ == np.argmin(classifier.history_["loss"])


def test_of_equal_accuracies_the_least_loss_wins():
    generator = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = generator.normal(8 * y[:, np.newaxis], 1, (60, 2))
    classifier = small(monitor="val_accuracy", epochs=30, patience=None).fit(X, y)
    accuracy, loss = (classifier.history_[f"val_{s}"] for s in ("accuracy", "loss"))
    equal = np.flatnonzero(np.equal(accuracy, max(accuracy)))
    assert len(equal) > 5
    assert classifier.best_epoch_ == equal[np.argmin(np.array(loss)[equal])] > equal[0]


def test_a_refit_learns_from_the_rows_that_were_set_aside():
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(60, 200)), generator.integers(2, size=60)

    def accuracy_on_rows_set_aside(**params):
        # Labels by chance can only be learned by heart.
        classifier = small(epochs=20, patience=None, **params).fit(X, y)
        rows = classifier.validation_indices_
        return classifier.score(X[rows], y[rows])

    assert accuracy_on_rows_set_aside(monitor="loss") == 1
    assert accuracy_on_rows_set_aside(monitor="loss", refit=False) < 0.9


def test_a_refit_takes_as_many_epochs_as_the_best_one(features):
    X, y = features
    classes, codes = np.unique(y, return_inverse=True)
    codes = np.random.default_rng(0).permutation(codes)  # soon learned by heart
    classifier = DenseSGDClassifier(
        hidden_layer_sizes=(),
        standardize=False,
        momentum=0,
        weight_decay=0,
        learning_rate=0.1,
        batch_size=240,
        random_state=0,
    ).fit(X, classes[codes])
    assert 0 < classifier.best_epoch_ < len(classifier.history_["loss"]) - 1

    state = np.random.RandomState(0)
    set_aside(codes, 0.2, state, classes)
    init_seed, _ = state.randint(np.iinfo(np.int32).max, size=2)
    kernel, bias = initial_weights(Architecture(30, (), "relu", (), 3), init_seed)
    for _ in range(classifier.best_epoch_ + 1):
        error = (softmax(X @ kernel + bias, axis=1) - np.eye(3)[codes]) / len(X)
        kernel, bias = kernel - 0.1 * X.T @ error, bias - 0.1 * error.sum(axis=0)
    found = classifier.model_.get_weights()
    np.testing.assert_allclose(found[0], kernel, atol=1e-5)
    np.testing.assert_allclose(found[1], bias, atol=1e-5)


def test_nothing_is_trained_anew_where_callbacks_took_part(features):
    X, y = features
    alone = small(refit=False).fit(X, y)
    called = small(callbacks=[keras.callbacks.TerminateOnNaN()]).fit(X, y)
    np.testing.assert_allclose(
        called.predict_proba(X), alone.predict_proba(X), atol=1e-4
    )


def test_neither_offset_nor_unit_of_the_features_matters(features):
    X, y = features
    expected = small().fit(X, y).predict_proba(X)
    scales = np.geomspace(0.01, 100, X.shape[1])
    moved = (X * scales + 3 * scales).astype(np.float32)
    classifier = small().fit(moved, y)
    np.testing.assert_allclose(classifier.predict_proba(moved), expected, atol=1e-3)
    given = np.asarray(classifier.model_(moved))
    np.testing.assert_allclose(given, expected, atol=1e-3)
    raw = small(standardize=False).fit(X, y).predict_proba(X)
    assert np.abs(raw - expected).max() > 0.05


def test_a_feature_that_never_varies_does_no_harm(features):
    X, y = features
    X = X.copy()
    X[:, 3] = 7
    assert np.isfinite(small().fit(X, y).predict_proba(X * 2)).all()
    same = small().fit(np.ones((12, 4)), y[[0, 100, 200] * 4])
    np.testing.assert_allclose(same.predict_proba(np.ones((1, 4))), 1 / 3, atol=0.2)


def test_epochs_and_weight_decay_go_by_the_number_of_rows():
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(1000, 3)), np.arange(1000) % 2
    for n_rows, n_epochs, decay in [
        (40, 100, 1.0),
        (160, 100, 0.625),
        (400, 39, 0.25),
        (900, 20, 0.111),
    ]:
        classifier = DenseSGDClassifier(hidden_layer_sizes=(2,), random_state=0)
        classifier.fit(X[:n_rows], y[:n_rows])
        assert classifier.n_iter_ == n_epochs
        found = classifier.model_.optimizer.weight_decay
        assert found == pytest.approx(decay, abs=1e-3)


def test_weight_decay_keeps_weights_small(features):
    X, y = features
    lengths = [
        np.linalg.norm(small(weight_decay=decay).fit(X, y).model_.get_weights()[0])
        for decay in (0, 1, 10)
    ]
    assert lengths[0] > lengths[1] > lengths[2]


def test_patience_ends_the_training_early(features):
    X, y = features
    classifier = small(learning_rate=0.2, epochs=60, patience=2).fit(X, y)
    n_epochs = len(classifier.history_["loss"])
    assert n_epochs == classifier.best_epoch_ + 3 < 60


def test_the_checkpoint_is_written_where_the_user_says(features, tmp_path):
    X, y = features
    path = tmp_path / "best.weights.h5"
    classifier = small(checkpoint_path=path).fit(X, y)
    expected = classifier.predict_proba(X)
    classifier.model_.set_weights([w * 0 for w in classifier.model_.get_weights()])
    classifier.model_.load_weights(path)
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)


def test_the_history_equals_that_of_keras_fit_on_the_same_batches(features):
    X, y = features
    onehot = np.eye(3, dtype=np.float32)[np.unique(y, return_inverse=True)[1]]
    params = {"dropout": 0, "batch_size": 32, "epochs": 4}
    params |= {"standardize": False, "weight_decay": 1.0}
    ours = small(**params).fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])

    # The same draws, in the same order, from the same generator.
    state = np.random.RandomState(0)
    init_seed, _ = state.randint(np.iinfo(np.int32).max, size=2)
    model = keras.Sequential(
        [
            keras.layers.Input((30,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    architecture = Architecture(30, (32, 16), "relu", (0.0, 0.0), 3)
    model.set_weights(initial_weights(architecture, init_seed))
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=1.0),
        "categorical_crossentropy",
        metrics=["accuracy"],
    )
    for epoch in range(4):
        order = state.permutation(120)
        history = model.fit(
            X[::2][order],
            onehot[::2][order],
            shuffle=False,
            batch_size=32,
            validation_data=(X[1::2], onehot[1::2]),
            verbose=0,
        ).history
        for name, values in history.items():
            assert ours.history_[name][epoch] == pytest.approx(values[0], rel=1e-4)


def test_equal_seeds_give_equal_weights_and_others_do_not(features):
    X, y = features
    first, again, other = (
        small(random_state=seed).fit(X, y).predict_proba(X) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_no_global_generator_is_touched(features):
    X, y = features
    tf.random.set_seed(3)
    before = global_states()
    small().fit(X, y).predict(X)
    drawn = tf.random.uniform((4,)).numpy()
    assert global_states() == before
    tf.random.set_seed(3)
    np.testing.assert_array_equal(drawn, tf.random.uniform((4,)).numpy())


def test_probabilities_do_not_depend_on_the_other_rows(features):
    X, y = features
    classifier = small().fit(X, y)
    together = classifier.predict_proba(X)
    alone = np.concatenate([classifier.predict_proba(X[i : i + 1]) for i in range(70)])
    np.testing.assert_array_equal(together[:70], alone)


def test_class_weights_and_sample_weights_reach_the_loss(features):
    X, y = features
    by_class = small(class_weight={"bird": 30.0, "cat": 1.0, "dog": 1.0}).fit(X, y)
    by_sample = small().fit(X, y, sample_weight=np.where(y == "bird", 30.0, 1.0))
    plain = small().fit(X, y)
    np.testing.assert_array_equal(by_class.predict_proba(X), by_sample.predict_proba(X))
    birds = [(model.predict(X) == "bird").mean() for model in (by_class, plain)]
    assert birds[0] > birds[1] + 0.2


def test_rows_of_weight_zero_count_as_removed(features):
    X, y = features
    weights = np.ones(len(y))
    weights[::3] = 0
    kept = weights > 0
    weighted = small().fit(X, y, sample_weight=weights)
    removed = small().fit(X[kept], y[kept])
    np.testing.assert_array_equal(weighted.predict_proba(X), removed.predict_proba(X))


def test_partial_fit_goes_on_and_adds_to_the_history(features):
    X, y = features
    classifier = small(learning_rate=0.05)
    for _ in range(15):
        classifier.partial_fit(X, y, classes=["bird", "cat", "dog"])
    assert len(classifier.history_["loss"]) == 15
    assert classifier.history_["loss"][-1] < 0.7 * classifier.history_["loss"][0]
    with pytest.raises(ValueError, match="differ from"):
        classifier.partial_fit(X, y, classes=["bird", "cat"])


def test_partial_fit_knows_classes_that_its_first_rows_lack(features):
    X, y = features
    classifier = small().partial_fit(X[:80], y[:80], classes=np.unique(y))
    assert classifier.predict_proba(X).shape == (240, 3)


def test_warm_start_begins_where_the_last_fit_ended(features):
    X, y = features
    classifier = small(warm_start=True, learning_rate=0.05).fit(X, y)
    first = classifier.history_["loss"]
    second = classifier.fit(X, y).history_["loss"]
    assert len(second) == 5
    assert second[0] < 0.5 * first[0]


def test_a_refit_forgets_everything(features):
    X, y = features
    classifier = small().fit(X[:, :10], y == "cat")
    classifier.fit(X, y)
    np.testing.assert_array_equal(
        classifier.predict_proba(X), small().fit(X, y).predict_proba(X)
    )
    assert classifier.n_features_in_ == 30


@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
def test_a_failed_fit_leaves_the_previous_one(features, fit):
    X, y = features
    classifier = small().fit(X, y)
    before = classifier.predict_proba(X)
    classifier.set_params(learning_rate=1e30)
    with pytest.raises(ValueError, match="learning_rate=1e\\+30"):
        getattr(classifier, fit)(X, y)
    np.testing.assert_array_equal(classifier.predict_proba(X), before)
    with pytest.raises(ValueError, match="one class only"):
        classifier.fit(X[:, :3], np.full(len(y), "cat"))
    assert classifier.n_features_in_ == 30


def test_a_callback_may_evaluate_the_model_on_other_rows(features):
    X, y = features
    y = np.unique(y, return_inverse=True)[1]
    callback = EvaluateOn(X[::2], y[::2])
    classifier = small(callbacks=[callback], epochs=3)
    classifier.fit(X, y, X_val=X[1::2], y_val=y[1::2])
    said = [metrics["accuracy"] for metrics in callback.said]
    np.testing.assert_allclose(said, callback.right)
    assert len(classifier.history_["val_loss"]) == len(said) == 3
    losses = [metrics["loss"] for metrics in callback.said]
    assert not np.allclose(losses, classifier.history_["val_loss"])


def test_scikit_learn_sees_a_classifier_and_stratifies(features):
    _, y = features
    classifier = small()
    assert is_classifier(classifier)
    assert isinstance(
        check_cv(3, y, classifier=is_classifier(classifier)), StratifiedKFold
    )


def test_grid_search_over_the_learning_rate(features):
    X, y = features
    search = GridSearchCV(small(), {"learning_rate": [1e-5, 0.05]}, cv=3).fit(X, y)
    assert search.best_params_ == {"learning_rate": 0.05}


def test_summary_and_evaluate(features):
    X, y = features
    classifier = small().fit(X, y)
    lines = []
    classifier.summary(print_fn=lambda text, **_: lines.append(text))
    assert "dense_head" in "\n".join(lines)
    probabilities = classifier.predict_proba(X)
    codes = np.searchsorted(classifier.classes_, y)
    loss = -np.log(probabilities[np.arange(len(y)), codes]).mean()
    result = classifier.evaluate(X, y)
    assert result["loss"] == pytest.approx(loss, rel=1e-4)
    assert result["accuracy"] == pytest.approx(classifier.score(X, y))


def test_the_model_has_no_part_in_a_pickle(features):
    X, y = features
    classifier = small().fit(X, y)
    n_bytes = sum(w.nbytes for w in classifier.model_.get_weights())
    assert len(pickle.dumps(classifier)) < n_bytes + 8000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X, np.full(len(y), "cat")), r"one class only: \['cat'\]"),
        (lambda X, y: (X, np.eye(3)[np.searchsorted(np.unique(y), y)]), "one-hot"),
        (lambda X, y: (X, np.linspace(0, 1, len(y))), "Unknown label type"),
        (lambda X, y: (np.where(np.arange(240)[:, None] == 7, np.nan, X), y), "row 7"),
        (lambda X, y: (np.where(np.arange(240)[:, None] == 7, np.inf, X), y), "row 7"),
        (lambda X, y: (X[:0], y[:0]), "0 sample"),
    ],
    ids=["length", "one class", "one-hot", "continuous", "NaN", "infinity", "empty"],
)
def test_bad_data_is_named(features, change, message):
    with pytest.raises(ValueError, match=message):
        small().fit(*change(*features))


@pytest.mark.parametrize(
    ("n_bad", "told"),
    [(5, r"row 0, 1, 2, 3, 4\. "), (9, r"row 0, 1, 2, 3, 4 and 4 more\. ")],
)
def test_five_bad_rows_are_listed_and_the_others_counted(features, n_bad, told):
    X, y = features
    X = np.where(np.arange(240)[:, None] < n_bad, np.nan, X)
    with pytest.raises(ValueError, match=f"NaN in {n_bad} of 240 rows: {told}"):
        small().fit(X, y)


def test_labels_unseen_in_training_are_named(features):
    X, y = features
    classifier = small(epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"training did not have: \['fish'\]"):
        classifier.evaluate(X[:2], ["cat", "fish"])
    with pytest.raises(ValueError, match=r"y_val holds labels .*\['fish'\]"):
        classifier.fit(X, y, X_val=X[:2], y_val=["cat", "fish"])


def test_a_validation_set_needs_both_parts(features):
    X, y = features
    with pytest.raises(ValueError, match="X_val without y_val"):
        small().fit(X, y, X_val=X)


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [("best.h5", ValueError, "weights.h5"), ("no/b.weights.h5", OSError, "not exist")],
)
def test_a_bad_checkpoint_path_fails_before_training(features, path, error, message):
    with pytest.raises(error, match=message):
        small(checkpoint_path=path).fit(*features)

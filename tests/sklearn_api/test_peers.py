"""Around the classifier: ensembles that weigh rows, and callbacks of other packages."""

import io
import pickle
import threading

import keras
import numpy as np
import optuna
import pytest
from imblearn.ensemble import RUSBoostClassifier
from keras.callbacks import EarlyStopping
from optuna_integration import KerasPruningCallback
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import AdaBoostClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from small_models import small_classifier
from surroundings import run_python
from tqdm.keras import TqdmCallback

from skresnet import DenseSGDClassifier


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def on_digits(**params):
    defaults = {"hidden_layer_sizes": (64,), "learning_rate": 0.1, "random_state": 0}
    return DenseSGDClassifier(**{**defaults, "epochs": 8, **params})


@pytest.mark.parametrize("boosting", [AdaBoostClassifier, RUSBoostClassifier])
def test_boosting_around_the_classifier_learns(boosting, digits):
    X, y = digits
    network = on_digits(epochs=20, learning_rate=0.01)
    model = boosting(network, n_estimators=3, random_state=0)
    assert model.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.85


@pytest.mark.parametrize("scale", [1e-4, 1 / 1797, 100, 1e30])
def test_only_the_ratios_of_weights_matter(scale, digits):
    X, y = digits
    weights = np.random.default_rng(0).integers(1, 4, y.size).astype(float)
    one = on_digits().fit(X, y, sample_weight=weights)
    other = on_digits().fit(X, y, sample_weight=weights * scale)
    assert other.best_score_ == pytest.approx(one.best_score_)
    np.testing.assert_allclose(
        other.predict_proba(X), one.predict_proba(X), rtol=1e-3, atol=1e-6
    )
    by_class = dict.fromkeys(range(10), scale)
    by_class = on_digits(class_weight=by_class).fit(X, y)
    np.testing.assert_allclose(
        by_class.predict_proba(X), on_digits().fit(X, y).predict_proba(X), rtol=1e-3
    )
    found = one.evaluate(X, y, sample_weight=weights)
    assert one.evaluate(X, y, sample_weight=weights * scale) == pytest.approx(found)
    assert found["accuracy"] == pytest.approx(one.score(X, y, sample_weight=weights))


def test_the_rows_that_choose_the_epoch_weigh_as_those_that_train(features):
    X, y = features
    weights = np.where(y == "bird", 5.0, 1.0)
    for params, given in (
        ({"class_weight": {"bird": 5, "cat": 1, "dog": 1}}, {}),
        ({}, {"sample_weight": weights}),
    ):
        classifier = small_classifier(monitor="val_accuracy", refit=False, **params)
        classifier.fit(X, y, **given)
        rows = classifier.validation_indices_
        found = classifier.evaluate(X[rows], y[rows], sample_weight=weights[rows])
        best = classifier.best_epoch_
        assert found["loss"] == pytest.approx(classifier.history_["val_loss"][best])
        assert found["accuracy"] == pytest.approx(classifier.best_score_)
        plain = classifier.evaluate(X[rows], y[rows])["accuracy"]
        assert plain != pytest.approx(classifier.best_score_)


def test_rows_of_the_callers_that_choose_the_epoch_weigh_by_class(features):
    X, y = features
    classifier = small_classifier(
        class_weight={"bird": 5, "cat": 1, "dog": 1}, monitor="val_accuracy"
    )
    classifier.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    weights = np.where(y[1::2] == "bird", 5.0, 1.0)
    found = classifier.evaluate(X[1::2], y[1::2], sample_weight=weights)
    assert found["accuracy"] == pytest.approx(classifier.best_score_)


def test_balanced_weights_choose_an_epoch_that_is_better_for_the_rare_class():
    scores = []
    for seed in range(5):
        generator = np.random.default_rng(seed)
        y = (generator.random(1200) < 0.05).astype(int)
        X = generator.normal(size=(1200, 10)) + 0.8 * y[:, np.newaxis]
        classifier = on_digits(class_weight="balanced", learning_rate=0.01)
        classifier.fit(X[:600], y[:600])
        scores.append(balanced_accuracy_score(y[600:], classifier.predict(X[600:])))
    assert np.mean(scores) > 0.75


def test_optuna_prunes_the_trials_of_a_study_in_memory(features):
    X, y = features
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=2)
    )

    def objective(trial):
        rate = [0.05, 0.05, 1e-6, 1e-6][trial.number]
        callbacks = [KerasPruningCallback(trial, "val_accuracy")]
        classifier = small_classifier(learning_rate=rate, callbacks=callbacks)
        return classifier.fit(X, y).best_score_

    study.optimize(objective, n_trials=4)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "COMPLETE", "PRUNED", "PRUNED"]
    assert len(study.trials[0].intermediate_values) == 5


def test_the_users_own_callback_is_used_and_can_be_used_again(features):
    X, y = features
    stopper = EarlyStopping("val_loss", patience=0)
    seen = keras.callbacks.History()
    classifier = small_classifier(
        learning_rate=0.3, momentum=0.9, epochs=60, callbacks=[stopper, [seen]]
    )
    for _ in range(2):
        classifier.fit(X, y)
        assert 0 < stopper.stopped_epoch == classifier.n_iter_ - 1 < 59
        assert seen.history["loss"][-classifier.n_iter_ :] == classifier.loss_curve_
        assert stopper.model is None
    assert classifier.callbacks[0] is stopper


def test_a_clone_and_a_pickle_have_callbacks_of_their_own(features):
    X, y = features
    stopper = EarlyStopping("val_loss", patience=0)
    classifier = small_classifier(learning_rate=0.3, epochs=60, callbacks=[stopper])
    loaded = pickle.loads(pickle.dumps(clone(classifier.fit(X, y)).fit(X, y)))
    expected = stopper.stopped_epoch
    assert loaded.callbacks[0].stopped_epoch == expected > 0
    stopper.stopped_epoch = -1
    cross_val_score(classifier, X, y, cv=2)
    assert stopper.stopped_epoch == -1
    assert loaded.fit(X, y).n_iter_ == expected + 1


def test_the_progress_bar_of_tqdm_counts_the_epochs(features, capfd):
    classifier = small_classifier(callbacks=[TqdmCallback(verbose=0)])
    classifier.fit(*features).fit(*features)
    assert "5/5" in capfd.readouterr().err
    assert clone(small_classifier(callbacks=[TqdmCallback])).fit(*features).n_iter_ == 5


class HoldsALock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class HoldsAFile(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.file = io.TextIOWrapper(io.BytesIO())


@pytest.mark.parametrize("kind", [HoldsALock, HoldsAFile])
def test_a_callback_that_cannot_be_copied_is_used_and_a_clone_names_it(kind, features):
    classifier = small_classifier(callbacks=[kind()]).fit(*features)
    assert classifier.n_iter_ == 5
    with pytest.raises(TypeError, match=f"callbacks has a {kind.__name__} that cannot"):
        clone(classifier)
    assert cross_val_score(small_classifier(callbacks=kind), *features, cv=2).min() > 0


@pytest.mark.parametrize(
    "params",
    [
        {
            "callbacks": {"es": EarlyStopping},
            "callbacks__es__patience": 0,
        },
        {"callbacks": [EarlyStopping], "callbacks__0__patience": 0},
        {"callbacks": EarlyStopping, "callbacks__patience": 0},
        {
            "callbacks": {"all": [EarlyStopping]},
            "callbacks__all__0__patience": 0,
            "callbacks__all__0__monitor": "val_accuracy",
        },
    ],
    ids=["dict", "list", "class", "list in a dict"],
)
def test_arguments_reach_the_classes_among_the_callbacks(params, features):
    defaults = {"learning_rate": 0.3, "momentum": 0.9, "epochs": 60}
    classifier = small_classifier(**defaults, **params)
    n_epochs = classifier.fit(*features).n_iter_
    assert n_epochs < 60
    assert clone(classifier).fit(*features).n_iter_ == n_epochs
    name = next(name for name in params if "__" in name)
    assert classifier.get_params()[name] == 0
    later = classifier.set_params(**{name: 5}).fit(*features).n_iter_
    assert later > n_epochs
    search = GridSearchCV(classifier, {name: [0, 5]}, cv=2).fit(*features)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"callbacks__es__patience": 1}, "callbacks__es__patience .*callbacks=None"),
        (
            {
                "callbacks": {"es": EarlyStopping},
                "callbacks__stop__patience": 1,
            },
            r"callbacks__stop__patience .*keys \['es'\]",
        ),
    ],
)
def test_arguments_of_no_callback_are_named(params, message, features):
    with pytest.raises(ValueError, match=message):
        small_classifier(**params).fit(*features)


def test_a_parameter_that_there_is_none_of_is_named():
    with pytest.raises(TypeError, match="no parameter 'epoch'"):
        DenseSGDClassifier(epoch=3)
    with pytest.raises(ValueError, match="'epoch'"):
        DenseSGDClassifier().set_params(epoch=3)


LOAD = """
import sys
import numpy as np
import keras
model = keras.saving.load_model(sys.argv[1])
assert type(model) is keras.Sequential
assert not any(name.partition(".")[0] == "skresnet" for name in sys.modules)
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""


def test_a_saved_model_loads_where_skresnet_is_not_known(features, tmp_path):
    X, y = features
    X = 3 * X + 5  # which only standardisation makes learnable
    best = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "best.keras"), monitor="val_loss", save_best_only=True
    )
    classifier = DenseSGDClassifier(callbacks=[best], random_state=0).fit(X, y)
    assert classifier.standardize
    assert classifier.score(X, y) > 0.9
    np.save(tmp_path / "X.npy", X)
    run_python(LOAD, tmp_path / "best.keras", tmp_path / "X.npy", tmp_path / "p.npy")
    np.testing.assert_allclose(
        np.load(tmp_path / "p.npy"), classifier.predict_proba(X), atol=1e-6
    )


def test_the_model_is_a_plain_one_that_goes_on_in_keras(features):
    X, y = features
    model = small_classifier().fit(X, y).model_
    assert type(model) is keras.Sequential
    one_hot = np.eye(3)[np.unique(y, return_inverse=True)[1]]
    history = model.fit(X, one_hot, epochs=2, verbose=0).history
    assert set(history) == {"accuracy", "loss"}


def test_what_is_done_to_the_model_by_hand_is_in_a_pickle_and_gone_on_from(features):
    X, y = features
    classifier = small_classifier(warm_start=True).fit(X, y)
    model = classifier.model_
    model.set_weights([weight + 0.25 for weight in model.get_weights()])
    model.layers[0].activation = keras.activations.tanh
    expected = classifier.predict_proba(X)
    loaded = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_allclose(loaded.predict_proba(X), expected, rtol=1e-6)
    still = classifier.set_params(learning_rate=1e-12, weight_decay=0).fit(X, y)
    for before, after in zip(
        model.get_weights(), still.model_.get_weights(), strict=True
    ):
        np.testing.assert_allclose(before, after, atol=1e-5)


def test_partial_fit_keeps_one_model(features):
    X, y = features
    classifier = small_classifier().partial_fit(X, y)
    model = classifier.model_
    first = classifier.predict_proba(X)
    assert classifier.partial_fit(X, y).model_ is model
    assert not np.array_equal(classifier.predict_proba(X), first)
    np.testing.assert_allclose(model(X), classifier.predict_proba(X), atol=1e-6)
    assert classifier.n_iter_ == len(classifier.loss_curve_) == 2


def test_the_logarithms_of_the_probabilities(features):
    X, y = features
    classifier = small_classifier().fit(X, y)
    np.testing.assert_allclose(
        np.exp(classifier.predict_log_proba(X)), classifier.predict_proba(X), rtol=1e-5
    )
    assert classifier.loss_curve_ == classifier.history_["loss"]
    assert classifier.n_iter_ == 5


def test_callbacks_can_be_turned_off_again(features):
    params = {"callbacks": {"es": EarlyStopping}, "callbacks__es__patience": 0}
    classifier = small_classifier(**params)
    search = GridSearchCV(
        classifier, {"callbacks": [None, {"es": EarlyStopping}]}, cv=2
    )
    assert np.isfinite(search.fit(*features).cv_results_["mean_test_score"]).all()
    classifier.set_params(callbacks=None).fit(*features)
    assert not [
        name for name in classifier.get_params() if name.startswith("callbacks_")
    ]


def test_balanced_classes_are_those_of_the_rows_that_have_weight(features):
    X, y = features
    weights = np.ones(len(y))
    weights[np.flatnonzero(y == y[0])[::2]] = 0
    kept = weights > 0
    params = {"class_weight": "balanced", "validation_fraction": None}
    weighted = small_classifier(**params).fit(X, y, sample_weight=weights)
    removed = small_classifier(**params).fit(X[kept], y[kept])
    np.testing.assert_allclose(
        weighted.predict_proba(X), removed.predict_proba(X), atol=1e-5
    )

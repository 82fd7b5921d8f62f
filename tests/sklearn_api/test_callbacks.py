"""Callbacks of scikit-learn and of Keras during fit."""

from collections import Counter

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from small_models import small_classifier, small_embedder, small_pipeline

N_EPOCHS = 5


class Recorder:
    """Counts the tasks that end, at any depth."""

    max_propagation_depth = None

    def __init__(self):
        self.ended = Counter()
        self.torn_down = 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        self.torn_down += 1

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.ended[context.estimator_name, context.task_name] += 1


class Stopper(Recorder):
    """Asks to stop after the third epoch."""

    def on_fit_task_end(self, estimator, context):
        return context.task_name == "epoch" and context.task_id == 2


class Faulty(Recorder):
    """Fails at the end of a task."""

    def __init__(self, task_name):
        super().__init__()
        self.task_name = task_name

    def on_fit_task_end(self, estimator, context):
        if context.task_name == self.task_name:
            raise RuntimeError(f"cannot write the log of this {self.task_name}")


class StopAtOnce(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


class StopLater(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 3


def test_each_epoch_and_each_batch_of_pictures_is_a_task(data):
    recorder = Recorder()
    model = small_pipeline(embedder__batch_size=10).set_callbacks(recorder)
    model.fit(data.train.data, data.train.target)
    assert recorder.ended["ResNet50Embedder", "batch"] == 4
    assert recorder.ended["DenseSGDClassifier", "epoch"] == N_EPOCHS
    assert recorder.torn_down == 1


def test_a_grid_search_hands_its_callbacks_to_every_fit(data):
    recorder = Recorder()
    search = GridSearchCV(
        small_pipeline(), {"classifier__momentum": [0.0, 0.5]}, cv=2
    ).set_callbacks(recorder)
    search.fit(data.train.data, data.train.target)
    assert recorder.ended["DenseSGDClassifier", "epoch"] == 5 * N_EPOCHS
    # 18 pictures of a fold are one batch, all 36 are two.
    assert recorder.ended["ResNet50Embedder", "batch"] == 4 * 1 + 2


def test_a_progress_bar_shows_each_step_to_its_end(data, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    model = small_pipeline().set_callbacks(ProgressBar(max_propagation_depth=None))
    model.fit(data.train.data, data.train.target)
    shown = capfd.readouterr().out
    for name in ("ImageClassifierPipeline", "ResNet50Embedder", "DenseSGDClassifier"):
        assert name in shown
    assert shown.count("100%") == 3


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_progress_bar_shows_the_fits_of_a_search(
    n_jobs, features, capfd, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "200")
    search = GridSearchCV(
        small_classifier(), {"momentum": [0.0, 0.5]}, cv=2, n_jobs=n_jobs
    )
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*features)
    # The fit, its search, four fits in folds and the refit.
    assert capfd.readouterr().out.count("100%") == 7


def test_a_scoring_monitor_scores_the_network_of_each_epoch(features):
    X, y = features
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    classifier = small_classifier(refit=False, learning_rate=0.01)
    classifier.set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    assert [row["task_name"] for row in rows] == ["epoch"] * N_EPOCHS
    trained = np.delete(np.arange(len(y)), classifier.validation_indices_)
    found = classifier.evaluate(X[trained], y[trained])
    best = rows[classifier.best_epoch_]
    assert best["accuracy"] == pytest.approx(found["accuracy"])
    assert best["neg_log_loss"] == pytest.approx(-found["loss"], rel=1e-4)
    assert len({row["neg_log_loss"] for row in rows}) == N_EPOCHS


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_scoring_monitor_on_a_step_hears_every_fit_of_a_search(n_jobs, data):
    monitor = ScoringMonitor(scoring="accuracy")
    model = small_pipeline()
    model["classifier"].set_callbacks(monitor)
    search = GridSearchCV(
        model, {"classifier__learning_rate": [1e-7, 0.002]}, cv=2, n_jobs=n_jobs
    ).fit(data.train.data, data.train.target)
    rows = [row for log in monitor.get_logs(select="all") for row in log.data]
    assert len(rows) == 5 * N_EPOCHS
    assert max(row["accuracy"] for row in rows) > 0.9
    assert search.best_score_ > 0.9


def test_a_callback_that_asks_to_stop_ends_the_training(features):
    X, y = features
    classifier = small_classifier().set_callbacks(Stopper()).fit(X, y)
    assert len(classifier.history_["loss"]) == 3


def test_a_callback_that_fails_ends_fit_and_leaves_the_classifier_as_it_was(features):
    X, y = features
    classifier = small_classifier().fit(X, y)
    before = classifier.predict_proba(X)
    faulty = Faulty("epoch")
    classifier.set_callbacks(faulty).set_params(learning_rate=0.2)
    with pytest.raises(RuntimeError, match="log of this epoch"):
        classifier.fit(X[:, :7], y)
    assert faulty.torn_down == 1
    assert classifier.n_features_in_ == 30
    np.testing.assert_array_equal(classifier.predict_proba(X), before)
    classifier.set_callbacks().set_params(learning_rate=0.05).fit(X, y)
    np.testing.assert_array_equal(classifier.predict_proba(X), before)


def test_a_callback_that_fails_leaves_the_embedder_as_it_was(data):
    X = data.test.data
    embedder = small_embedder().fit(X)
    before = embedder.transform(X)
    faulty = Faulty("batch")
    embedder.set_callbacks(faulty).set_params(random_state=1)
    with pytest.raises(RuntimeError, match="log of this batch"):
        embedder.fit_transform(X)
    assert faulty.torn_down == 1
    np.testing.assert_array_equal(embedder.transform(X), before)
    embedder.set_callbacks().set_params(random_state=0)
    np.testing.assert_array_equal(embedder.fit_transform(X), before)


@pytest.mark.parametrize(
    ("callbacks", "n_epochs"),
    [
        (None, N_EPOCHS),
        (StopAtOnce(), 1),
        (StopAtOnce, 1),
        ([StopLater()], 4),
        ([StopLater, StopAtOnce], 1),
        ({"later": StopLater()}, 4),
        ({"later": StopLater}, 4),
    ],
    ids=["none", "instance", "class", "list", "classes", "dict", "dict of classes"],
)
def test_keras_callbacks_come_in_every_form(callbacks, n_epochs, features):
    X, y = features
    for classifier in (
        small_classifier(callbacks=callbacks),
        clone(small_classifier(callbacks=callbacks)),
    ):
        assert len(classifier.fit(X, y).history_["loss"]) == n_epochs

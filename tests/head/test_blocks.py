"""Training on Dask arrays of rows, of which memory holds a part."""

import dask.array as da
import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skresnet import DenseSGDClassifier
from skresnet.head import blocks as blocks_module
from skresnet.head import rows as rows_module
from skresnet.head.blocks import Rows, shuffled

CLASSES = np.array(["ant", "bee", "cat", "dog"])
BLOCK = 50


@pytest.fixture(scope="module")
def data():
    """2,400 rows in the order of their classes, as of folders, and 600 for the test."""
    rng = np.random.RandomState(0)
    centres = rng.randn(4, 16)
    codes = np.sort(rng.randint(4, size=2400))
    others = rng.randint(4, size=600)
    X, X_test = (
        (centres[c] + 1.5 * rng.randn(c.size, 16) + 3).astype(np.float32)
        for c in (codes, others)
    )
    return X, CLASSES[codes], X_test, CLASSES[others]


@pytest.fixture
def small_buffer(monkeypatch, data):
    """Let memory hold a quarter of the rows."""
    for module in (blocks_module, rows_module):
        monkeypatch.setattr(module, "BUFFER_BYTES", data[0].nbytes // 4)
    monkeypatch.setattr(rows_module, "LOADED_BYTES", data[0].nbytes // 8)


def in_blocks(X, length=BLOCK):
    return da.from_array(X, chunks=(length, -1))


def classifier(**params):
    return DenseSGDClassifier(**{"epochs": 8, "random_state": 0} | params)


def test_what_memory_holds_gives_what_an_array_gives(data):
    X, y, X_test, _ = data
    from_array = classifier().fit(X, y)
    from_blocks = classifier().fit(in_blocks(X), da.from_array(y, chunks=BLOCK))
    assert from_blocks.history_ == from_array.history_
    assert_array_equal(
        from_blocks.predict_proba(X_test), from_array.predict_proba(X_test)
    )


@pytest.mark.usefixtures("small_buffer")
@pytest.mark.parametrize("params", [{}, {"refit": False}, {"class_weight": "balanced"}])
def test_blocks_give_the_accuracy_of_an_array(data, params):
    X, y, X_test, y_test = data
    from_array = classifier(**params).fit(X, y)
    from_blocks = classifier(**params).fit(in_blocks(X), y)
    # The rows set aside are the same, the order of the others is not.
    assert_array_equal(from_blocks.validation_indices_, from_array.validation_indices_)
    accuracy = from_array.score(X_test, y_test)
    assert accuracy > 0.6
    assert from_blocks.score(X_test, y_test) == pytest.approx(accuracy, abs=0.03)
    assert from_blocks.best_score_ == pytest.approx(from_array.best_score_, abs=0.03)


@pytest.mark.usefixtures("small_buffer")
def test_the_mean_and_the_scale_are_those_of_all_training_rows(data):
    X, y, *_ = data
    weights = np.random.RandomState(1).uniform(size=len(X))
    from_array, from_blocks = (
        classifier(epochs=1).fit(rows, y, sample_weight=weights)._standardization
        for rows in (X, in_blocks(X))
    )
    assert_allclose(from_blocks.mean, from_array.mean, rtol=1e-5)
    assert_allclose(from_blocks.scale, from_array.scale, rtol=1e-5)


@pytest.mark.usefixtures("small_buffer")
def test_the_same_random_state_gives_the_same_weights(data):
    X, y, X_test, _ = data
    first, again, other = (
        classifier(epochs=2, random_state=seed).fit(in_blocks(X), y)
        for seed in (0, 0, 1)
    )
    assert_array_equal(first.predict_proba(X_test), again.predict_proba(X_test))
    assert not np.array_equal(first.predict_proba(X_test), other.predict_proba(X_test))


def test_an_epoch_goes_over_each_training_row_once_with_its_label(data, monkeypatch):
    X, y, *_ = data
    monkeypatch.setattr(blocks_module, "BUFFER_BYTES", 3 * X[:BLOCK].nbytes)
    codes = np.searchsorted(CLASSES, y).astype(np.int32)
    rows = Rows(in_blocks(X), codes, np.arange(codes.size, dtype=np.float32))
    given = list(shuffled(rows, np.random.RandomState(0), 320))
    assert [part.codes.size for part in given] == [320] * 7 + [160]
    numbers = np.concatenate([part.weights for part in given]).astype(int)
    assert_array_equal(np.sort(numbers), np.arange(codes.size))
    assert_array_equal(np.concatenate([part.X for part in given]), X[numbers])
    assert_array_equal(np.concatenate([part.codes for part in given]), codes[numbers])
    # Although the blocks are of one class each, all come at any time.
    shares = [np.bincount(part.codes, minlength=4) / part.codes.size for part in given]
    assert np.min(shares) > 0.1


@pytest.mark.usefixtures("small_buffer")
def test_groups_are_set_aside_whole_and_rows_of_weight_0_are_left_out(data):
    X, y, *_ = data
    groups = np.arange(len(X)) // 7
    weights = np.ones(len(X))
    weights[:300] = 0
    spoilt = X.copy()
    spoilt[:300] += 1e6
    fitted = classifier(epochs=2).fit(
        in_blocks(spoilt), y, sample_weight=weights, groups=groups
    )
    assert np.all(fitted.validation_indices_ >= 300)
    aside = np.isin(np.arange(len(X)), fitted.validation_indices_)
    for group in np.unique(groups[300:]):
        assert len(set(aside[300:][groups[300:] == group])) == 1
    assert np.abs(fitted._standardization.mean).max() < 100


@pytest.mark.usefixtures("small_buffer")
def test_validation_rows_of_the_caller_may_come_in_blocks_too(data):
    X, y, X_test, y_test = data
    as_array, lazily = (
        classifier(epochs=2).fit(in_blocks(X), y, X_val=rows, y_val=y_test)
        for rows in (X_test, in_blocks(X_test))
    )
    assert as_array.validation_indices_ is None
    assert_allclose(lazily.history_["val_loss"], as_array.history_["val_loss"])


@pytest.mark.usefixtures("small_buffer")
def test_patience_ends_the_training_and_the_best_epoch_is_kept(data):
    X, y, *_ = data
    fitted = classifier(epochs=60, patience=1, refit=False).fit(in_blocks(X), y)
    losses = fitted.history_["val_loss"]
    assert fitted.n_iter_ == len(losses) < 60
    assert fitted.best_score_ == losses[fitted.best_epoch_] == min(losses)
    held_out = fitted.validation_indices_
    assert fitted.evaluate(X[held_out], y[held_out])["loss"] == pytest.approx(
        min(losses), rel=1e-4
    )


class NotesRows:
    """Notes what the rows are that an epoch trains on."""

    max_propagation_depth = None

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, *, X, y):
        if context.task_name == "epoch":
            self.seen.append((X.compute(), y))

    def on_fit_task_end(self, estimator, context):
        pass


@pytest.mark.usefixtures("small_buffer")
def test_callbacks_of_scikit_learn_see_the_training_rows_lazily(data):
    X, y, *_ = data
    notes = NotesRows()
    fitted = classifier(epochs=1, refit=False)
    fitted.set_callbacks(notes)
    fitted.fit(in_blocks(X), y)
    [(seen, labels)] = notes.seen
    training = np.delete(np.arange(len(X)), fitted.validation_indices_)
    assert_array_equal(seen, X[training])
    assert_array_equal(labels, y[training])


@pytest.mark.usefixtures("small_buffer")
def test_partial_fit_goes_over_blocks_too(data):
    X, y, X_test, y_test = data
    going = classifier()
    for _ in range(4):
        going.partial_fit(in_blocks(X), y, classes=CLASSES)
    assert going.n_iter_ == 4
    assert going.score(X_test, y_test) > 0.6


def test_score_and_evaluate_take_blocks(data):
    X, y, X_test, y_test = data
    fitted = classifier(epochs=2).fit(X, y)
    lazily = in_blocks(X_test)
    assert fitted.score(lazily, y_test) == fitted.score(X_test, y_test)
    assert fitted.evaluate(lazily, y_test) == fitted.evaluate(X_test, y_test)


@pytest.mark.usefixtures("small_buffer")
def test_a_row_of_nan_is_named_by_its_number(data):
    X, y, *_ = data
    spoilt = X.copy()
    spoilt[1234] = np.nan
    with pytest.raises(ValueError, match=r"contains NaN in 1 of .* row 1234\."):
        classifier().fit(in_blocks(spoilt), y)


@pytest.mark.usefixtures("small_buffer")
def test_blocks_without_room_to_be_shuffled_are_refused(data):
    X, y, *_ = data
    with pytest.raises(ValueError, match="X comes in blocks of up to"):
        classifier().fit(in_blocks(X, 1000), y)


@pytest.mark.usefixtures("small_buffer")
def test_callbacks_of_keras_see_each_epoch_and_may_end_the_training(data):
    class Notes(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.epochs = []

        def on_epoch_end(self, epoch, logs=None):
            self.epochs.append(logs)
            self.model.stop_training = epoch == 5

    X, y, X_test, y_test = data
    notes = Notes()
    by_keras = classifier(callbacks=[notes], refit=False).fit(in_blocks(X), y)
    ours = classifier(epochs=6, refit=False).fit(in_blocks(X), y)
    assert by_keras.n_iter_ == len(notes.epochs) == 6
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert by_keras.history_[name] == [logs[name] for logs in notes.epochs]
        assert by_keras.history_[name] == pytest.approx(ours.history_[name], abs=0.05)
    assert by_keras.score(X_test, y_test) == pytest.approx(
        ours.score(X_test, y_test), abs=0.03
    )


def test_blocks_of_unknown_length_and_frames_are_refused(data):
    X, y, *_ = data
    unknown = in_blocks(X)[da.from_array(np.ones(len(X), bool), chunks=BLOCK)]
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        classifier().fit(unknown, y)
    with pytest.raises(ValueError, match="expected a Dask array of shape"):
        classifier().fit(in_blocks(X)[:, 0], y)

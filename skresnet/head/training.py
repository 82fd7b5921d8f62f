"""One training run of the head: from initial weights to those of the best epoch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from scikeras.wrappers import KerasClassifier

from skresnet.head.callbacks import (
    BestWeights,
    Checkpoint,
    EpochTasks,
    Shuffle,
    TaskReporter,
)
from skresnet.head.loop import LOOPS
from skresnet.head.network import Architecture
from skresnet.head.rows import Rows
from skresnet.validation import ClassifierSettings


@dataclass(frozen=True)
class Seeds:
    """Where the randomness of a run comes from."""

    shuffle: np.random.RandomState
    dropout: int


@dataclass(frozen=True)
class Result:
    """What a run leaves behind."""

    weights: list[np.ndarray]
    history: dict[str, list[float]]
    best_epoch: int


def train(
    architecture: Architecture,
    settings: ClassifierSettings,
    seeds: Seeds,
    weights: list[np.ndarray],
    training: Rows,
    validation: Rows | None,
    callbacks: Any,
    tasks: EpochTasks | None = None,
) -> Result:
    """Train from ``weights`` and return those of the best epoch.

    Parameters
    ----------
    training : Rows
        The rows to train on.

    validation : Rows or None
        The rows that decide the best epoch; None lets the training rows decide.

    callbacks : list, dict, keras.callbacks.Callback or None
        The user's own, already copied for this run.

    tasks : EpochTasks, default=None
        Told of each epoch; may stop the training.

    Raises
    ------
    ValueError
        If the training went to infinity or NaN, so that no epoch has usable weights.

    OSError
        If ``checkpoint_path`` cannot be written, for instance on a full disk.
    """
    one_hot = np.eye(architecture.n_classes, dtype=np.float32)
    best = BestWeights(settings.monitor, settings.mode)
    with LOOPS.borrow(
        architecture,
        batch_size=settings.batch_size,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
    ) as loop:
        loop.reset(weights, learning_rate=settings.learning_rate, seed=seeds.dropout)
        wrapper = HeadKerasClassifier(
            loop,
            shuffle_state=seeds.shuffle,
            validation_data=validation and (validation.X, one_hot[validation.codes]),
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            verbose=settings.verbose,
            callbacks=callbacks,
            fit__callbacks=[best, *_own_callbacks(settings, tasks)],
        )
        wrapper.fit(training.X, one_hot[training.codes], sample_weight=training.weights)
        if best.epoch is None:
            raise _diverged(settings)
        loop.set_weights(best.weights)
        # Weights may still be finite and so large that what they give is not.
        outputs = np.asarray(loop(training.X[: settings.batch_size], training=False))
    if not all(np.isfinite(array).all() for array in [*best.weights, outputs]):
        raise _diverged(settings)
    history = {name: list(values) for name, values in wrapper.history_.items()}
    return Result(best.weights, history, best.epoch)


def _own_callbacks(
    settings: ClassifierSettings, tasks: EpochTasks | None
) -> list[keras.callbacks.Callback]:
    monitored = {"monitor": settings.monitor, "mode": settings.mode}
    callbacks: list[keras.callbacks.Callback] = []
    if settings.checkpoint_path is not None:
        callbacks.append(Checkpoint(settings.checkpoint_path, **monitored))
    if settings.patience is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(patience=settings.patience, **monitored)
        )
    if tasks is not None:
        callbacks.append(TaskReporter(tasks))
    return callbacks


def _diverged(settings: ClassifierSettings) -> ValueError:
    return ValueError(
        "Training diverged: the loss became infinite or NaN with "
        f"learning_rate={settings.learning_rate!r} and "
        f"momentum={settings.momentum!r}. Use a smaller learning_rate, or scale the "
        "features, for instance with StandardScaler in front of the classifier."
    )


class HeadKerasClassifier(KerasClassifier):
    """A `KerasClassifier` that trains an `EpochLoop` on one-hot labels.

    scikeras checks and converts the data, compiles and initialises the callbacks;
    only the call of ``Model.fit`` is ours, because scikeras hands it arrays, of which
    Keras would make batches in Python. Nothing is seeded here: scikeras would set the
    global seeds of Python, NumPy and TensorFlow, ours are in the layers.
    """

    def __init__(
        self,
        model: Any,
        *,
        shuffle_state: np.random.RandomState,
        validation_data: tuple[np.ndarray, np.ndarray] | None,
        batch_size: int,
        epochs: int,
        verbose: int,
        callbacks: Any,
        fit__callbacks: list[Any],
    ) -> None:
        super().__init__(
            model,
            loss="categorical_crossentropy",
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            fit__callbacks=fit__callbacks,
        )
        self.shuffle_state = shuffle_state
        self.validation_data = validation_data

    def _fit_keras_model(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
        **kwargs: Any,
    ) -> None:
        if sample_weight is None:
            sample_weight = np.ones(X.shape[0], np.float32)
        rows = X, y, sample_weight.astype(np.float32, copy=False)
        loop = self.model_
        with loop.holding(rows, self.validation_data):
            history = loop.fit(
                loop.training_calls(X.shape[0]),
                epochs=epochs,
                verbose=self.verbose,
                shuffle=False,  # the loop does it
                callbacks=[
                    Shuffle(X.shape[0], self.shuffle_state),
                    *self._fit_callbacks,
                ],
                validation_data=loop.validation_calls(),
            )
        self.history_ = defaultdict(list, history.history)

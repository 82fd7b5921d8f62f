"""One training run of the head: from initial weights to those of the best epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from skresnet.head.architecture import Architecture
from skresnet.head.callbacks import BestWeights, Checkpoint, TaskReporter
from skresnet.head.loop import LOOPS
from skresnet.head.tasks import EpochTasks
from skresnet.head.wrapper import HeadKerasClassifier


@dataclass(frozen=True)
class Schedule:
    """How to train: optimizer, epochs, and which epoch is the best."""

    learning_rate: float
    momentum: float
    nesterov: bool
    batch_size: int
    epochs: int
    monitor: str
    patience: int | None
    checkpoint_path: str | None
    verbose: int

    @property
    def mode(self) -> str:
        """Say which direction of the monitored number is better, as Keras does."""
        return "min" if self.monitor.endswith("loss") else "max"


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
    schedule: Schedule,
    seeds: Seeds,
    weights: list[np.ndarray],
    data: tuple[np.ndarray, np.ndarray, np.ndarray | None],
    validation_data: tuple[np.ndarray, np.ndarray] | None,
    callbacks: Any,
    tasks: EpochTasks | None = None,
) -> Result:
    """Train from ``weights`` and return those of the best epoch.

    Parameters
    ----------
    data : tuple of (X, one-hot y, sample_weight or None)
        The rows to train on.

    validation_data : tuple of (X, one-hot y) or None
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
    best = BestWeights(schedule.monitor, schedule.mode)
    with LOOPS.borrow(
        architecture,
        batch_size=schedule.batch_size,
        momentum=schedule.momentum,
        nesterov=schedule.nesterov,
    ) as loop:
        loop.reset(weights, learning_rate=schedule.learning_rate, seed=seeds.dropout)
        wrapper = HeadKerasClassifier(
            loop,
            shuffle_state=seeds.shuffle,
            validation_data=validation_data,
            batch_size=schedule.batch_size,
            epochs=schedule.epochs,
            verbose=schedule.verbose,
            callbacks=callbacks,
            fit__callbacks=[best, *_own_callbacks(schedule, tasks)],
        )
        X, y, sample_weight = data
        wrapper.fit(X, y, sample_weight=sample_weight)
        if best.epoch is None:
            raise _diverged(schedule)
        loop.set_weights(best.weights)
        # Weights may still be finite and so large that what they give is not.
        outputs = np.asarray(loop(X[: schedule.batch_size], training=False))
    if not all(np.isfinite(array).all() for array in [*best.weights, outputs]):
        raise _diverged(schedule)
    history = {name: list(values) for name, values in wrapper.history_.items()}
    return Result(best.weights, history, best.epoch)


def _own_callbacks(
    schedule: Schedule, tasks: EpochTasks | None
) -> list[keras.callbacks.Callback]:
    monitored = {"monitor": schedule.monitor, "mode": schedule.mode}
    callbacks: list[keras.callbacks.Callback] = []
    if schedule.checkpoint_path is not None:
        callbacks.append(Checkpoint(schedule.checkpoint_path, **monitored))
    if schedule.patience is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(patience=schedule.patience, **monitored)
        )
    if tasks is not None:
        callbacks.append(TaskReporter(tasks))
    return callbacks


def _diverged(schedule: Schedule) -> ValueError:
    return ValueError(
        "Training diverged: the loss became infinite or NaN with "
        f"learning_rate={schedule.learning_rate!r} and "
        f"momentum={schedule.momentum!r}. Use a smaller learning_rate, or scale the "
        "features, for instance with StandardScaler in front of the classifier."
    )

"""One training run of the head: from initial weights to those of the best epoch."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from skresnet.head.architecture import Architecture
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
        If the weights cannot be written, for instance because the disk is full.
    """
    with (
        tempfile.TemporaryDirectory(prefix="skresnet-") as private,
        LOOPS.borrow(
            architecture,
            batch_size=schedule.batch_size,
            momentum=schedule.momentum,
            nesterov=schedule.nesterov,
        ) as loop,
    ):
        path = schedule.checkpoint_path or str(Path(private) / "best.weights.h5")
        loop.reset(weights, learning_rate=schedule.learning_rate, seed=seeds.dropout)
        wrapper = HeadKerasClassifier(
            loop,
            shuffle_state=seeds.shuffle,
            validation_data=validation_data,
            batch_size=schedule.batch_size,
            epochs=schedule.epochs,
            verbose=schedule.verbose,
            callbacks=callbacks,
            fit__callbacks=_own_callbacks(schedule, path, tasks),
        )
        X, y, sample_weight = data
        wrapper.fit(X, y, sample_weight=sample_weight)
        history = {name: list(values) for name, values in wrapper.history_.items()}
        best = _best_epoch(history[schedule.monitor], schedule)
        row = {name: values[best] for name, values in history.items()}
        loop.load_weights(path.format(epoch=best + 1, **row))
        result = Result(loop.get_weights(), history, best)
        # Weights may still be finite and so large that what they give is not.
        outputs = np.asarray(loop(X[: schedule.batch_size], training=False))
    if not all(np.isfinite(array).all() for array in [*result.weights, outputs]):
        raise _diverged(schedule)
    return result


class _TaskReporter(keras.callbacks.Callback):
    """Hands Keras' news of an epoch to scikit-learn's callbacks."""

    def __init__(self, tasks: EpochTasks) -> None:
        super().__init__()
        self._tasks = tasks

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._tasks.begin()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._tasks.end(self.model):
            self.model.stop_training = True


class _Checkpoint(keras.callbacks.ModelCheckpoint):
    """Says of a failed write which folder is meant and what to do."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        try:
            super().on_epoch_end(epoch, logs)
        except (OSError, RuntimeError) as error:  # h5py raises either
            number = getattr(error, "errno", None)
            cause = os.strerror(number) if number else str(error)
            folder, name = os.path.split(self.filepath)
            raise OSError(
                f"The weights of the best epoch cannot be written to the folder "
                f"{folder!r} ({cause}), and {name!r} in it is incomplete. Make room "
                "there, or choose another folder: by checkpoint_path, or where that is "
                "None by the environment variable TMPDIR."
            ) from error


def _own_callbacks(
    schedule: Schedule, path: str, tasks: EpochTasks | None
) -> list[keras.callbacks.Callback]:
    callbacks: list[keras.callbacks.Callback] = [
        _Checkpoint(
            path,
            monitor=schedule.monitor,
            mode=schedule.mode,
            save_best_only=True,
            save_weights_only=True,
        )
    ]
    if schedule.patience is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor=schedule.monitor,
                mode=schedule.mode,
                patience=schedule.patience,
            )
        )
    if tasks is not None:
        callbacks.append(_TaskReporter(tasks))
    return callbacks


def _best_epoch(values: list[float], schedule: Schedule) -> int:
    """Find the first of the best epochs, which is the one ModelCheckpoint keeps."""
    if np.isnan(values).all():
        raise _diverged(schedule)
    find = np.nanargmin if schedule.mode == "min" else np.nanargmax
    return int(find(values))


def _diverged(schedule: Schedule) -> ValueError:
    return ValueError(
        "Training diverged: the loss became infinite or NaN with "
        f"learning_rate={schedule.learning_rate!r} and "
        f"momentum={schedule.momentum!r}. Use a smaller learning_rate, or scale the "
        "features, for instance with StandardScaler in front of the classifier."
    )

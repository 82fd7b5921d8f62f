"""One training run of the head: from initial weights to those of the best epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from skresnet.head.callbacks import BestWeights, EpochTasks, TaskReporter
from skresnet.head.loop import LOOPS
from skresnet.head.network import FittedHead
from skresnet.head.rows import Rows
from skresnet.validation import ClassifierSettings


@dataclass(frozen=True)
class Seeds:
    """Where the randomness of a run comes from."""

    order: np.random.RandomState  # of the rows
    dropout: int


@dataclass(frozen=True)
class Result:
    """What a run leaves behind."""

    head: FittedHead
    history: dict[str, list[float]]
    best_epoch: int


def train(
    settings: ClassifierSettings,
    seeds: Seeds,
    weights: list[np.ndarray],
    new_head: Callable[[list[np.ndarray]], FittedHead],
    training: Rows,
    validation: Rows | None,
    callbacks: Mapping[str, Any],
    tasks: EpochTasks | None = None,
) -> Result:
    """Train from ``weights`` and return those of the best epoch.

    The compiled loop trains, or Keras where the user has callbacks, which may change
    whatever they like. Both compute the same.

    Parameters
    ----------
    new_head : callable
        Makes a `FittedHead` of weights.

    training : Rows
        The rows to train on.

    validation : Rows or None
        The rows that decide the best epoch; None lets the training rows decide.

    callbacks : dict
        The user's, as the arguments ``callbacks`` and ``callbacks__...`` of scikeras;
        may be empty.

    tasks : EpochTasks, default=None
        Told of each epoch; may stop the training.

    Raises
    ------
    ValueError
        If the training went to infinity or NaN, so that no epoch has usable weights.

    OSError
        If ``checkpoint_path`` cannot be written, for instance on a full disk.
    """
    best = BestWeights(settings, new_head)
    own: list[keras.callbacks.Callback] = [best]
    if settings.patience is not None:
        own.append(
            keras.callbacks.EarlyStopping(
                settings.monitor, patience=settings.patience, mode=settings.mode
            )
        )
    if tasks is not None:
        own.append(TaskReporter(tasks))
    rows = settings, training, validation, seeds.order, seeds.dropout
    head = new_head(weights)
    some_rows = training.X[: settings.batch_size]
    if callbacks:
        from skresnet.head.keras_fit import fit_by_keras

        model = head.model
        layers = model.get_config()["layers"]
        history = fit_by_keras(model, *rows, own, callbacks)
        changed = model.get_config()["layers"] != layers
        head.keep(best.weights or weights, model if changed else None)
        outputs = head.probabilities(some_rows)
    else:
        with LOOPS.borrow(head.architecture, settings) as loop:
            history = loop.fit(weights, *rows, own)
            head.keep(best.weights or weights)
            outputs = loop.probabilities(head.weights, some_rows)
    # Weights may still be finite and so large that what they give is not.
    if best.epoch is None or not np.isfinite(outputs).all():
        raise ValueError(
            "Training diverged: the loss became infinite or NaN with "
            f"learning_rate={settings.learning_rate!r} and "
            f"momentum={settings.momentum!r}. Use a smaller learning_rate, or scale "
            "the features, for instance with StandardScaler in front of the "
            "classifier."
        )
    return Result(head, history, best.epoch)

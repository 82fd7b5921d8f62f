"""Training the head: to the best epoch, and then as long on all rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skresnet.head.callbacks import (
    BestWeights,
    EpochTasks,
    TaskReporter,
    write_checkpoint,
)
from skresnet.head.loop import LOOPS
from skresnet.head.network import FittedHead, Standardization
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
    new_head: Callable[..., FittedHead],
    standardization: Standardization,
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
    weights : list of ndarray
        For standardised rows.

    new_head : callable
        Makes a `FittedHead` of weights, and of a standardization if they want one.

    standardization : Standardization
        Of the rows. The loop's weights take it over in the end; the Keras model that
        callbacks see and save has a layer for it, so that it takes rows as they are.

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
    some_rows = training.X[: settings.batch_size]
    own = [] if tasks is None else [TaskReporter(tasks)]
    if callbacks:
        from skresnet.head.keras_fit import fit_by_keras

        head = new_head(weights, standardization if settings.standardize else None)
        best = BestWeights(settings, lambda weights: head)
        rows = settings, training, validation, seeds.order, seeds.dropout
        model = head.model
        layers = model.get_config()["layers"]
        history = fit_by_keras(model, *rows, [best, *own], callbacks)
        changed = model.get_config()["layers"] != layers
        head.keep(best.weights or weights, model if changed else None)
        outputs = head.probabilities(some_rows)
    else:
        best = BestWeights(settings, lambda w: new_head(standardization.folded(w)))
        training = standardization.applied(training)
        validation = validation and standardization.applied(validation)
        rows = settings, training, validation, seeds.order, seeds.dropout
        head = new_head(weights)
        with LOOPS.borrow(head.architecture, settings) as loop:
            history = loop.fit(weights, *rows, [best, *own])
            head.keep(standardization.folded(best.weights or weights))
            outputs = loop.probabilities(head.weights, some_rows)
    if best.epoch is None:
        raise _diverged(settings)
    _check_finite(outputs, settings)
    return Result(head, history, best.epoch)


def refit(
    settings: ClassifierSettings,
    seeds: Seeds,
    weights: list[np.ndarray],
    new_head: Callable[..., FittedHead],
    standardization: Standardization,
    rows: Rows,
    epochs: int,
) -> FittedHead:
    """Train from ``weights`` on ``rows``, for as many epochs as were best before.

    More rows make the network better, and how long to train is known by now
    (Goodfellow, Bengio and Courville, "Deep Learning", 2016, algorithm 7.2).

    Raises
    ------
    ValueError
        If the training went to infinity or NaN.

    OSError
        If ``checkpoint_path`` cannot be written.
    """
    settings = replace(settings, epochs=epochs, verbose=0)
    some_rows = rows.X[: settings.batch_size]
    rows = standardization.applied(rows)
    head = new_head(weights)
    with LOOPS.borrow(head.architecture, settings) as loop:
        loop.fit(weights, settings, rows, None, seeds.order, seeds.dropout, [])
        head.keep(standardization.folded(loop.get_weights()))
        _check_finite(loop.probabilities(head.weights, some_rows), settings)
    if settings.checkpoint_path is not None:
        write_checkpoint(head, settings.checkpoint_path)
    return head


def _check_finite(outputs: np.ndarray, settings: ClassifierSettings) -> None:
    # Weights may still be finite and so large that what they give is not.
    if not np.isfinite(outputs).all():
        raise _diverged(settings)


def _diverged(settings: ClassifierSettings) -> ValueError:
    return ValueError(
        "Training diverged: the loss became infinite or NaN with "
        f"learning_rate={settings.learning_rate!r} and "
        f"momentum={settings.momentum!r}. Use a smaller learning_rate"
        f"{'' if settings.standardize else ', or standardize=True'}."
    )

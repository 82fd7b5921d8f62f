"""Training the head: to the best epoch, and then as long on all rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from skresnet.head.blocks import Rows
from skresnet.head.callbacks import (
    BestWeights,
    EpochTasks,
    TaskReporter,
    epochs_shown,
    write_checkpoint,
)
from skresnet.head.loop import LOOPS
from skresnet.head.network import (
    Architecture,
    FittedHead,
    Standardization,
    initial_weights,
)
from skresnet.head.rows import FitRequest
from skresnet.progress import leave_line
from skresnet.text import counted
from skresnet.validation import ClassifierSettings

_LARGEST_SEED: Final = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind."""

    head: FittedHead
    standardization: Standardization
    history: dict[str, list[float]]
    best_epoch: int
    best_score: float


def train(
    request: FitRequest,
    training: Rows,
    validation: Rows | None,
    random_state: np.random.RandomState,
    *,
    earlier: FittedHead | None = None,
    standardization: Standardization | None = None,
    everything: Callable[[], Rows] | None = None,
    callbacks: Mapping[str, Any] = MappingProxyType({}),
    tasks: EpochTasks | None = None,
) -> Trained:
    """Train to the best epoch and then, if there is more to train on, as long on that.

    Parameters
    ----------
    request : FitRequest
        The settings and the classes.

    training : Rows
        The rows to train on.

    validation : Rows or None
        The rows that decide the best epoch; None lets the training rows decide.

    random_state : RandomState
        Draws the initial weights, the order of the rows and the dropout.

    earlier : FittedHead, default=None
        Whose weights the training goes on from; None draws new ones.

    standardization : Standardization, default=None
        Of the rows; None measures it.

    everything : callable, default=None
        Gives all rows, on which the network is then trained anew if the settings say
        so. Not with callbacks: what they did to the first training could not be done
        again.

    callbacks : dict, default={}
        The user's, as the arguments ``callbacks`` and ``callbacks__...`` of scikeras.

    tasks : EpochTasks, default=None
        Told of each epoch of the first training; may stop it.

    Raises
    ------
    ValueError
        If the training went to infinity or NaN, so that no epoch has usable weights.

    OSError
        If ``checkpoint_path`` cannot be written, for instance on a full disk.
    """
    settings = request.settings
    if validation is None:
        monitor = settings.monitor.removeprefix("val_")
        settings = replace(settings, monitor=monitor)
    init_seed, dropout_seed = random_state.randint(_LARGEST_SEED, size=2)
    architecture = Architecture(
        training.X.shape[1],
        settings.hidden_layer_sizes,
        settings.activation,
        settings.dropout,
        request.classes.size,
    )
    first = (
        initial_weights(architecture, init_seed)
        if earlier is None
        else earlier.folded_weights()
    )
    run = _Run(settings, architecture, random_state, int(dropout_seed))

    def start(standardization: Standardization) -> list[np.ndarray]:
        return first if earlier is None else standardization.unfolded(first)

    kept = standardization or Standardization.of(training, settings)
    rows = start(kept), kept, training, validation
    if callbacks:
        head, history, best = run.by_keras(*rows, callbacks, tasks)
    else:
        head, history, best = run.by_loop(*rows, tasks)
    if best.epoch is None:
        raise _diverged(settings)
    score = history[settings.monitor][best.epoch]
    if settings.refit and everything is not None and not callbacks:
        all_rows = everything()
        kept = Standardization.of(all_rows, settings)
        head = run.again(start(kept), kept, all_rows, best.epoch + 1)
    if settings.verbose == 1:
        leave_line(
            f"{counted(len(history['loss']), 'epoch')}: the best is epoch "
            f"{best.epoch + 1}, with {settings.monitor} {score:.4f}."
        )
    return Trained(head, kept, history, best.epoch, score)


@dataclass(frozen=True)
class _Run:
    """The ways to train one network; they compute the same."""

    settings: ClassifierSettings
    architecture: Architecture
    order: np.random.RandomState
    dropout_seed: int

    def by_loop(
        self,
        weights: list[np.ndarray],
        standardization: Standardization,
        training: Rows,
        validation: Rows | None,
        tasks: EpochTasks | None,
    ) -> tuple[FittedHead, dict[str, list[float]], BestWeights]:
        """Train in the compiled loop, from weights for standardised rows."""
        fitted = self._folded(standardization)
        best = BestWeights(self.settings, fitted)
        own = [best] if tasks is None else [best, TaskReporter(tasks, fitted)]
        with (
            LOOPS.borrow(self.architecture, self.settings) as loop,
            epochs_shown(self.settings) as shown,
        ):
            history = loop.fit(
                weights,
                self.settings,
                standardization.applied(training),
                validation and standardization.applied(validation),
                self.order,
                self.dropout_seed,
                [*own, *shown],
            )
            head = fitted(best.weights or weights)
            outputs = loop.probabilities(head.weights, self._some(training))
        if best.epoch is not None:
            _check_finite(outputs, self.settings)
        return head, history, best

    def by_keras(
        self,
        weights: list[np.ndarray],
        standardization: Standardization,
        training: Rows,
        validation: Rows | None,
        callbacks: Mapping[str, Any],
        tasks: EpochTasks | None,
    ) -> tuple[FittedHead, dict[str, list[float]], BestWeights]:
        """Train in Keras, of which callbacks may change whatever they like.

        A layer standardises, so that the model they see takes rows as they are.
        """
        from skresnet.head.keras_fit import fit_by_keras

        layer = standardization if self.settings.standardize else None
        head = self._head(weights, layer)
        best = BestWeights(self.settings, lambda weights: head)
        own: list[Any] = [best]
        if tasks is not None:
            own.append(TaskReporter(tasks, self._folded(standardization)))
        with epochs_shown(self.settings) as shown:
            history = fit_by_keras(
                head.model,
                self.settings,
                training,
                validation,
                self.order,
                self.dropout_seed,
                [*own, *shown],
                callbacks,
            )
        head.keep(best.weights or weights)
        if best.epoch is not None:
            _check_finite(head.probabilities(self._some(training)), self.settings)
        return head, history, best

    def again(
        self,
        weights: list[np.ndarray],
        standardization: Standardization,
        rows: Rows,
        epochs: int,
    ) -> FittedHead:
        """Train on all rows, for as many epochs as were best before.

        More rows make the network better, and how long to train is known by now
        (Goodfellow, Bengio and Courville, "Deep Learning", 2016, algorithm 7.2).
        """
        # It adds nothing to the history, and no lines to those of its epochs.
        verbose = int(self.settings.verbose == 1)
        settings = replace(self.settings, epochs=epochs, verbose=verbose)
        standardised = standardization.applied(rows)
        with (
            LOOPS.borrow(self.architecture, settings) as loop,
            epochs_shown(settings, "again") as shown,
        ):
            loop.fit(
                weights,
                settings,
                standardised,
                None,
                self.order,
                self.dropout_seed,
                shown,
            )
            head = self._head(standardization.folded(loop.get_weights()))
            outputs = loop.probabilities(head.weights, self._some(rows))
            _check_finite(outputs, settings)
        if settings.checkpoint_path is not None:
            write_checkpoint(head, settings.checkpoint_path)
        return head

    def _head(
        self,
        weights: list[np.ndarray],
        standardization: Standardization | None = None,
    ) -> FittedHead:
        return FittedHead(
            self.architecture, weights, self.settings.sgd, standardization
        )

    def _folded(
        self, standardization: Standardization
    ) -> Callable[[list[np.ndarray]], FittedHead]:
        return lambda weights: self._head(standardization.folded(weights))

    def _some(self, rows: Rows) -> np.ndarray:
        return np.asarray(rows.X[: self.settings.batch_size])


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

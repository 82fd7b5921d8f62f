"""Keras callbacks of a training run: order, the best epoch, its file, and news."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from skresnet.head.blocks import Rows
from skresnet.head.network import FittedHead
from skresnet.head.rows import FitRequest
from skresnet.progress import Bar
from skresnet.validation import ClassifierSettings

_OF_TRAINING, _OF_VALIDATION = ("loss", "accuracy"), ("val_loss", "val_accuracy")

# That of tqdm without epochs a second, in whose place loss and accuracy fit in a line.
_BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the best epoch, and ends the training when none follows.

    Of epochs with equal accuracy, the one with the least loss is the best: on few
    validation rows many are equal, and the first of them is the least trained. Of
    those that are equal in both, it is the first.

    Attributes
    ----------
    epoch : int or None
        The best epoch; None as long as the monitored number was never finite.

    weights : list of ndarray
        Its weights.
    """

    def __init__(
        self,
        settings: ClassifierSettings,
        new_head: Callable[[list[np.ndarray]], FittedHead],
    ) -> None:
        super().__init__()
        self.epoch: int | None = None
        self.weights: list[np.ndarray] = []
        self._monitor = settings.monitor
        self._sign = -1.0 if settings.mode == "min" else 1.0
        self._best = (-np.inf, -np.inf)
        self._loss = settings.monitor.replace("accuracy", "loss")
        self._patience = settings.patience
        self._path = settings.checkpoint_path
        self._new_head = new_head

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare the epoch with the best one so far."""
        if self._monitor not in logs:
            raise ValueError(
                f"monitor={self._monitor!r} is not among what the epochs report, "
                f"{sorted(logs)}, since a callback compiled the model without it. "
                "Compile it with weighted_metrics=['accuracy'], or monitor a loss."
            )
        values = self._sign * logs[self._monitor], -logs.get(self._loss, 0.0)
        if values > self._best and np.isfinite(values).all():
            self.epoch, self._best = epoch, values
            self.weights = self.model.get_weights()
            if self._path is not None:
                write_checkpoint(self._new_head(self.weights), self._path)
        elif self._patience is not None:
            waited = epoch - (-1 if self.epoch is None else self.epoch)
            if waited >= self._patience:
                self.model.stop_training = True


def write_checkpoint(head: FittedHead, path: str) -> None:
    """Write the weights of a network, or say which folder does not let it.

    Raises
    ------
    OSError
        If they cannot be written.
    """
    try:
        head.model.save_weights(path)
    except (OSError, RuntimeError) as error:  # h5py raises either
        number = getattr(error, "errno", None)
        cause = os.strerror(number) if number else str(error)
        folder, name = os.path.split(path)
        raise OSError(
            f"The weights of the best epoch cannot be written to the folder "
            f"{folder!r} ({cause}), and {name!r} in it is incomplete. Make room "
            "there, or choose another folder by checkpoint_path."
        ) from error


class EpochTasks:
    """Tells scikit-learn's callbacks of each epoch's beginning and end.

    Parameters
    ----------
    estimator : estimator
        The classifier that is being fitted.

    context : sklearn.callback.CallbackContext
        The context of its call of fit.

    request : FitRequest
        What that call asks for.

    training : Rows
        The rows that train.
    """

    def __init__(
        self, estimator: Any, context: Any, request: FitRequest, training: Rows
    ) -> None:
        self._estimator = estimator
        self._context = context
        y = request.classes[training.codes]
        self._data: dict[str, Any] = {"X": training.X, "y": y}
        if request.weights is not None:
            self._data["metadata"] = {"sample_weight": training.weights}
        self._epoch: Any = None

    def begin(self) -> None:
        """Begin the task of an epoch."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end(self, fitted: Callable[[], FittedHead]) -> bool:
        """End the task of an epoch; a true answer asks to stop training.

        With what ``fitted`` gives, a copy of the estimator is a fitted one.
        """
        return bool(
            self._epoch.call_on_fit_task_end(
                estimator=self._estimator,
                reconstruction_attributes=lambda: {"_head": fitted()},
                **self._data,
            )
        )


class TaskReporter(keras.callbacks.Callback):
    """Hands Keras' news of an epoch to scikit-learn's callbacks."""

    def __init__(
        self, tasks: EpochTasks, new_head: Callable[[list[np.ndarray]], FittedHead]
    ) -> None:
        super().__init__()
        self._tasks = tasks
        self._new_head = new_head

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin the task of the epoch."""
        self._tasks.begin()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """End it, and stop training if a callback asks for that."""
        if self._tasks.end(lambda: self._new_head(self.model.get_weights())):
            self.model.stop_training = True


@contextmanager
def epochs_shown(
    settings: ClassifierSettings, title: str | None = None
) -> Iterator[list[keras.callbacks.Callback]]:
    """Give what shows the epochs as ``verbose`` asks: a bar, or a line each.

    The bar goes in the end, also where the training fails.
    """
    if settings.verbose != 1:
        yield [_EpochLines(settings.epochs)] if settings.verbose else []
        return
    with Bar(total=settings.epochs, desc=title, bar_format=_BAR, leave=False) as bar:
        yield [_EpochBar(bar)]


class _EpochBar(keras.callbacks.Callback):
    """Moves a bar, beside which the last loss and accuracy are."""

    def __init__(self, bar: Bar) -> None:
        super().__init__()
        self._bar = bar

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Show how far the training is, by the validation rows where there are any."""
        numbers = _written(logs, _OF_VALIDATION) or _written(logs, _OF_TRAINING)
        self._bar.set_postfix_str(numbers, refresh=False)
        self._bar.update()


class _EpochLines(keras.callbacks.Callback):
    """Prints a line an epoch."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Print the numbers of the epoch."""
        numbers = _written(logs, _OF_TRAINING + _OF_VALIDATION)
        print(f"Epoch {epoch + 1} of {self._epochs}: {numbers}")


def _written(logs: Mapping[str, float], names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {logs[name]:.4f}" for name in names if name in logs)

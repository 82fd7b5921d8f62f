"""Training by Keras itself, through scikeras: for callbacks, which may do anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from logging import LogRecord
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scikeras.wrappers import KerasClassifier
from sklearn.preprocessing import FunctionTransformer

from skresnet.head.blocks import Rows, parts, shuffled
from skresnet.head.loop import VALIDATION_ROWS
from skresnet.head.network import dropout_seeds
from skresnet.lazy import DaskArray
from skresnet.validation import ClassifierSettings


def fit_by_keras(
    model: keras.Sequential,
    settings: ClassifierSettings,
    training: Rows,
    validation: Rows | None,
    order: np.random.RandomState,
    dropout_seed: int,
    own: list[keras.callbacks.Callback],
    callbacks: Mapping[str, Any],
) -> dict[str, list[float]]:
    """Train a compiled model as `EpochLoop.fit` does; return the history.

    Parameters
    ----------
    own : list of keras.callbacks.Callback
        Come after those of the user.

    callbacks : dict
        Those, as the arguments ``callbacks`` and ``callbacks__...`` of scikeras.
        Instances are used themselves, and let go of the model in the end, so that
        they can be pickled and copied.
    """
    dropouts = [layer for layer in model.layers if hasattr(layer, "seed_generator")]
    seeds = dropout_seeds(settings.dropout, dropout_seed)
    for layer, seed in zip(dropouts, seeds, strict=True):
        layer.seed_generator.state.assign([seed, 0])
    history = keras.callbacks.History()  # which one of the user's would go on from
    n_classes = model.output_shape[-1]
    trainer = _Trainer(
        model,
        batches=_batches(training, n_classes, settings.batch_size, order),
        validation_batches=validation
        and _batches(validation, n_classes, VALIDATION_ROWS),
        epochs=settings.epochs,
        fit__callbacks=[_Recompiled(), *own, history],
        **callbacks,
    )
    logger = tf.get_logger()
    logger.addFilter(_is_no_retracing)
    try:
        with _without_limits():
            if isinstance(training.X, DaskArray):
                # It looks at the shape and the kind alone, and would compute them.
                some = np.zeros((n_classes, training.X.shape[1]), np.float32)
                trainer.fit(some, np.arange(n_classes, dtype=np.int32))
            else:
                trainer.fit(training.X, training.codes)
    finally:
        logger.removeFilter(_is_no_retracing)
        for callback in keras.tree.flatten(getattr(trainer, "_fit_callbacks", [])):
            keras.callbacks.Callback.set_model(callback, None)
    return history.history


@contextmanager
def _without_limits() -> Iterator[None]:
    """Let Keras train every epoch and step, whatever its configuration allows."""
    epochs, steps = keras.config.max_epochs(), keras.config.max_steps_per_epoch()
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
    try:
        yield
    finally:
        keras.config.set_max_epochs(epochs)
        keras.config.set_max_steps_per_epoch(steps)


def _is_no_retracing(record: LogRecord) -> bool:
    """Tell a warning that many models were made, which is what searches do."""
    return "retracing" not in record.getMessage()


class _Trainer(KerasClassifier):
    """A `KerasClassifier` that goes over its rows in our order.

    scikeras makes the callbacks from any of their forms. Nothing is seeded here: it
    would set the global seeds of Python, NumPy and TensorFlow, ours are in the layers.
    """

    def __init__(
        self,
        model: keras.Sequential,
        *,
        batches: keras.utils.PyDataset,
        validation_batches: keras.utils.PyDataset | None,
        epochs: int,
        fit__callbacks: list[keras.callbacks.Callback],
        callbacks: Any = None,
        **routed: Any,
    ) -> None:
        super().__init__(
            model,
            loss=model.loss,
            epochs=epochs,
            callbacks=callbacks,
            fit__callbacks=fit__callbacks,
            **routed,
        )
        self.batches = batches
        self.validation_batches = validation_batches

    @property
    def target_encoder(self) -> FunctionTransformer:
        """Leave y as it is: codes, of which the training rows may lack some."""
        return FunctionTransformer().set_output(transform="default")

    def _fit_keras_model(self, *args: Any, **kwargs: Any) -> None:
        self.model_.fit(
            self.batches,
            epochs=self.epochs,
            verbose=0,  # one of our callbacks shows the epochs
            shuffle=False,  # the batches do it
            callbacks=self._fit_callbacks,
            validation_data=self.validation_batches,
        )


class _RowBatches(keras.utils.PyDataset):
    """Rows in batches, their labels one-hot; ``order`` draws which come first."""

    def __init__(
        self,
        rows: Rows,
        n_classes: int,
        batch_size: int,
        order: np.random.RandomState | None = None,
    ) -> None:
        super().__init__()
        self._rows = rows
        self._n_classes = n_classes
        self._batch_size = batch_size
        self._random_state = order

    def __len__(self) -> int:
        return -(-self._rows.codes.size // self._batch_size)

    def _one_hot(self, rows: Rows) -> tuple[np.ndarray, ...]:
        codes = keras.utils.to_categorical(rows.codes, self._n_classes)
        return rows.X, codes, rows.weights


class _Batches(_RowBatches):
    """Batches of rows in memory, in an order drawn for each epoch."""

    def __init__(self, rows: Rows, *settings: Any) -> None:
        super().__init__(rows, *settings)
        self._order = np.arange(rows.codes.size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        start = index * self._batch_size
        rows = self._order[start : start + self._batch_size]
        return self._one_hot(Rows(*(part[rows] for part in self._rows)))

    def on_epoch_begin(self) -> None:
        """Draw the order."""
        if self._random_state is not None:
            self._order = self._random_state.permutation(self._order.size)


class _LazyBatches(_RowBatches):
    """Batches of rows of blocks; of validation rows, a batch is a block.

    Keras asks for one after another, after it has looked at the first ones.
    """

    def __init__(self, rows: Rows, *settings: Any) -> None:
        super().__init__(rows, *settings)
        self._given: Iterator[Rows] = iter(())
        self._n_given = len(self)

    def __len__(self) -> int:
        if self._random_state is None:
            return len(self._rows.X.chunks[0])
        return super().__len__()

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        if index < self._n_given:
            self._n_given = 0
            self._given = iter(())  # frees the buffer before there is another one
            self._given = (
                parts(self._rows)
                if self._random_state is None
                else shuffled(self._rows, self._random_state, self._batch_size)
            )
        while self._n_given <= index:
            rows = next(self._given)
            self._n_given += 1
        return self._one_hot(rows)


def _batches(rows: Rows, *settings: Any) -> keras.utils.PyDataset:
    make = _LazyBatches if isinstance(rows.X, DaskArray) else _Batches
    return make(rows, *settings)


class _Recompiled(keras.callbacks.Callback):
    """Makes the training function anew where a callback compiled the model anew.

    ``Model.fit`` makes it once, before the first epoch, and fails without.
    """

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Make it, unless there is one."""
        self.model.make_train_function()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Make it, unless there is one."""
        self.model.make_train_function()

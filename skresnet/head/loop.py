"""The compiled training loop, and the models that keep it between fits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from skresnet.forks import claim_tensorflow
from skresnet.head.network import Architecture, compile_head, layers

# Rows that one call of the compiled loop goes over. Large enough for the cost of a
# call to vanish, small enough for Ctrl-C, which Python hears between calls.
ROWS_PER_CALL = 4096

VALIDATION_ROWS = 1024  # at once: their activations lie in memory

# Idle models kept for the next fit, the oldest leaving first. At the default size
# one holds 1.2 million weights, 5 MB.
MAX_IDLE = 4

_CALL = tf.TensorSpec([], tf.int64)  # what `Dataset.range` holds


class EpochLoop(keras.Sequential):
    """A Sequential that trains and validates on rows which it holds, in the graph.

    Keras' own steps stay what they are, gradient for gradient; they are only called
    from a loop inside the graph rather than from Python, and get their rows from
    variables rather than from an iterator, whose making costs in each epoch.
    ``Model.fit`` gets numbers of calls instead of data; given data, by a callback
    for instance, the model does what any Sequential does.
    """

    train_function: Any
    test_function: Any

    def __init__(self, architecture: Architecture, batch_size: int) -> None:
        super().__init__(layers(architecture), name="dense_head")
        self._batch_size = batch_size
        self._rows_per_call = batch_size * max(1, ROWS_PER_CALL // batch_size)
        # Of any length, so that no number of rows has its own graph.
        X, y = (architecture.n_features,), (architecture.n_classes,)
        self._training = [_rows(X), _rows(y), _rows(())]
        self._validation = [_rows(X), _rows(y)]
        self._order = tf.Variable([0], shape=[None], trainable=False)
        self._done = tf.Variable(0, trainable=False)

    @contextmanager
    def holding(
        self,
        rows: tuple[np.ndarray, np.ndarray, np.ndarray],
        validation_rows: tuple[np.ndarray, np.ndarray] | None,
    ) -> Iterator[None]:
        """Hold the rows of a fit: X, one-hot y and weights; X and y to validate."""
        held = [*zip(self._training, rows, strict=True)]
        if validation_rows is not None:
            held += zip(self._validation, validation_rows, strict=True)
        try:
            for variable, array in held:
                variable.assign(array)
            yield
        finally:
            for variable, _ in held:
                variable.assign(_empty(variable.shape[1:]))

    def training_calls(self, n_rows: int) -> tf.data.Dataset:
        """Make what `Model.fit` counts in an epoch over that many rows."""
        return _calls(-(-n_rows // self._rows_per_call))

    def validation_calls(self) -> tf.data.Dataset | None:
        """Make what it counts to validate, None where no rows are held for that."""
        n_rows = tf.shape(self._validation[0])[0]
        return _calls(1) if n_rows > 0 else None

    def begin_epoch(self, order: np.ndarray) -> None:
        """Take the rows of the coming calls in this order."""
        self._order.assign(order.astype(np.int32))
        self._done.assign(0)

    def make_train_function(self, force: bool = False) -> None:
        """Make the function that Keras calls for each part of an epoch."""
        if self.train_function is None or force:
            super().make_train_function(force)
            self.train_function = _unless_data(self._train, self.train_function)

    def make_test_function(self, force: bool = False) -> None:
        """Make the function that Keras calls to validate."""
        if self.test_function is None or force:
            super().make_test_function(force)
            self.test_function = _unless_data(self._validate, self.test_function)

    def _train(self) -> Any:
        """Take one gradient step for each ``batch_size`` rows, in the epoch's order."""
        order = self._order.read_value()
        start = self._done.read_value()
        end = tf.minimum(start + self._rows_per_call, tf.size(order))

        def step(first: tf.Tensor) -> tuple[tf.Tensor]:
            rows = order[first : tf.minimum(first + self._batch_size, end)]
            self.train_step(tuple(tf.gather(held, rows) for held in self._training))
            return (first + self._batch_size,)

        tf.while_loop(lambda first: first < end, step, (start,))
        self._done.assign(end)
        return self.get_metrics_result()

    def _validate(self) -> Any:
        """Measure the validation rows in few large batches."""
        X, y = (held.read_value() for held in self._validation)

        def step(first: tf.Tensor) -> tuple[tf.Tensor]:
            last = first + VALIDATION_ROWS
            self.test_step((X[first:last], y[first:last]))
            return (last,)

        tf.while_loop(lambda first: first < tf.shape(X)[0], step, (0,))
        return self.get_metrics_result()

    def reset(
        self, weights: list[np.ndarray], *, learning_rate: float, seed: int
    ) -> None:
        """Forget what earlier fits left: weights, optimizer state, dropout masks."""
        self.set_weights(weights)
        for variable in self.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        self.optimizer.learning_rate = learning_rate
        for index, layer in enumerate(self.layers):
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign(
                    np.array([seed + index, 0], layer.seed_generator.state.dtype)
                )
        self.stop_training = False


def _rows(shape: tuple[int, ...]) -> tf.Variable:
    return tf.Variable(_empty(shape), shape=[None, *shape], trainable=False)


def _empty(shape: Iterable[int]) -> np.ndarray:
    return np.zeros((0, *shape), np.float32)


def _calls(n: int) -> tf.data.Dataset:
    return tf.data.Dataset.range(n)


def _unless_data(function: Callable[[], Any], with_data: Any) -> Callable[[Any], Any]:
    """Compile a function, and leave those who bring data to Keras' own."""
    compiled = tf.function(function, autograph=False)

    def called(iterator: Any) -> Any:
        if iterator.element_spec == _CALL:
            return compiled()
        return with_data(iterator)

    return called


class LoopPool:
    """Compiled loops that wait for the next fit of the same architecture.

    TensorFlow traces a training function once a model, for about as long as a
    small fit takes. A grid search fits the same architecture many times, so a
    fit borrows a model here and gives it back. No two fits share one at a time.
    """

    def __init__(self) -> None:
        self._idle: OrderedDict[int, tuple[Any, EpochLoop]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def borrow(
        self,
        architecture: Architecture,
        *,
        batch_size: int,
        momentum: float,
        nesterov: bool,
    ) -> Iterator[EpochLoop]:
        """Lend a loop; one whose fit failed is not taken back."""
        claim_tensorflow()
        key = (architecture, batch_size, momentum, nesterov)
        loop = self._take(key)
        if loop is None:
            loop = EpochLoop(architecture, batch_size)
            compile_head(loop, learning_rate=0.01, momentum=momentum, nesterov=nesterov)
            loop.optimizer.build(loop.trainable_variables)
        yield loop
        with self._lock:
            self._idle[id(loop)] = (key, loop)
            while len(self._idle) > MAX_IDLE:
                self._idle.popitem(last=False)

    def _take(self, key: Any) -> EpochLoop | None:
        with self._lock:
            for name, (idle_key, loop) in self._idle.items():
                if idle_key == key:
                    del self._idle[name]
                    return loop
        return None


LOOPS = LoopPool()

"""The compiled training loop, and those that wait for the next fit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from skresnet.forks import claim_tensorflow
from skresnet.head.blocks import Rows, parts, shuffled
from skresnet.head.network import Architecture, dropout_seeds, logits, weight_shapes
from skresnet.lazy import DaskArray
from skresnet.validation import ClassifierSettings

# Rows that one call of the compiled loop goes over. Large enough for the cost of a
# call to vanish, small enough for Ctrl-C, which Python hears between calls.
ROWS_PER_CALL = 4096

VALIDATION_ROWS = 1024  # at once: their activations lie in memory

# Idle loops kept for the next fit, the oldest leaving first. At the default size
# one holds 1.2 million weights, 5 MB.
MAX_IDLE = 4

_FLOAT, _INT = tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)
_FLOATS, _INTS = tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.int32)


class EpochLoop:
    """Trains one network, in a graph that goes over thousands of rows a call.

    It computes what Keras' ``Model.fit`` does with the layers of the same
    architecture, number for number. Whatever is a number, from the learning rate to
    the rows, is an input of the graph, so that nothing is traced anew for another
    one; nothing of Keras' global state is in it, and no callback of a user sees it.

    Our own callbacks take it for a Keras model: it has ``get_weights`` and
    ``stop_training``.

    Parameters
    ----------
    architecture : Architecture
        Its dropout rates matter only as far as they are above 0.

    momentum, nesterov, decays : bool
        Whether there is a momentum, whether it is Nesterov's, and whether weights
        decay.
    """

    def __init__(
        self,
        architecture: Architecture,
        momentum: bool,
        nesterov: bool,
        decays: bool,
    ) -> None:
        shapes = weight_shapes(architecture)
        self.stop_training = False
        self._activation = keras.activations.get(architecture.activation)
        rates = architecture.dropout
        self._dropping = [layer for layer, rate in enumerate(rates) if rate > 0]
        self._nesterov = nesterov
        self._decays = decays
        self._weights = [_zeros(shape) for shape in shapes]
        self._velocities = [_zeros(shape) for shape in shapes if momentum]
        X = tf.TensorSpec([None, architecture.n_features], tf.float32)
        rows = [X, _INTS, _FLOATS]
        # Functions that are not concrete would warn of being traced often.
        inputs = [_FLOATS, *rows, _INTS, _INT, _INT, _FLOAT, _FLOAT, _FLOAT]
        self._train = tf.function(
            self._train_on, [*inputs, _INTS, _FLOATS, _FLOATS], autograph=False
        ).get_concrete_function()
        self._measure = tf.function(
            self._measure_on, rows, autograph=False
        ).get_concrete_function()

    def get_weights(self) -> list[np.ndarray]:
        """Copy the weights."""
        return [weight.numpy().copy() for weight in self._weights]

    def fit(
        self,
        weights: list[np.ndarray],
        settings: ClassifierSettings,
        training: Rows,
        validation: Rows | None,
        random_state: np.random.RandomState,
        dropout_seed: int,
        callbacks: list[keras.callbacks.Callback],
    ) -> dict[str, list[float]]:
        """Train from ``weights``; return what `keras.callbacks.History` would.

        Parameters
        ----------
        random_state : RandomState
            Draws the order of the rows of each epoch.

        dropout_seed : int
            Decides the units that are dropped.

        callbacks : list of keras.callbacks.Callback
            Told of epochs and of calls of the graph.
        """
        self._set_weights(weights)
        for velocity in self._velocities:
            velocity.assign(tf.zeros_like(velocity))
        self.stop_training = False
        batch_size = settings.batch_size
        rows_per_call = batch_size * max(1, ROWS_PER_CALL // batch_size)
        history = keras.callbacks.History()
        told = keras.callbacks.CallbackList([*callbacks, history], model=self)
        epoch_calls = _calls(training, random_state, rows_per_call)
        held_out = validation and _held_out(validation)
        seeds = np.array(dropout_seeds(settings.dropout, dropout_seed), np.int32)
        rates = np.array([rate for rate in settings.dropout if rate > 0])
        numbers = (
            settings.learning_rate,
            settings.momentum,
            settings.learning_rate * settings.weight_decay,
            seeds,
            rates.astype(np.float32),
            (1 / (1 - rates)).astype(np.float32),
        )
        step = 0
        told.on_train_begin()
        for epoch in range(settings.epochs):
            told.on_epoch_begin(epoch)
            sums = np.zeros(4, np.float32)
            for call, (data, order) in enumerate(epoch_calls()):
                told.on_train_batch_begin(call)
                sums = self._train(sums, *data, order, batch_size, step, *numbers)
                step += -(-order.size // batch_size)
                told.on_train_batch_end(call, _means(sums))
            logs = _means(sums)
            if held_out is not None:
                means = _means(sum(self._measure(*part) for part in held_out()))
                logs |= {f"val_{name}": mean for name, mean in means.items()}
            told.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        told.on_train_end(logs)
        for callback in told.callbacks:
            callback.set_model(None)  # or only a garbage collection would free them
        return history.history

    def probabilities(self, weights: list[np.ndarray], X: np.ndarray) -> np.ndarray:
        """Compute the class probabilities with other weights."""
        self._set_weights(weights)
        return np.asarray(tf.nn.softmax(logits(X, self._weights, self._activation)))

    def _set_weights(self, weights: list[np.ndarray]) -> None:
        for variable, value in zip(self._weights, weights, strict=True):
            variable.assign(value)

    def _train_on(
        self,
        sums: tf.Tensor,
        X: tf.Tensor,
        codes: tf.Tensor,
        weights: tf.Tensor,
        order: tf.Tensor,
        batch_size: tf.Tensor,
        step: tf.Tensor,
        learning_rate: tf.Tensor,
        momentum: tf.Tensor,
        decay: tf.Tensor,
        seeds: tf.Tensor,
        rates: tf.Tensor,
        scales: tf.Tensor,
    ) -> tf.Tensor:
        """Take one gradient step for each ``batch_size`` rows, in this order."""

        def batch(first: tf.Tensor, step: tf.Tensor, sums: tf.Tensor) -> Any:
            rows = order[first : first + batch_size]
            x, y, w = (tf.gather(part, rows) for part in (X, codes, weights))

            def dropped(x: tf.Tensor, layer: int) -> tf.Tensor:
                if layer not in self._dropping:
                    return x
                index = self._dropping.index(layer)
                seed = tf.stack([seeds[index], step])
                numbers = tf.random.stateless_uniform(tf.shape(x), seed)
                return tf.where(numbers >= rates[index], x * scales[index], 0.0)

            with tf.GradientTape() as tape:
                z = logits(x, self._weights, self._activation, dropped)
                loss = _loss(z, y, w)
            for index, gradient in enumerate(tape.gradient(loss, self._weights)):
                if self._decays:
                    self._weights[index].assign_sub(self._weights[index] * decay)
                self._descend(index, gradient * learning_rate, momentum)
            return first + batch_size, step + 1, sums + _sums(loss, z, y, w)

        def more(first: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            return first < tf.size(order)

        return tf.while_loop(more, batch, (0, step, sums), parallel_iterations=1)[-1]

    def _measure_on(self, X: tf.Tensor, codes: tf.Tensor, weights: tf.Tensor) -> Any:
        """Measure rows in few large batches."""

        def batch(first: tf.Tensor, sums: tf.Tensor) -> Any:
            end = first + VALIDATION_ROWS
            y, w = codes[first:end], weights[first:end]
            z = logits(X[first:end], self._weights, self._activation)
            return end, sums + _sums(_loss(z, y, w), z, y, w)

        def more(first: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            return first < tf.size(codes)

        return tf.while_loop(more, batch, (0, tf.zeros(4)), parallel_iterations=1)[-1]

    def _descend(self, index: int, change: tf.Tensor, momentum: tf.Tensor) -> None:
        """Change a weight as `keras.optimizers.SGD` does."""
        weight = self._weights[index]
        if self._velocities:
            velocity = self._velocities[index]
            velocity.assign(velocity * momentum - change)
            if self._nesterov:
                weight.assign_add(velocity * momentum - change)
            else:
                weight.assign_add(velocity)
        else:
            weight.assign_sub(change)


def _tensors(rows: Rows) -> list[tf.Tensor]:
    return [tf.constant(part) for part in rows]


def _held_out(validation: Rows) -> Callable[[], Iterator[list[tf.Tensor]]]:
    """Give validation rows anew for each epoch; those in memory are copied once."""
    if isinstance(validation.X, DaskArray):
        return lambda: map(_tensors, parts(validation))
    data = _tensors(validation)
    return lambda: iter([data])


def _calls(
    training: Rows, random_state: np.random.RandomState, rows_per_call: int
) -> Callable[[], Iterator[tuple[list[tf.Tensor], np.ndarray]]]:
    """Give rows for each call of the graph in an epoch, and which to take in turn.

    Rows in memory are given whole, since they are copied only once; of others, those
    of the call, in random order already.
    """
    if isinstance(training.X, DaskArray):

        def in_turn() -> Iterator[tuple[list[tf.Tensor], np.ndarray]]:
            for part in shuffled(training, random_state, rows_per_call):
                yield _tensors(part), np.arange(part.codes.size, dtype=np.int32)

        return in_turn
    data = _tensors(training)

    def epoch() -> Iterator[tuple[list[tf.Tensor], np.ndarray]]:
        order = random_state.permutation(training.codes.size).astype(np.int32)
        for start in range(0, order.size, rows_per_call):
            yield data, order[start : start + rows_per_call]

    return epoch


def _zeros(shape: tuple[int, ...]) -> tf.Variable:
    return tf.Variable(np.zeros(shape, np.float32), trainable=True)


def _loss(z: tf.Tensor, codes: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Compute the mean categorical cross-entropy, each row by its weight."""
    # The function around this operation takes others where TensorFlow is told to be
    # deterministic, which rounds otherwise.
    found = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=z, labels=codes)
    return tf.reduce_sum(found.loss * weights) / tf.cast(tf.size(codes), tf.float32)


def _sums(
    loss: tf.Tensor, z: tf.Tensor, codes: tf.Tensor, weights: tf.Tensor
) -> tf.Tensor:
    """Sum up what `_means` divides: loss and rows, right ones and all by weight."""
    n_rows = tf.cast(tf.size(codes), tf.float32)
    found = tf.argmax(tf.nn.softmax(z), axis=1, output_type=tf.int32)
    right = tf.reduce_sum(tf.cast(tf.equal(found, codes), tf.float32) * weights)
    return tf.stack([loss * n_rows, n_rows, right, tf.reduce_sum(weights)])


def _means(sums: Any) -> dict[str, float]:
    loss, n_rows, right, weight = np.asarray(sums)
    return {"accuracy": float(right / weight), "loss": float(loss / n_rows)}


class LoopPool:
    """Loops that wait for the next fit of the same layers.

    TensorFlow traces a loop once, for about as long as a small fit takes. A search
    fits the same layers many times, so a fit borrows a loop here and gives it back.
    No two fits share one at a time.
    """

    def __init__(self) -> None:
        self._idle: OrderedDict[int, tuple[Any, EpochLoop]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def borrow(
        self, architecture: Architecture, settings: ClassifierSettings
    ) -> Iterator[EpochLoop]:
        """Lend a loop; one whose fit failed is not taken back."""
        claim_tensorflow()
        drops = tuple(rate > 0 for rate in architecture.dropout)
        momentum = settings.momentum > 0
        nesterov = momentum and settings.nesterov
        decays = settings.weight_decay > 0
        key = replace(architecture, dropout=drops), momentum, nesterov, decays
        loop = self._take(key)
        if loop is None:
            # In a thread of its own, where no tape, device scope or debugging mode of
            # the caller's gets into a graph that other fits will use.
            with ThreadPoolExecutor(1) as other:
                made = other.submit(EpochLoop, architecture, *key[1:])
                loop = made.result()
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

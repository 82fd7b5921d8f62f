"""The compiled training loop, and the models that keep it between fits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from skresnet.forks import claim_tensorflow
from skresnet.head.architecture import Architecture
from skresnet.head.batches import ROWS_PER_CALL
from skresnet.head.network import compile_head, layers

# Idle models kept for the next fit, the oldest leaving first. At the default size
# one holds 1.2 million weights, 5 MB.
MAX_IDLE = 4


class EpochLoop(keras.Sequential):
    """A Sequential whose training step runs over many batches in the graph.

    Keras' own training step stays what it is, gradient for gradient; it is only
    called from a loop inside the graph rather than from Python.
    """

    def __init__(self, architecture: Architecture, batch_size: int) -> None:
        super().__init__(layers(architecture), name="dense_head")
        self._batch_size = batch_size
        self._rows_per_call = batch_size * max(1, ROWS_PER_CALL // batch_size)
        self._order = tf.Variable([0], shape=[None], trainable=False)
        self._done = tf.Variable(0, trainable=False)

    def calls_per_epoch(self, n_rows: int) -> int:
        """Say in how many calls the loop goes over that many rows."""
        return -(-n_rows // self._rows_per_call)

    def begin_epoch(self, order: np.ndarray) -> None:
        """Take the rows of the coming calls in this order."""
        self._order.assign(order.astype(np.int32))
        self._done.assign(0)

    def train_step(self, data: Any) -> Any:
        """Take one gradient step for each ``batch_size`` rows, in the epoch's order."""
        arrays = keras.utils.unpack_x_y_sample_weight(data)
        order = self._order.read_value()
        start = self._done.read_value()
        end = tf.minimum(start + self._rows_per_call, tf.size(order))
        one_batch = super().train_step

        def step(first: tf.Tensor) -> tuple[tf.Tensor]:
            rows = order[first : tf.minimum(first + self._batch_size, end)]
            one_batch(tuple(tf.gather(array, rows) for array in arrays))
            return (first + self._batch_size,)

        tf.while_loop(lambda first: first < end, step, (start,))
        self._done.assign(end)
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

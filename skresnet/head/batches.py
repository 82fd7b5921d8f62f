"""The training rows as Keras reads them: all of them, once a call of the loop."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Rows that one call of the compiled loop goes over. Large enough for the cost of a
# call to vanish, small enough for Ctrl-C, which Python hears between calls.
ROWS_PER_CALL = 4096


def resident_rows(arrays: tuple[np.ndarray, ...], n_calls: int = 1) -> tf.data.Dataset:
    """Make a dataset that hands out whole arrays, ``n_calls`` times an epoch.

    The arrays lie in memory once and are not copied again, while Keras' own way would
    cut them up and put them together anew in each epoch. Their number of rows is
    hidden from TensorFlow, which would otherwise trace the loop for each.
    """

    @tf.autograph.experimental.do_not_convert  # it would write a file to convert it
    def of_any_length(*tensors: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(
            tf.compat.v1.placeholder_with_default(tensor, [None, *tensor.shape[1:]])
            for tensor in tensors
        )

    options = tf.data.Options()
    # There is nothing to optimise, and it would be tried anew in each epoch.
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    dataset = tf.data.Dataset.from_tensors(tuple(map(tf.constant, arrays)))
    return dataset.map(of_any_length).repeat(n_calls).with_options(options)


class Shuffle(keras.callbacks.Callback):
    """Draws a new order of the rows for each epoch of an `EpochLoop`."""

    def __init__(self, n_rows: int, random_state: np.random.RandomState) -> None:
        super().__init__()
        self._n_rows = n_rows
        self._random_state = random_state

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Hand the order of the coming epoch to the loop."""
        self.model.begin_epoch(self._random_state.permutation(self._n_rows))

"""The training data as Keras reads it: shuffled, many batches at a time."""

from __future__ import annotations

import keras
import numpy as np

# Rows handed to one call of the compiled loop. Large enough for its cost to
# vanish, small enough for Ctrl-C, which Keras hears between calls, to be prompt.
ROWS_PER_CALL = 4096


class ShuffledBatches(keras.utils.PyDataset):
    """Rows in a new random order each epoch, as runs of whole batches.

    Keras asks for an item a step. Here an item holds as many batches as the
    compiled loop of `EpochLoop` takes in one call; that loop cuts it up again.

    Parameters
    ----------
    X, y, sample_weight : ndarray
        The training rows, their one-hot labels and their weights.

    batch_size : int
        Rows of one gradient step.

    random_state : RandomState
        Draws the order of each epoch.
    """

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray,
        *,
        batch_size: int,
        random_state: np.random.RandomState,
    ) -> None:
        super().__init__()
        self._arrays = (X, y, sample_weight)
        self._rows = batch_size * max(1, ROWS_PER_CALL // batch_size)
        self._random_state = random_state
        self._order = np.arange(X.shape[0])

    def __len__(self) -> int:
        return -(-self._order.size // self._rows)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        chosen = self._order[index * self._rows : (index + 1) * self._rows]
        return tuple(array[chosen] for array in self._arrays)

    def on_epoch_begin(self) -> None:
        """Draw the order of the coming epoch."""
        self._order = self._random_state.permutation(self._order.size)

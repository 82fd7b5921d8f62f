"""scikeras' KerasClassifier, fed with many batches a step."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import tensorflow as tf
from scikeras.wrappers import KerasClassifier

from skresnet.head.batches import ShuffledBatches

_VALIDATION_ROWS = 1024


class HeadKerasClassifier(KerasClassifier):
    """A `KerasClassifier` that trains an `EpochLoop` on one-hot labels.

    scikeras checks and converts the data, compiles and initialises the callbacks;
    only the call of ``Model.fit`` is ours, because scikeras hands it arrays and
    the loop reads `ShuffledBatches`. Nothing is seeded here: scikeras would set the
    global seeds of Python, NumPy and TensorFlow, ours are in the layers.
    """

    def __init__(
        self,
        model: Any,
        *,
        shuffle_state: np.random.RandomState,
        validation_data: tuple[np.ndarray, np.ndarray] | None,
        batch_size: int,
        epochs: int,
        verbose: int,
        callbacks: Any,
        fit__callbacks: list[Any],
    ) -> None:
        super().__init__(
            model,
            loss="categorical_crossentropy",
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            fit__callbacks=fit__callbacks,
        )
        self.shuffle_state = shuffle_state
        self.validation_data = validation_data

    def _fit_keras_model(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
        **kwargs: Any,
    ) -> None:
        if sample_weight is None:
            sample_weight = np.ones(X.shape[0], np.float32)
        batches = ShuffledBatches(
            X,
            y,
            sample_weight.astype(np.float32, copy=False),
            batch_size=self.batch_size,
            random_state=self.shuffle_state,
        )
        validation = None
        if self.validation_data is not None:
            # Keras would make of arrays a pipeline that takes longer to start, once
            # an epoch, than a small head takes to train. The mean over all rows is
            # the same for any batch size.
            rows = tf.data.Dataset.from_tensor_slices(self.validation_data)
            validation = rows.batch(_VALIDATION_ROWS)
        history = self.model_.fit(
            batches,
            epochs=epochs,
            verbose=self.verbose,
            callbacks=self._fit_callbacks,
            validation_data=validation,
        )
        self.history_ = defaultdict(list, history.history)

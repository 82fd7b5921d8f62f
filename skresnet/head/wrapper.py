"""scikeras' KerasClassifier, fed with all rows at once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from scikeras.wrappers import KerasClassifier

from skresnet.head.callbacks import Shuffle


class HeadKerasClassifier(KerasClassifier):
    """A `KerasClassifier` that trains an `EpochLoop` on one-hot labels.

    scikeras checks and converts the data, compiles and initialises the callbacks;
    only the call of ``Model.fit`` is ours, because scikeras hands it arrays, of which
    Keras would make batches in Python. Nothing is seeded here: scikeras would set the
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
        rows = X, y, sample_weight.astype(np.float32, copy=False)
        loop = self.model_
        with loop.holding(rows, self.validation_data):
            history = loop.fit(
                loop.training_calls(X.shape[0]),
                epochs=epochs,
                verbose=self.verbose,
                shuffle=False,  # the loop does it
                callbacks=[
                    Shuffle(X.shape[0], self.shuffle_state),
                    *self._fit_callbacks,
                ],
                validation_data=loop.validation_calls(),
            )
        self.history_ = defaultdict(list, history.history)

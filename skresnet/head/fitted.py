"""A trained network: arrays to keep and pickle, a Keras model to run."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from skresnet.forks import claim_tensorflow
from skresnet.head.architecture import Architecture

# Rows of one forward pass. Every pass has exactly this many, the last one filled
# up with zeros: matrix products round differently for different shapes, and a
# picture's probabilities must not depend on the pictures beside it.
PREDICTION_ROWS = 64

_BUILDING = threading.Lock()


class FittedHead:
    """The weights of a trained network and, once it is needed, its Keras model.

    A pickle holds the arrays alone, so that it is small, loads without Keras, and
    does not depend on how a version of Keras writes its models.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: list[np.ndarray],
        optimizer: dict[str, Any],
    ) -> None:
        self.architecture = architecture
        self.weights = weights
        self._optimizer = optimizer
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The compiled Keras model with these weights, built on first use."""
        claim_tensorflow()
        if self._model is None:
            with _BUILDING:
                if self._model is None:
                    self._model = self._build()
        return self._model

    def probabilities(self, X: np.ndarray) -> np.ndarray:
        """Compute the class probabilities, float32 of shape (n_samples, n_classes)."""
        n_samples = X.shape[0]
        passes = []
        for start in range(0, n_samples, PREDICTION_ROWS):
            rows = X[start : start + PREDICTION_ROWS]
            missing = PREDICTION_ROWS - rows.shape[0]
            if missing:
                rows = np.pad(rows, ((0, missing), (0, 0)))
            passes.append(np.asarray(self.model(rows, training=False)))
        return np.concatenate(passes)[:n_samples]

    def _build(self) -> Any:
        import keras

        from skresnet.head.network import compile_head, layers

        model = keras.Sequential(layers(self.architecture), name="dense_head")
        model.set_weights(self.weights)
        return compile_head(model, **self._optimizer)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None}

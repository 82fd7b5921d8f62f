"""The dense network: its shape, first weights, Keras layers, and what is trained."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from skresnet.forks import claim_tensorflow

# Rows of one forward pass. Every pass has exactly this many, the last one filled
# up with zeros: matrix products round differently for different shapes, and a
# picture's probabilities must not depend on the pictures beside it.
PREDICTION_ROWS = 64

_BUILDING = threading.Lock()


@dataclass(frozen=True)
class Architecture:
    """Everything that decides the shape of the network."""

    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    activation: str
    dropout: tuple[float, ...]  # rate after each hidden layer; 0 means no layer
    n_classes: int


def initial_weights(architecture: Architecture, seed: int) -> list[np.ndarray]:
    """Draw Glorot-uniform kernels and zero biases, as Keras' Dense does.

    The limit is ``sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio, 2010). NumPy
    draws them so that no generator of Keras or TensorFlow is involved.
    """
    generator = np.random.RandomState(seed)
    sizes = [
        architecture.n_features,
        *architecture.hidden_layer_sizes,
        architecture.n_classes,
    ]
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        limit = np.sqrt(6.0 / (fan_in + fan_out))
        kernel = generator.uniform(-limit, limit, (fan_in, fan_out))
        weights += [kernel.astype(np.float32), np.zeros(fan_out, np.float32)]
    return weights


def layers(architecture: Architecture) -> list[Any]:
    """Make fresh Keras layers; whoever uses them sets weights and dropout states.

    Every random part gets a seed all the same: without one, Keras would draw it
    from Python's global generator.
    """
    import keras

    def dense(units: int, activation: str) -> Any:
        return keras.layers.Dense(
            units,
            activation=activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=0),
        )

    made = [keras.layers.Input((architecture.n_features,))]
    for units, rate in zip(
        architecture.hidden_layer_sizes, architecture.dropout, strict=True
    ):
        made.append(dense(units, architecture.activation))
        if rate > 0:
            made.append(keras.layers.Dropout(rate, seed=0))
    made.append(dense(architecture.n_classes, "softmax"))
    return made


def compile_head(
    model: Any, *, learning_rate: float, momentum: float, nesterov: bool
) -> Any:
    """Give a Keras model the optimizer, loss and metric of the classifier."""
    import keras

    model.compile(
        optimizer=keras.optimizers.SGD(
            learning_rate=learning_rate, momentum=momentum, nesterov=nesterov
        ),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        # XLA compiles anew for each number of rows, which costs more than it gains
        # on a network of this size.
        jit_compile=False,
    )
    return model


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

        model = keras.Sequential(layers(self.architecture), name="dense_head")
        model.set_weights(self.weights)
        return compile_head(model, **self._optimizer)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None}

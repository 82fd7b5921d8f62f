"""The dense network: its shape, first weights, Keras layers, and what is trained."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np

from skresnet.forks import claim_tensorflow

# Rows of one forward pass. Every pass has exactly this many, the last one filled
# up with zeros: matrix products round differently for different shapes, and a
# picture's probabilities must not depend on the pictures beside it.
PREDICTION_ROWS = 64

_BUILDING = threading.Lock()
_LARGEST_SEED: Final = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Architecture:
    """Everything that decides the shape of the network."""

    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    activation: str
    dropout: tuple[float, ...]  # rate after each hidden layer; 0 means no layer
    n_classes: int


def weight_shapes(architecture: Architecture) -> list[tuple[int, ...]]:
    """List the shapes of kernel and bias of each layer."""
    sizes = [
        architecture.n_features,
        *architecture.hidden_layer_sizes,
        architecture.n_classes,
    ]
    shapes = [((fan_in, fan_out), (fan_out,)) for fan_in, fan_out in pairwise(sizes)]
    return [shape for layer in shapes for shape in layer]


def initial_weights(architecture: Architecture, seed: int) -> list[np.ndarray]:
    """Draw Glorot-uniform kernels and zero biases, as Keras' Dense does.

    The limit is ``sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio, 2010). NumPy
    draws them so that no generator of Keras or TensorFlow is involved.
    """
    generator = np.random.RandomState(seed)
    weights = []
    for shape in weight_shapes(architecture):
        limit = np.sqrt(6.0 / sum(shape)) if len(shape) == 2 else 0
        drawn = generator.uniform(-limit, limit, shape) if limit else np.zeros(shape)
        weights.append(drawn.astype(np.float32))
    return weights


def dropout_seeds(rates: Sequence[float], seed: int) -> list[int]:
    """Give the seed of each Dropout layer there is, by its place in the network."""
    places = [2 * index + 1 for index, rate in enumerate(rates) if rate > 0]
    return [(seed + place) % (_LARGEST_SEED - 1) for place in places]


def logits(
    x: Any,
    weights: Sequence[Any],
    activation: Callable[[Any], Any],
    dropped: Callable[[Any, int], Any] = lambda x, layer: x,
) -> Any:
    """Compute what the softmax is of, with TensorFlow, as Keras' layers would.

    Parameters
    ----------
    dropped : callable
        Applied to what comes out of each hidden layer, with the layer's number.
    """
    import tensorflow as tf

    *hidden, last = zip(weights[::2], weights[1::2], strict=True)
    for layer, (kernel, bias) in enumerate(hidden):
        x = activation(tf.nn.bias_add(tf.matmul(x, kernel), bias))
        x = dropped(x, layer)
    return tf.nn.bias_add(tf.matmul(x, last[0]), last[1])


def keras_head(architecture: Architecture, config: Any = None, **sgd: Any) -> Any:
    """Make the network as a compiled `keras.Sequential`.

    Every type is float32 and every seed is given, so that neither Keras' policies nor
    its generators decide anything.

    Parameters
    ----------
    config : dict, default=None
        What `keras.Sequential.get_config` gave, of layers that are not those of the
        architecture any more.

    **sgd : dict
        What `keras.optimizers.SGD` is given.
    """
    import keras

    def dense(units: int, activation: str) -> Any:
        return keras.layers.Dense(
            units,
            activation=activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=0),
            dtype="float32",
        )

    layers = [keras.layers.Input((architecture.n_features,), dtype="float32")]
    for units, rate in zip(
        architecture.hidden_layer_sizes, architecture.dropout, strict=True
    ):
        layers.append(dense(units, architecture.activation))
        if rate > 0:
            layers.append(keras.layers.Dropout(rate, seed=0, dtype="float32"))
    layers.append(dense(architecture.n_classes, "softmax"))
    if config is None:
        model = keras.Sequential(layers, name="dense_head")
    else:
        model = keras.Sequential.from_config(config)
    loss, accuracy = "categorical_crossentropy", "accuracy"
    floatx = keras.config.floatx()
    try:
        if floatx != "float32":
            # Else these names, and what Keras makes beside them, are of that type.
            keras.config.set_floatx("float32")
            loss = keras.losses.CategoricalCrossentropy()
            accuracy = keras.metrics.CategoricalAccuracy(accuracy)
        model.compile(
            optimizer=keras.optimizers.SGD(**sgd),
            loss=loss,
            weighted_metrics=[accuracy],
            # XLA compiles anew for each number of rows, which costs more than it
            # gains on a network of this size.
            jit_compile=False,
            auto_scale_loss=False,
        )
    finally:
        keras.config.set_floatx(floatx)
    return model


class FittedHead:
    """The weights of a trained network and, for who asks for it, its Keras model.

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
        self._config: Any = None
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The compiled Keras model with these weights, built on first use."""
        claim_tensorflow()
        if self._model is None:
            with _BUILDING:
                if self._model is None:
                    model = keras_head(
                        self.architecture, self._config, **self._optimizer
                    )
                    model.set_weights(self.weights)
                    self._model = model
        return self._model

    def _computation(self) -> Callable[[np.ndarray], Any]:
        if self._model is not None or self._config is not None:
            # Whoever has asked for the model may have changed it.
            return partial(self.model, training=False)
        claim_tensorflow()
        import keras
        import tensorflow as tf

        activation = keras.activations.get(self.architecture.activation)
        weights = [tf.constant(weight) for weight in self.weights]
        return lambda rows: tf.nn.softmax(logits(rows, weights, activation))

    def keep(self, weights: list[np.ndarray], trained: Any = None) -> None:
        """Take other weights, and the layers of a Keras model that it trained.

        A callback may have changed them, their activation for instance.
        """
        self.weights = weights
        if trained is not None:
            self._config = trained.get_config()
        if self._model is not None:
            self._model.set_weights(weights)

    def follows(self, other: FittedHead) -> bool:
        """Tell whether the Keras model of the other serves with these weights too."""
        return self._made_of() == other._made_of()

    def _made_of(self) -> tuple[Any, ...]:
        return self.architecture, self._optimizer, self._config

    def probabilities(self, X: np.ndarray) -> np.ndarray:
        """Compute the class probabilities, float32 of shape (n_samples, n_classes)."""
        compute = self._computation()
        n_samples = X.shape[0]
        passes = []
        for start in range(0, n_samples, PREDICTION_ROWS):
            rows = X[start : start + PREDICTION_ROWS]
            missing = PREDICTION_ROWS - rows.shape[0]
            if missing:
                rows = np.pad(rows, ((0, missing), (0, 0)))
            passes.append(np.asarray(compute(rows)))
        return np.concatenate(passes)[:n_samples]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None}

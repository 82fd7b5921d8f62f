"""The dense network: its shape, standardised input, weights, and Keras layers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final, Self

import numpy as np

from skresnet.base import as_plain
from skresnet.forks import claim_tensorflow
from skresnet.head.blocks import Rows, joined_moments, parts
from skresnet.head.forward import ACTIVATIONS, dense_probabilities, in_blocks
from skresnet.lazy import DaskArray
from skresnet.validation import ClassifierSettings

# Length of a standardised row, as the root of its mean square. With ImageNet weights
# centred features have lengths of 12 to 27; learning_rate then means the same
# whatever the features, and however many.
_LENGTH: Final = 16.0

# Below this share of its mean, what a float32 varies by is its rounding.
_LEAST_SHARE: Final = 1e-5

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


@dataclass(frozen=True, eq=False)
class Standardization:
    """What is taken from each feature, and what it is then divided by.

    Training is faster and depends less on the learning rate where the inputs are
    centred and vary alike (LeCun et al., "Efficient BackProp", 1998, section 4.3).
    A first layer with kernel W and bias b that has learned on (x - mean) / scale does
    the same on x with the kernel W / scale and the bias b - (mean / scale) W, so that
    the fitted network takes features as they are.
    """

    mean: np.ndarray  # float64, of each feature
    scale: np.ndarray  # float64, above 0

    @classmethod
    def of(cls, rows: Rows, settings: ClassifierSettings) -> Self:
        """Measure rows that train, each by its weight, if the settings ask for it."""
        n_features = rows.X.shape[1]
        if not settings.standardize:
            return cls(np.zeros(n_features), np.ones(n_features))
        if isinstance(rows.X, DaskArray):
            measured = (
                (float(part.weights.sum()), *_moments(part)) for part in parts(rows)
            )
            mean, variance = joined_moments(measured)
        else:
            mean, variance = _moments(rows)
        deviation = np.sqrt(variance)
        deviation[deviation <= _LEAST_SHARE * np.abs(mean)] = 1.0
        return cls(mean.astype(np.float64), deviation * (np.sqrt(n_features) / _LENGTH))

    def applied(self, rows: Rows) -> Rows:
        """Return the rows standardised."""
        X = (rows.X - self.mean.astype(np.float32)) / self.scale.astype(np.float32)
        return rows._replace(X=X)

    def layer(self) -> Any:
        """Make a Keras layer that does the same."""
        import keras

        # Its square root, in float32, is the scale again, to the bit.
        variance = np.square(self.scale.astype(np.float32))
        return keras.layers.Normalization(
            mean=self.mean.astype(np.float32), variance=variance, dtype="float32"
        )

    def folded(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Turn weights that want standardised rows into such for rows as they are."""
        kernel, bias, *others = weights
        kernel = kernel / self.scale[:, np.newaxis]
        return [*_floats(kernel, bias - self.mean @ kernel), *others]

    def unfolded(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Undo `folded`, to go on training."""
        kernel, bias, *others = weights
        bias = bias + self.mean @ kernel.astype(np.float64)
        return [*_floats(kernel * self.scale[:, np.newaxis], bias), *others]


def _moments(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    shares = rows.weights / rows.weights.sum()
    mean = shares @ rows.X
    return mean, (shares @ np.square(rows.X - mean)).astype(np.float64)


def _floats(*arrays: np.ndarray) -> list[np.ndarray]:
    return [array.astype(np.float32) for array in arrays]


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


def keras_head(
    architecture: Architecture,
    standardization: Standardization | None = None,
    config: Any = None,
    **sgd: Any,
) -> Any:
    """Make the network as a compiled `keras.Sequential`.

    Every type is float32 and every seed is given, so that neither Keras' policies nor
    its generators decide anything.

    Parameters
    ----------
    standardization : Standardization or None, default=None
        What a Normalization layer does in front of the others.

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
    if standardization is not None:
        layers.append(standardization.layer())
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

    With a standardization, the weights are for rows that it was applied to, and a
    layer of the Keras model applies it.

    A pickle holds the arrays alone, so that it is small, loads without Keras, and
    does not depend on how a version of Keras writes its models.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: list[np.ndarray],
        optimizer: dict[str, Any],
        standardization: Standardization | None = None,
    ) -> None:
        self.architecture = architecture
        self.weights = weights
        self._optimizer = optimizer
        self._standardization = standardization
        self._config: Any = None
        self._model: Any = None
        self._layers: Any = None  # of the model as it was built

    @property
    def model(self) -> Any:
        """The compiled Keras model with these weights, built on first use."""
        claim_tensorflow()
        if self._model is None:
            with _BUILDING:
                if self._model is None:
                    model = keras_head(
                        self.architecture,
                        self._standardization,
                        self._config,
                        **self._optimizer,
                    )
                    model.set_weights(self.weights)
                    self._layers = model.get_config()["layers"]
                    self._model = model
        return self._model

    def folded_weights(self) -> list[np.ndarray]:
        """Give the weights for rows as they are."""
        self._note_changes()
        if self._standardization is None:
            return self.weights
        return self._standardization.folded(self.weights)

    def _computation(self) -> Callable[[np.ndarray], Any]:
        self._note_changes()
        if self._config is not None or self.architecture.activation not in ACTIVATIONS:
            return partial(self.model, training=False)
        mean, scale = np.zeros(1, np.float32), np.ones(1, np.float32)
        if self._standardization is not None:
            mean = self._standardization.mean.astype(np.float32)
            scale = self._standardization.scale.astype(np.float32)
        return dense_probabilities(
            self.weights, self.architecture.activation, mean, scale
        )

    def keep(self, weights: list[np.ndarray]) -> None:
        """Take other weights."""
        self.weights = weights
        if self._model is not None:
            self._model.set_weights(weights)
            self._note_changes()

    def _note_changes(self) -> None:
        """Take over what callbacks, or who asked for the Keras model, did to it."""
        if self._model is not None:
            self.weights = self._model.get_weights()
            config = self._model.get_config()
            if config["layers"] != self._layers:
                self._config = config

    def follows(self, other: FittedHead) -> bool:
        """Tell whether the Keras model of the other serves with these weights too."""
        return self._made_of() == other._made_of()

    def _made_of(self) -> tuple[Any, ...]:
        return self.architecture, self._optimizer, self._standardization, self._config

    def probabilities(self, X: np.ndarray) -> np.ndarray:
        """Compute the class probabilities, float32 of shape (n_samples, n_classes).

        By NumPy, unless callbacks or whoever asked for the Keras model have changed
        its layers, or the activation is one that only Keras knows.
        """
        return in_blocks(self._computation(), X)

    @property
    def has_changed_layers(self) -> bool:
        """Whether the layers were changed, so that Keras has to make them."""
        self._note_changes()
        return self._config is not None

    def as_plain(self) -> dict[str, Any]:
        """Make a dict of arrays and plain values, as files hold it."""
        self._note_changes()
        standardization = self._standardization
        return {
            "architecture": as_plain(self.architecture),
            "weights": self.weights,
            "optimizer": self._optimizer,
            "standardization": standardization and as_plain(standardization),
            "layers": self._config,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Undo `as_plain`."""
        standardization = plain["standardization"]
        head = cls(
            Architecture(**plain["architecture"]),
            plain["weights"],
            plain["optimizer"],
            standardization and Standardization(**standardization),
        )
        head._config = plain["layers"]
        return head

    def __getstate__(self) -> dict[str, Any]:
        self._note_changes()
        return {**self.__dict__, "_model": None, "_layers": None}

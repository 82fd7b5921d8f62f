"""The forward pass of a trained head in NumPy, so that predicting needs no Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.special import erf, expit, log_softmax, softmax

# Rows of one forward pass. Every pass has exactly this many, the last one filled
# up with zeros: matrix products round differently for different shapes, and a
# picture's probabilities must not depend on the pictures beside it.
PREDICTION_ROWS = 64

_Activation = Callable[[np.ndarray], np.ndarray]

# Of SELU (Klambauer et al., "Self-Normalizing Neural Networks", 2017), as Keras has it.
_SELU_ALPHA: Final = 1.6732632423543772
_SELU_SCALE: Final = 1.0507009873554805


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, 0)


def _hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.clip(x + 3, 0, 6) / 6


def _silu(x: np.ndarray) -> np.ndarray:
    return x * expit(x)


def _hard_silu(x: np.ndarray) -> np.ndarray:
    return x * _hard_sigmoid(x)


def _sparse_plus(x: np.ndarray) -> np.ndarray:
    return np.where(x < 1, np.square(np.maximum(x + 1, 0)) / 4, x)


# By their Keras names, with Keras' default arguments. The few that are not here, and
# those that users have registered, are left to Keras.
ACTIVATIONS: Final[Mapping[str, _Activation]] = MappingProxyType(
    {
        "celu": _elu,  # the same where alpha is 1
        "elu": _elu,
        "exponential": np.exp,
        "gelu": lambda x: x * (0.5 + 0.5 * erf(x / np.sqrt(2))),
        "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
        "hard_sigmoid": _hard_sigmoid,
        "hard_silu": _hard_silu,
        "hard_swish": _hard_silu,
        "hard_tanh": lambda x: np.clip(x, -1, 1),
        "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
        "linear": lambda x: x,
        "log_sigmoid": lambda x: -_softplus(-x),
        "log_softmax": lambda x: log_softmax(x, axis=1),
        "mish": lambda x: x * np.tanh(_softplus(x)),
        "relu": lambda x: np.maximum(x, 0),
        "relu6": lambda x: np.clip(x, 0, 6),
        "selu": lambda x: (
            _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))
        ),
        "sigmoid": expit,
        "silu": _silu,
        "soft_shrink": lambda x: x - np.clip(x, -0.5, 0.5),
        "softmax": lambda x: softmax(x, axis=1),
        "softplus": _softplus,
        "softsign": lambda x: x / (1 + np.abs(x)),
        "sparse_plus": _sparse_plus,
        "sparse_sigmoid": lambda x: np.clip(x + 1, 0, 2) / 2,
        "squareplus": lambda x: (x + np.sqrt(np.square(x) + 4)) / 2,
        "swish": _silu,
        "tanh": np.tanh,
        "tanh_shrink": lambda x: x - np.tanh(x),
    }
)


def in_blocks(compute: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
    """Compute rows from rows, `PREDICTION_ROWS` at a time, and return float32.

    Parameters
    ----------
    compute : callable
        From an array of exactly so many rows to one of as many.

    X : ndarray of shape (n_samples, n_features)
        The rows.
    """
    n_samples = X.shape[0]
    passes = []
    for start in range(0, n_samples, PREDICTION_ROWS):
        rows = X[start : start + PREDICTION_ROWS]
        missing = PREDICTION_ROWS - rows.shape[0]
        if missing:
            rows = np.pad(rows, ((0, missing), (0, 0)))
        passes.append(np.asarray(compute(rows), np.float32))
    return np.concatenate(passes)[:n_samples]


def dense_probabilities(
    weights: Sequence[np.ndarray], activation: str, mean: np.ndarray, scale: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from rows to class probabilities.

    It computes in float64. What BLAS rounds in float32 depends on where in the array a
    row stands, even where the shapes are the same (OpenBLAS 0.3.31 on two cores: half
    of all outputs of 500 units change when rows change places); of float64, float32
    keeps nothing of it.

    Parameters
    ----------
    weights : sequence of ndarray
        Kernel and bias of each layer.

    activation : str
        Of the hidden layers, one of `ACTIVATIONS`.

    mean, scale : ndarray of shape (n_features,)
        What is taken from each feature first, and what it is then divided by.
    """
    arrays = [np.asarray(array, np.float64) for array in weights]
    *hidden, (last_kernel, last_bias) = zip(arrays[::2], arrays[1::2], strict=True)
    activate = ACTIVATIONS[activation]

    def compute(rows: np.ndarray) -> np.ndarray:
        x = (rows.astype(np.float64) - mean) / scale
        # As in Keras, what is too large becomes infinite without a word.
        with np.errstate(over="ignore", invalid="ignore"):
            for kernel, bias in hidden:
                x = activate(x @ kernel + bias)
            return np.asarray(softmax(x @ last_kernel + last_bias, axis=1))

    return compute

"""The shape of the dense network, in plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Architecture:
    """Everything that decides the shape of the network."""

    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    activation: str
    dropout: tuple[float, ...]  # rate after each hidden layer; 0 means no layer
    n_classes: int


def dropout_rates(dropout: float | Sequence[float], n_hidden: int) -> tuple[float, ...]:
    """Spread ``dropout`` over the hidden layers: a rate after each of them.

    One number is the rate of a single Dropout layer in front of the last hidden
    layer, or behind the only one.
    """
    if isinstance(dropout, Sequence | np.ndarray):
        return tuple(float(rate) for rate in dropout)
    rates = [0.0] * n_hidden
    if n_hidden:
        rates[max(0, n_hidden - 2)] = float(dropout)
    return tuple(rates)


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

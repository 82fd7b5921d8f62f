"""The dense network as Keras layers, and how it is compiled."""

from __future__ import annotations

from typing import Any

import keras

from skresnet.head.architecture import Architecture


def layers(architecture: Architecture) -> list[keras.layers.Layer]:
    """Make fresh layers; whoever uses them sets weights and dropout states.

    Every random part gets a seed all the same: without one, Keras would draw it
    from Python's global generator.
    """
    made = [keras.layers.Input((architecture.n_features,))]
    for units, rate in zip(
        architecture.hidden_layer_sizes, architecture.dropout, strict=True
    ):
        made.append(_dense(units, architecture.activation))
        if rate > 0:
            made.append(keras.layers.Dropout(rate, seed=0))
    made.append(_dense(architecture.n_classes, "softmax"))
    return made


def compile_head(
    model: keras.Model, *, learning_rate: float, momentum: float, nesterov: bool
) -> keras.Model:
    """Give a model the optimizer, loss and metric of the classifier."""
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


def _dense(units: int, activation: str) -> Any:
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed=0),
    )

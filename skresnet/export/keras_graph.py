"""One Keras model of plain layers, from uint8 pixels to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skresnet.backbone import BackboneSettings
from skresnet.backbone.keras_model import keras_layer
from skresnet.dense_layers import DenseLayer
from skresnet.networks import Arrays

_REVERSED = "channels_reversed"


def whole_keras_model(
    settings: BackboneSettings,
    weights: dict[str, Arrays],
    head: Sequence[DenseLayer],
    *,
    output_name: str | None = None,
) -> Any:
    """Return the Keras model of a network and a head.

    It has layers of Keras alone, and loads without this package.

    Parameters
    ----------
    settings : BackboneSettings
        Of the network.
    weights : dict of str to tuple of ndarray
        Of each of its layers.
    head : sequence of DenseLayer
        What makes probabilities of features.
    output_name : str or None, default=None
        Gives the model a dict of this one output, by which exporters name it.

    Returns
    -------
    model : keras.Model
        From uint8 pixels of shape (batch, height, width, 3) to probabilities, float32
        of shape (batch, n_classes), whatever Keras is set to.
    """
    import keras
    from keras import layers

    pixels = keras.Input((*settings.input_size, 3), dtype="uint8", name="pixels")
    # Of Keras' layers, this one alone gives channels another order.
    arrays: dict[str, Sequence[Any]] = {
        _REVERSED: [np.eye(3)[::-1].reshape(1, 1, 3, 3)]
    }
    outputs = {"input": _preprocessed(pixels, settings)}
    for operation in settings.network.operations(settings.layer, weights):
        inputs = [outputs[name] for name in operation.layer.inputs]
        made = keras_layer(operation.layer, operation.name, has_bias=True)
        outputs[operation.name] = made(inputs if len(inputs) > 1 else inputs[0])
        arrays[operation.name] = operation.filters
    value = outputs[settings.layer]
    if len(value.shape) == 4:
        value = _pooling(settings.pooling)(value)
    for number, dense in enumerate(head, 1):
        last = number == len(head)
        name = "probabilities" if last else f"dense_{number}"
        layer = layers.Dense(
            dense.bias.size,
            activation=dense.activation,
            kernel_initializer="zeros",
            name=name,
            dtype="float32",
        )
        value = layer(value)
        arrays[name] = (dense.kernel, dense.bias)
    made = {output_name: value} if output_name else value
    model = keras.Model(pixels, made, name=settings.network.name)
    for layer in model.layers:
        for variable, array in zip(
            layer.weights, arrays.get(layer.name, ()), strict=True
        ):
            variable.assign(array)
    return model


def _preprocessed(pixels: Any, settings: BackboneSettings) -> Any:
    """Do what the weights were trained on, or only make floats of the pixels."""
    from keras import layers

    given = settings.network.preprocessing
    scale, means = 1.0, np.zeros(3)
    if settings.preprocessing is not None:
        scale, means = 1 / given.scale, np.array(given.means)
        if given.reverses_channels:
            means = means[::-1]
    value = layers.Rescaling(
        scale, (-means * scale).tolist(), name="preprocessing", dtype="float32"
    )(pixels)
    if settings.preprocessing is None or not given.reverses_channels:
        return value
    return layers.Conv2D(
        3,
        1,
        use_bias=False,
        kernel_initializer="zeros",
        name=_REVERSED,
        dtype="float32",
        data_format="channels_last",
    )(value)


def _pooling(pooling: str) -> Any:
    from keras import layers

    named = {"name": "features", "dtype": "float32", "data_format": "channels_last"}
    if pooling == "flatten":
        return layers.Flatten(**named)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(**named)
    return layers.GlobalAveragePooling2D(**named)

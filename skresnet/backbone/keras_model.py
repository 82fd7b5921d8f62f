"""The plain Keras model of a network, to look at and to compare with."""

from typing import Any

from skresnet.backbone.settings import BackboneSettings
from skresnet.networks import Layer
from skresnet.weights import load_weights


def keras_model(settings: BackboneSettings) -> Any:
    """Return the Keras model up to a layer.

    Parameters
    ----------
    settings : BackboneSettings
        Its weights, layer and input size are used. The model has neither
        preprocessing nor pooling in it.

    Returns
    -------
    model : keras.Model
        From (n, height, width, 3) preprocessed pixels to what the layer puts out, in
        float32 and with channels last, whatever Keras is set to.

    Raises
    ------
    WeightsUnavailableError, ValueError
        As for :func:`load_backbone`.
    """
    weights = load_weights(settings.weights)
    import keras

    network = settings.network
    pixels = keras.Input((*settings.input_size, 3), dtype="float32")
    outputs = {"input": pixels}
    for layer in network.layers_until(settings.layer):
        inputs = [outputs[name] for name in layer.inputs]
        made = keras_layer(
            layer, layer.name, has_bias=network.has_biases, epsilon=network.epsilon
        )
        outputs[layer.name] = made(inputs if len(inputs) > 1 else inputs[0])
    model = keras.Model(pixels, outputs[settings.layer], name=network.name)
    for layer in model.layers:
        for variable, array in zip(
            layer.weights, weights.get(layer.name, ()), strict=True
        ):
            variable.assign(array)
    return model


def keras_layer(
    layer: Layer, name: str, *, has_bias: bool, epsilon: float = 0.0
) -> Any:
    """Return the layer of Keras that does what a layer of a table does.

    Parameters
    ----------
    layer : Layer
        Of a table.
    name : str
        Of the layer of Keras.
    has_bias : bool
        Whether convolutions add one.
    epsilon : float
        Of normalisations.
    """
    from keras import layers

    named = {"name": name, "dtype": "float32"}
    if layer.kind == "add":
        return layers.Add(**named)
    if layer.kind in ("relu", "relu6"):
        return layers.Activation(layer.kind, **named)
    if layer.kind == "norm":
        return layers.BatchNormalization(axis=-1, epsilon=epsilon, **named)
    named["data_format"] = "channels_last"
    if layer.kind == "pad":
        return layers.ZeroPadding2D(layer.padding, **named)
    if layer.kind == "max_pool":
        return layers.MaxPooling2D(layer.size, layer.stride, **named)
    if layer.kind == "avg_pool":
        return layers.GlobalAveragePooling2D(**named)
    window = {
        "kernel_size": layer.size,
        "strides": layer.stride,
        "padding": layer.padding or "valid",
        "use_bias": has_bias,
    }
    # Zeros, since Keras would draw initial kernels from Python's generator.
    if layer.kind == "depthwise":
        return layers.DepthwiseConv2D(depthwise_initializer="zeros", **window, **named)
    return layers.Conv2D(layer.channels, kernel_initializer="zeros", **window, **named)

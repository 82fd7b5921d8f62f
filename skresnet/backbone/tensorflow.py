"""The inference graph in TensorFlow."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.backbone.settings import BackboneSettings, most_threads
from skresnet.networks import Arrays, Layer


def compile_tensorflow(
    settings: BackboneSettings, read_weights: Callable[[], dict[str, Arrays]]
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return a function from uint8 or float32 pixels (n, h, w, 3) to features (n, d).

    The number of pictures may change from call to call. Safe to call from threads.
    """
    import tensorflow as tf

    if threads := most_threads():
        with suppress(RuntimeError):  # it has computed, with the threads it has
            tf.config.threading.set_intra_op_parallelism_threads(threads)
    graph = build_graph(settings, read_weights())

    def compute(batch: NDArray[Any]) -> NDArray[np.float32]:
        features: NDArray[np.float32] = graph(
            tf.cast(tf.constant(batch), tf.float32)
        ).numpy()
        return features

    return compute


def build_graph(
    settings: BackboneSettings, weights: dict[str, Arrays]
) -> Callable[[Any], Any]:
    """Return a traced function from float32 pixels (n, h, w, 3) to features (n, d).

    The weights are tensors that the graph captures. As constants inside of it they
    would be copied by each pass of the graph optimiser: at 224 x 224 that took 3.1
    seconds and 1 GB more at the first call, and made no later call faster.
    """
    import tensorflow as tf

    compute = getattr(tf, settings.precision)
    preprocessing = settings.network.preprocessing
    listed = settings.network.operations(settings.layer, weights)
    filters = {
        operation.name: [tf.cast(tf.constant(a), compute) for a in operation.filters]
        for operation in listed
    }

    def features(pixels: Any) -> Any:
        if settings.preprocessing is not None:
            if preprocessing.reverses_channels:
                pixels = tf.reverse(pixels, [-1])
            pixels = pixels - tf.constant(preprocessing.means)
            if preprocessing.scale != 1:
                pixels = pixels / preprocessing.scale
        outputs = {"input": tf.cast(pixels, compute)}
        for operation in listed:
            inputs = [outputs[name] for name in operation.layer.inputs]
            outputs[operation.name] = _apply(
                operation.layer, inputs, filters[operation.name]
            )
        return _rows(tf.cast(outputs[settings.layer], tf.float32), settings)

    pixels = tf.TensorSpec([None, *settings.input_size, 3], tf.float32)
    traced = tf.function(features, input_signature=[pixels], autograph=False)
    concrete: Callable[[Any], Any] = traced.get_concrete_function()
    return concrete


def _apply(layer: Layer, values: list[Any], filters: list[Any]) -> Any:
    """Compute a layer."""
    import tensorflow as tf

    if layer.kind in ("conv", "depthwise"):
        kernel, bias = filters
        strides = [1, layer.stride, layer.stride, 1]
        padding = "SAME" if layer.padding == "same" else "VALID"
        convolve = tf.nn.depthwise_conv2d if layer.kind == "depthwise" else tf.nn.conv2d
        # TensorFlow fuses the addition, and a relu or sum after it.
        return tf.nn.bias_add(convolve(values[0], kernel, strides, padding), bias)
    if layer.kind == "pad":
        sides = [layer.padding] * 2
        return tf.pad(values[0], [[0, 0], sides, sides, [0, 0]])
    if layer.kind == "relu":
        return tf.nn.relu(values[0])
    if layer.kind == "relu6":
        return tf.nn.relu6(values[0])
    if layer.kind == "add":
        return tf.add(*values)
    if layer.kind == "max_pool":
        return tf.nn.max_pool2d(values[0], layer.size, layer.stride, "VALID")
    # In float32, since a sum of many bfloat16 loses what they have in precision.
    return tf.reduce_mean(tf.cast(values[0], tf.float32), axis=[1, 2])


def _rows(value: Any, settings: BackboneSettings) -> Any:
    """Make one row a picture."""
    import tensorflow as tf

    if value.shape.rank == 2:
        return value
    if settings.pooling == "flatten":
        return tf.reshape(value, [-1, settings.n_features])
    if settings.pooling == "max":
        return tf.reduce_max(value, axis=[1, 2])
    return tf.reduce_mean(value, axis=[1, 2])

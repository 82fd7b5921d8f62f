"""The inference graph in TensorFlow."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.backbone.architecture import Arrays, Layer
from skresnet.backbone.folding import CAFFE_MEANS, operations
from skresnet.backbone.spec import BackboneSpec


def compile_tensorflow(
    spec: BackboneSpec, weights: dict[str, Arrays]
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return a function from uint8 or float32 pixels (n, h, w, 3) to features (n, d).

    The number of pictures may change from call to call. Safe to call from threads.
    """
    import tensorflow as tf

    graph = build_graph(spec, weights)

    def compute(batch: NDArray[Any]) -> NDArray[np.float32]:
        features: NDArray[np.float32] = graph(
            tf.cast(tf.constant(batch), tf.float32)
        ).numpy()
        return features

    return compute


def build_graph(spec: BackboneSpec, weights: dict[str, Arrays]) -> Callable[[Any], Any]:
    """Return a traced function from float32 pixels (n, h, w, 3) to features (n, d).

    The weights are tensors that the graph captures. As constants inside of it they
    would be copied by each pass of the graph optimiser: at 224 x 224 that took 3.1
    seconds and 1 GB more at the first call, and made no later call faster.
    """
    import tensorflow as tf

    compute = getattr(tf, spec.precision)
    listed = operations(spec.layer, weights)
    filters = {
        operation.name: [tf.cast(tf.constant(a), compute) for a in operation.filters]
        for operation in listed
    }

    def features(pixels: Any) -> Any:
        if spec.preprocessing == "caffe":
            pixels = tf.reverse(pixels, [-1]) - tf.constant(CAFFE_MEANS)
        outputs = {"input": tf.cast(pixels, compute)}
        for operation in listed:
            inputs = [outputs[name] for name in operation.layer.inputs]
            outputs[operation.name] = _apply(
                operation.layer, inputs, filters[operation.name]
            )
        return _rows(tf.cast(outputs[spec.layer], tf.float32), spec)

    pixels = tf.TensorSpec([None, *spec.input_size, 3], tf.float32)
    traced = tf.function(features, input_signature=[pixels], autograph=False)
    concrete: Callable[[Any], Any] = traced.get_concrete_function()
    return concrete


def _apply(step: Layer, values: list[Any], filters: list[Any]) -> Any:
    """Compute a layer."""
    import tensorflow as tf

    if step.kind == "conv":
        kernel, bias = filters
        padding = "SAME" if step.padding else "VALID"
        value = tf.nn.conv2d(values[0], kernel, step.stride, padding)
        # TensorFlow fuses the addition, and a relu or sum after it.
        return tf.nn.bias_add(value, bias)
    if step.kind == "pad":
        sides = [step.padding] * 2
        return tf.pad(values[0], [[0, 0], sides, sides, [0, 0]])
    if step.kind == "relu":
        return tf.nn.relu(values[0])
    if step.kind == "add":
        return tf.add(*values)
    if step.kind == "max_pool":
        return tf.nn.max_pool2d(values[0], step.size, step.stride, "VALID")
    # In float32, since a sum of many bfloat16 loses what they have in precision.
    return tf.reduce_mean(tf.cast(values[0], tf.float32), axis=[1, 2])


def _rows(value: Any, spec: BackboneSpec) -> Any:
    """Make one row a picture."""
    import tensorflow as tf

    if value.shape.rank == 2:
        return value
    if spec.pooling == "flatten":
        return tf.reshape(value, [-1, spec.n_features])
    if spec.pooling == "max":
        return tf.reduce_max(value, axis=[1, 2])
    return tf.reduce_mean(value, axis=[1, 2])

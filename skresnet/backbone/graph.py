"""The inference graph: ResNet50 with batch normalisation folded, as TensorFlow ops."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skresnet.backbone.architecture import EPSILON, Arrays, Layer, layers
from skresnet.backbone.spec import BackboneSpec

# What keras.applications.resnet.preprocess_input subtracts, in BGR.
CAFFE_MEANS = (103.939, 116.779, 123.68)


def build_graph(spec: BackboneSpec, weights: dict[str, Arrays]) -> Callable[[Any], Any]:
    """Return a traced function from float32 pixels (n, h, w, 3) to features (n, d).

    The weights are tensors that the graph captures. As constants inside of it they
    would be copied by each pass of the graph optimiser: at 224 x 224 that took 3.1
    seconds and 1 GB more at the first call, and made no later call faster.
    """
    import tensorflow as tf

    compute = getattr(tf, spec.precision)
    steps = _steps_until(spec.layer)
    filters = {
        step.name: tuple(tf.cast(tf.constant(a), compute) for a in arrays)
        for step, arrays in _filters(steps, weights).items()
    }

    def features(pixels: Any) -> Any:
        if spec.preprocessing == "caffe":
            pixels = tf.reverse(pixels, [-1]) - tf.constant(CAFFE_MEANS)
        outputs = {"input": tf.cast(pixels, compute)}
        by_name = {step.name: step for step in steps}
        for step in steps:
            if step.name in filters:
                conv = step if step.kind == "conv" else by_name[step.inputs[0]]
                value = _convolve(outputs[conv.inputs[0]], conv, *filters[step.name])
            elif step.kind != "conv":
                value = _apply(step, [outputs[name] for name in step.inputs])
            else:
                continue  # done in the normalisation that follows
            outputs[step.name] = value
        return _rows(tf.cast(outputs[spec.layer], tf.float32), spec)

    pixels = tf.TensorSpec([None, *spec.input_size, 3], tf.float32)
    traced = tf.function(features, input_signature=[pixels], autograph=False)
    concrete: Callable[[Any], Any] = traced.get_concrete_function()
    return concrete


def _steps_until(name: str) -> list[Layer]:
    """Return the layers that the named one is computed from, and itself."""
    needed = {name}
    steps = []
    for layer in reversed(layers()):
        if layer.name in needed:
            needed.update(layer.inputs)
            steps.append(layer)
    return steps[::-1]


def _filters(steps: list[Layer], weights: dict[str, Arrays]) -> dict[Layer, Arrays]:
    """Return kernel and bias of every layer that is computed as a convolution.

    A normalisation becomes one with the convolution before it: ``gamma * (k * x + b -
    mean) / sqrt(variance + epsilon) + beta`` is again a kernel and a bias, here
    computed in float64. A convolution stays by itself only where it comes last.
    """
    filters = {}
    for step in steps:
        if step.kind == "norm":
            kernel, bias = (a.astype(np.float64) for a in weights[step.inputs[0]])
            gamma, beta, mean, variance = (
                a.astype(np.float64) for a in weights[step.name]
            )
            scale = gamma / np.sqrt(variance + EPSILON)
            folded = kernel * scale, (bias - mean) * scale + beta
            filters[step] = tuple(a.astype(np.float32) for a in folded)
    if steps[-1].kind == "conv":
        filters[steps[-1]] = weights[steps[-1].name]
    return filters


def _convolve(value: Any, conv: Layer, kernel: Any, bias: Any) -> Any:
    """Convolve and add the bias, which TensorFlow fuses with a relu or sum after it."""
    import tensorflow as tf

    padding = "SAME" if conv.padding else "VALID"
    return tf.nn.bias_add(tf.nn.conv2d(value, kernel, conv.stride, padding), bias)


def _apply(step: Layer, values: list[Any]) -> Any:
    """Compute a layer that has no weights."""
    import tensorflow as tf

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

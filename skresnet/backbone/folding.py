"""The operations of inference: ResNet50 with batch normalisation folded."""

from dataclasses import dataclass

import numpy as np

from skresnet.backbone.architecture import EPSILON, Arrays, Layer, layers

# What keras.applications.resnet.preprocess_input subtracts, in BGR.
CAFFE_MEANS = (103.939, 116.779, 123.68)


@dataclass(frozen=True, eq=False)
class Operation:
    """What an engine computes at once, and the layer of Keras whose output that is.

    Parameters
    ----------
    name : str
        The layer.
    layer : Layer
        Says what to compute and from which layers. Of a normalisation, which is one
        with the convolution before it, this is the convolution.
    filters : tuple of ndarray
        The kernel of shape (height, width, in, out) and the bias of shape (out,) of
        a convolution, float32; of other kinds, nothing.
    """

    name: str
    layer: Layer
    filters: Arrays


def operations(name: str, weights: dict[str, Arrays]) -> list[Operation]:
    """Return what leads from ``"input"`` to a layer, each after those it needs.

    A normalisation becomes one with the convolution before it: ``gamma * (k * x + b -
    mean) / sqrt(variance + epsilon) + beta`` is again a kernel and a bias, here
    computed in float64. A convolution stays by itself only where it comes last.
    """
    steps = _steps_until(name)
    by_name = {step.name: step for step in steps}
    listed = []
    for step in steps:
        if step.kind == "norm":
            conv = by_name[step.inputs[0]]
            folded = _folded(weights[conv.name], weights[step.name])
            listed.append(Operation(step.name, conv, folded))
        elif step.kind != "conv":
            listed.append(Operation(step.name, step, ()))
        elif step.name == name:
            listed.append(Operation(name, step, weights[name]))
    return listed


def _steps_until(name: str) -> list[Layer]:
    """Return the layers that the named one is computed from, and itself."""
    needed = {name}
    steps = []
    for layer in reversed(layers()):
        if layer.name in needed:
            needed.update(layer.inputs)
            steps.append(layer)
    return steps[::-1]


def _folded(conv: Arrays, norm: Arrays) -> Arrays:
    """Return the kernel and bias of a convolution and its normalisation in one."""
    kernel, bias = (array.astype(np.float64) for array in conv)
    gamma, beta, mean, variance = (array.astype(np.float64) for array in norm)
    scale = gamma / np.sqrt(variance + EPSILON)
    folded = kernel * scale, (bias - mean) * scale + beta
    return tuple(array.astype(np.float32) for array in folded)

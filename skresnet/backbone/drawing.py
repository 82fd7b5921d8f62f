"""Random weights that depend on a seed and on nothing else."""

import numpy as np

from skresnet.backbone.architecture import Arrays, weight_shapes

DRAWING_VERSION = 1  # to be raised when the same seed gives other weights


def drawing_digest(seed: int) -> str:
    """Return what tells the weights of a seed from all others."""
    return f"random:{seed}:{DRAWING_VERSION}"


def draw_weights(seed: int) -> dict[str, Arrays]:
    """Draw weights as Keras initialises ResNet50, layer by layer.

    Kernels are uniform within ``sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio,
    2010, Keras' ``GlorotUniform``), biases zero; batch normalisation changes nothing
    but its epsilon. Every layer has a stream of its own.
    """
    weights: dict[str, Arrays] = {}
    for i, (name, shapes) in enumerate(weight_shapes().items()):
        if len(shapes) == 2:
            kernel, bias = shapes
            height, width, fan_in, fan_out = kernel
            limit = np.sqrt(6 / (height * width * (fan_in + fan_out)))
            draws = np.random.default_rng([seed, i]).random(kernel, dtype=np.float32)
            centred = (draws - np.float32(0.5)) * np.float32(2 * limit)
            weights[name] = (centred, np.zeros(bias, np.float32))
        else:
            zero, one = np.zeros(shapes[0], np.float32), np.ones(shapes[0], np.float32)
            weights[name] = (one, zero, zero, one)
    return weights

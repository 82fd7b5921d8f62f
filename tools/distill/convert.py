"""From the trained student to a Keras weights file, and the proof that both agree."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tools.distill.student import Student

TOLERANCE = 1e-3  # largest relative difference of features that counts as the same


def keras_arrays(student: Student) -> dict[str, tuple[NDArray[np.float32], ...]]:
    """Return the arrays of each Keras layer that has some, by the layer's name.

    Kernels are (height, width, channels, filters) there and biases are zero; a
    normalisation has gamma, beta, moving mean and moving variance.
    """
    arrays = {}
    for unit in student.units():
        kernel = unit.conv.weight.detach().float().cpu().numpy()
        norm = unit.norm
        arrays[f"{unit.name}_conv"] = (
            np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)),
            np.zeros(len(kernel), np.float32),
        )
        arrays[f"{unit.name}_bn"] = tuple(
            values.detach().float().cpu().numpy()
            for values in (
                norm.weight,
                norm.bias,
                norm.running_mean,
                norm.running_var,
            )
        )
    return arrays


def write_keras_weights(student: Student, path: Path) -> None:
    """Write a file that ``keras.applications.ResNet50(weights=path)`` loads.

    Parameters
    ----------
    path : pathlib.Path
        Ends in ``.weights.h5``; without the classification top.
    """
    model = _keras_resnet50(None)
    for name, arrays in keras_arrays(student).items():
        model.get_layer(name).set_weights(arrays)
    model.save_weights(path)


def feature_difference(
    student: Student, path: Path, pixels: NDArray[np.uint8]
) -> float:
    """Return the largest relative difference of any picture's features.

    The norm of the difference of Keras' features, with the file's weights and Keras'
    own preprocessing, from the student's in float32, divided by the norm of those.

    Parameters
    ----------
    pixels : ndarray of shape (n, height, width, 3), dtype uint8
        RGB.
    """
    from keras.applications.resnet import preprocess_input

    prepared = preprocess_input(pixels.astype(np.float32))
    theirs = _keras_resnet50(str(path)).predict(prepared, verbose=0)
    with torch.no_grad():
        batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
        ours = student.cpu().float().eval()(batch).numpy()
    difference = np.linalg.norm(theirs - ours, axis=1) / np.linalg.norm(ours, axis=1)
    return float(difference.max())


def _keras_resnet50(weights: str | None) -> Any:
    from keras.applications import ResNet50

    return ResNet50(weights=weights, include_top=False, pooling="avg")

"""class_activation_maps: which parts of a picture speak for a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_parameter_constraints

from skresnet.backbone import BackboneSettings, load_backbone
from skresnet.dense_layers import DenseLayer, dense_layers, flat_steps
from skresnet.pipeline import fitted_image_pipeline
from skresnet.reading import read_all
from skresnet.validation import check_same_length

METHODS = ("auto", "grad-cam", "occlusion")

# A window covers a quarter of each side, and the next begins half a window further.
_WINDOW = 4
_AT_ONCE = 32  # pictures that go through the network

_Activation = Callable[[NDArray[Any]], NDArray[Any]]


def _sigmoid(z: NDArray[Any]) -> NDArray[Any]:
    return 0.5 * (1 + np.tanh(0.5 * z))


# Of hidden layers, by Keras' name: the function, and its derivative.
_ACTIVATIONS: dict[str, tuple[_Activation, _Activation]] = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
    "softplus": (lambda z: np.logaddexp(0, z), _sigmoid),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.exp(np.minimum(z, 0)),
    ),
}


def class_activation_maps(
    model: Any, X: Any, *, target: Any = None, method: str = "auto"
) -> Bunch:
    """Find which parts of pictures speak for a class.

    ``"grad-cam"`` is gradient-weighted class activation mapping (Selvaraju et al.,
    "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
    2017): the channels of the last layer with a height and a width, weighed by the
    mean gradient of the class with respect to each, summed, without what speaks
    against the class. The gradient is that of the log odds of the class, which points
    where that of the probability does and stays exact where the model is sure.

    ``"occlusion"`` needs no gradient (Zeiler and Fergus, "Visualizing and
    Understanding Convolutional Networks", 2014, section 4.2): windows of a quarter of
    each side are covered with the mean colour of the picture, 49 or so of them, and
    the probability of the class falls. The map has the mean fall of the windows over
    each pixel, where it is above 0.

    Parameters
    ----------
    model : Pipeline
        A fitted classifier of pictures with ``predict_proba``, such as
        `make_image_classifier` makes, or a search over one.

    X : pictures
        As of `ResNet50Embedder`.

    target : label or array-like of shape (n_samples,), default=None
        The class that the map is about, for all pictures or for each. None takes the
        predicted class of each.

    method : {"auto", "grad-cam", "occlusion"}, default="auto"
        ``"auto"`` is ``"grad-cam"`` for a `DenseSGDClassifier`, `LogisticRegression`
        or `MLPClassifier`, with `StandardScaler` or `PCA` before it, and
        ``"occlusion"`` for any other.

    Returns
    -------
    found : Bunch
        ``maps``, ndarray of shape (n_samples, height, width), float32, of the input
        size and at least 0: in log odds by Grad-CAM, in probability by occlusion;
        ``images``, ndarray of shape (n_samples, height, width, 3), uint8, the pictures
        as the network saw them; ``target``, ndarray of shape (n_samples,);
        ``probability`` of these, ndarray of shape (n_samples,); ``method``, str.

    Raises
    ------
    TypeError
        If the model is no such Pipeline.

    ValueError
        If the model does not know a target, or the gradient of its classifier is not
        known and ``method="grad-cam"``.

    UnreadableImageError
        If pictures cannot be read.

    Examples
    --------
    >>> from skresnet import class_activation_maps
    >>> class_activation_maps(model, ["cat.jpg"]).maps.shape  # doctest: +SKIP
    (1, 224, 224)
    """
    validate_parameter_constraints(
        {"method": [StrOptions(set(METHODS))]},
        {"method": method},
        "class_activation_maps",
    )
    model = fitted_image_pipeline(model, "has no maps")
    layers = None if method == "occlusion" else known_layers(model)
    if layers is None and method == "grad-cam":
        raise ValueError(
            f"method='grad-cam' needs the gradient of {type(model[-1]).__name__}, "
            "which is known of a DenseSGDClassifier, LogisticRegression or "
            "MLPClassifier with StandardScaler or PCA before it, and of the "
            f"activations {', '.join(map(repr, _ACTIVATIONS))}: take "
            "method='occlusion'."
        )
    embedder = model[0]
    pictures = embedder._as_pictures(X)
    columns = _columns(target, model.classes_, pictures)
    images = read_all(pictures, embedder._resizing)
    parts = [
        slice(start, start + _AT_ONCE) for start in range(0, len(images), _AT_ONCE)
    ]
    made = [
        maps_of(model, images[part], None if columns is None else columns[part], layers)
        for part in parts
    ]
    maps, found, probability = map(np.concatenate, zip(*made, strict=True))
    return Bunch(
        maps=maps,
        images=images,
        target=model.classes_[found],
        probability=probability,
        method="occlusion" if layers is None else "grad-cam",
    )


def known_layers(model: Pipeline) -> list[DenseLayer] | None:
    """Write what follows the embedder as dense layers whose gradient is known."""
    layers = dense_layers(list(flat_steps([step for _, step in model.steps[1:]])))
    if layers and all(layer.activation in _ACTIVATIONS for layer in layers[:-1]):
        return layers
    return None


def maps_of(
    model: Pipeline,
    images: NDArray[np.uint8],
    columns: NDArray[np.intp] | None,
    layers: Sequence[DenseLayer] | None,
) -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[Any]]:
    """Make the maps of a few pictures.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    images : ndarray of shape (n_images, height, width, 3), uint8
        Of the input size.
    columns : ndarray of shape (n_images,) or None
        The place of the class among ``classes_``; None is the most probable one.
    layers : sequence of DenseLayer or None
        What follows the embedder, for Grad-CAM. None takes occlusion.

    Returns
    -------
    maps : ndarray of shape (n_images, height, width), float32
        See `class_activation_maps`.
    columns : ndarray of shape (n_images,)
        As given, or what was predicted.
    probability : ndarray of shape (n_images,)
        Of these classes.
    """
    settings: BackboneSettings = model[0]._backbone
    if layers is None:
        probabilities = _probabilities(model, images)
    else:
        stage = _last_stage(settings)
        shape = stage.network.output_shape(stage.layer, stage.input_size)
        activations = load_backbone(stage)(images).reshape(-1, *shape)
        rows = _pooled(activations, settings.pooling)
        probabilities = model[1:].predict_proba(model[0]._as_output(rows))
    if columns is None:
        columns = probabilities.argmax(axis=1)
    probability = probabilities[np.arange(len(images)), columns]
    if layers is None:
        falls = map(partial(_occlusion, model), images, columns, probability)
        return np.stack(list(falls)), columns, probability
    gradient = log_odds_gradient(layers, rows, columns)
    if settings.pooling == "flatten":
        weights = gradient.reshape(activations.shape).mean(axis=(1, 2))
    else:
        # The mean of a channel passes its gradient on in equal parts, and the maximum
        # to one place; the mean of either over the places is the same.
        weights = gradient / (shape[0] * shape[1])
    small = np.maximum(np.einsum("nhwk,nk->nhw", activations, weights), 0)
    height, width = settings.input_size
    maps = [
        Image.fromarray(made).resize((width, height), Image.Resampling.BILINEAR)
        for made in small.astype(np.float32)
    ]
    return np.stack([np.asarray(made) for made in maps]), columns, probability


def _occlusion(
    model: Pipeline, image: NDArray[np.uint8], column: int, probability: float
) -> NDArray[np.float32]:
    """Cover one window after the other, and see the probability fall."""
    height, width = image.shape[:2]
    windows = list(product(_windows(height), _windows(width)))
    covered = np.repeat(image[np.newaxis], len(windows), axis=0)
    for picture, window in zip(covered, windows, strict=True):
        picture[window] = np.rint(image.mean(axis=(0, 1)))
    falls = probability - _probabilities(model, covered)[:, column]
    total, count = np.zeros((2, height, width), np.float32)
    for window, fall in zip(windows, falls, strict=True):
        total[window] += fall
        count[window] += 1
    return np.maximum(total / count, 0)


def _probabilities(model: Pipeline, images: NDArray[np.uint8]) -> NDArray[Any]:
    backbone = load_backbone(model[0]._backbone)
    starts = range(0, len(images), _AT_ONCE)
    rows = [backbone(images[start : start + _AT_ONCE]) for start in starts]
    features = model[0]._as_output(np.concatenate(rows))
    return np.asarray(model[1:].predict_proba(features))


def log_odds_gradient(
    layers: Sequence[DenseLayer], rows: NDArray[Any], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Differentiate the log odds of a class with respect to the features.

    Parameters
    ----------
    layers : sequence of DenseLayer
        The last is followed by a softmax.
    rows : ndarray of shape (n_pictures, n_features)
        The features.
    columns : ndarray of shape (n_pictures,)
        The class of each row.

    Returns
    -------
    gradient : ndarray of shape (n_pictures, n_features)
        Of log(p / (1 - p)), with p the probability of the class.
    """
    value = rows.astype(np.float64)
    sums = []
    for layer in layers:
        sums.append(value @ layer.kernel.astype(np.float64) + layer.bias)
        if layer is not layers[-1]:
            value = _ACTIVATIONS[layer.activation][0](sums[-1])
    # With z what the softmax is of, the log odds are z[c] - log(sum of exp(z[others])).
    chosen = columns[:, np.newaxis] == np.arange(sums[-1].shape[1])
    others = np.where(chosen, -np.inf, sums[-1])
    exponentials = np.exp(others - others.max(axis=1, keepdims=True))
    gradient = chosen - exponentials / exponentials.sum(axis=1, keepdims=True)
    for place in range(len(layers) - 1, -1, -1):
        gradient = gradient @ layers[place].kernel.astype(np.float64).T
        if place:
            gradient *= _ACTIVATIONS[layers[place - 1].activation][1](sums[place - 1])
    return gradient


def _last_stage(settings: BackboneSettings) -> BackboneSettings:
    """Ask for all values of the last layer with a height and a width."""
    layer = settings.layer
    if layer == "avg_pool":
        layer = settings.network.layers[-2].name
    return replace(settings, layer=layer, pooling="flatten")


def _pooled(activations: NDArray[np.float32], pooling: str) -> NDArray[np.float32]:
    """Make the rows of features that the head takes."""
    if pooling == "flatten":
        return activations.reshape(len(activations), -1)
    reduced = activations.max if pooling == "max" else activations.mean
    rows: NDArray[np.float32] = reduced(axis=(1, 2))
    return rows


def _windows(side: int) -> list[slice]:
    """Divide a side into windows that overlap by half."""
    size = -(-side // _WINDOW)
    starts = {*range(0, side - size, max(1, size // 2)), side - size}
    return [slice(start, start + size) for start in sorted(starts)]


def _columns(
    target: Any, classes: NDArray[Any], pictures: Sequence[Any]
) -> NDArray[np.intp] | None:
    """Find the place of each target among the classes."""
    if target is None:
        return None
    if np.ndim(target) == 0:
        targets = [target] * len(pictures)
    else:
        check_same_length(pictures, target)
        targets = list(target)
    known = {label: place for place, label in enumerate(classes.tolist())}
    if unknown := [label for label in targets if label not in known]:
        raise ValueError(
            f"target has {unknown[0]!r}, which is no class of the model: expected "
            f"one of {classes.tolist()}."
        )
    return np.array([known[label] for label in targets], dtype=np.intp)

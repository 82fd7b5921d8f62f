"""ResNet50's weights as arrays, and the Keras model that holds them."""

import random
from pathlib import Path
from typing import Any

from skresnet import __version__
from skresnet.backbone.architecture import Arrays
from skresnet.backbone.digests import file_digest
from skresnet.backbone.distilled import find_distilled
from skresnet.backbone.drawing import draw_weights, drawing_digest
from skresnet.backbone.errors import WeightsUnavailableError
from skresnet.backbone.imagenet import fetch_imagenet
from skresnet.backbone.packed import read_packed
from skresnet.backbone.spec import BackboneSpec
from skresnet.backbone.weight_files import read_weights
from skresnet.backbone.weights import ResolvedWeights

_FIT_AGAIN = (
    "or set the parameter weights of the embedder, in a Pipeline by "
    "set_params(embedder__weights=...), and fit again."
)


def load_weights(weights: ResolvedWeights) -> dict[str, Arrays]:
    """Return the weights of every layer, after making sure that they are still those.

    Raises
    ------
    WeightsUnavailableError
        If the weights are not on this machine, or are others than when they were
        resolved.
    ValueError
        If the file does not hold ResNet50's weights.
    """
    if weights.seed is not None:
        now = drawing_digest(weights.seed)
        if now != weights.digest:
            raise _other_version(weights, now)
        return draw_weights(weights.seed)
    path = _find(weights)
    now = file_digest(path, "sha256")
    if weights.name == "distilled":
        if now != weights.digest:
            raise _other_version(weights, now)
        return read_packed(path)
    if now != weights.digest:
        raise WeightsUnavailableError(
            f"The weights file {path} has changed: its SHA-256 is {now}, and was "
            f"{weights.digest} at the time of fit. Put the former file back, "
            f"{_FIT_AGAIN}"
        )
    return read_weights(path)


def _find(weights: ResolvedWeights) -> Path:
    """Return the file, which for a model of another machine may lie elsewhere here."""
    assert weights.path is not None
    path = Path(weights.path)
    if weights.name == "distilled":
        return find_distilled()
    if weights.name == "imagenet" and not path.is_file():
        try:
            return fetch_imagenet()
        except WeightsUnavailableError as error:
            raise WeightsUnavailableError(
                "The ImageNet weights at the time of fit, with SHA-256 "
                f"{weights.digest}, are needed again. {error} Other weights than those "
                "at the time of fit need another fit."
            ) from error
    if not path.is_file():
        raise WeightsUnavailableError(
            f"The weights file {path} is not there any more: put it back, with the "
            f"SHA-256 {weights.digest} that it had at the time of fit, {_FIT_AGAIN}"
        )
    return path


def _other_version(weights: ResolvedWeights, now: str) -> WeightsUnavailableError:
    """Say that another version of this package has made the features so far."""
    return WeightsUnavailableError(
        f"The {weights.name} weights of skresnet {__version__} are {now}, and those at "
        f"the time of fit were {weights.digest}, of another version: install that "
        f"one, {_FIT_AGAIN}"
    )


def keras_model(spec: BackboneSpec) -> Any:
    """Return the plain Keras model up to a layer, to look at and to compare with.

    Parameters
    ----------
    spec : BackboneSpec
        Its weights, layer and input size are used. The model has neither
        preprocessing nor pooling in it.

    Returns
    -------
    model : keras.Model
        From (n, height, width, 3) preprocessed pixels to what the layer puts out.

    Raises
    ------
    WeightsUnavailableError, ValueError
        As for :func:`load_backbone`.
    """
    weights = load_weights(spec.weights)
    import keras

    # Keras draws initial weights, which are replaced below, from Python's generator.
    state = random.getstate()
    try:
        whole = keras.applications.ResNet50(
            include_top=False,
            pooling="avg",
            input_shape=(*spec.input_size, 3),
            weights=None,
        )
    finally:
        random.setstate(state)
    for layer, arrays in weights.items():
        for variable, array in zip(whole.get_layer(layer).weights, arrays, strict=True):
            variable.assign(array)
    return keras.Model(whole.input, whole.get_layer(spec.layer).output, name="resnet50")

"""ResNet50's weights as arrays, and the Keras model that holds them."""

import random
from pathlib import Path
from typing import Any

from skresnet.backbone.architecture import Arrays
from skresnet.backbone.digests import file_digest
from skresnet.backbone.drawing import draw_weights
from skresnet.backbone.imagenet import WeightsUnavailableError, fetch_imagenet
from skresnet.backbone.spec import BackboneSpec
from skresnet.backbone.weight_files import read_weights
from skresnet.backbone.weights import ResolvedWeights


def load_weights(weights: ResolvedWeights) -> dict[str, Arrays]:
    """Return the weights of every layer, after making sure that they are still those.

    Raises
    ------
    WeightsUnavailableError
        If the file has gone or has another content than when it was resolved.
    ValueError
        If the file does not hold ResNet50's weights.
    """
    if weights.path is None:
        assert weights.seed is not None
        return draw_weights(weights.seed)
    path = Path(weights.path)
    if weights.name == "imagenet" and not path.is_file():
        path = fetch_imagenet()  # a model from another machine: other folder, same file
    if not path.is_file():
        raise WeightsUnavailableError(
            f"The weights file {path} is not there any more: put it back, or resolve "
            "the weights anew."
        )
    if file_digest(path, "sha256") != weights.digest:
        raise WeightsUnavailableError(
            f"The weights file {path} has changed since it was first read (SHA-256 "
            f"{weights.digest[:12]}… then): put the former back, or resolve the "
            "weights anew."
        )
    return read_weights(path)


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

"""What files of features say of the embedder that has made them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Final

from skresnet.base import installed_version
from skresnet.datasets.features import EMBEDDER_KEY
from skresnet.embedder import EMBEDDERS
from skresnet.embedding import FEATURES_VERSION
from skresnet.image_embedder import ImageEmbedder

# What concerns the run that has made the rows, and not the rows.
_OF_THE_RUN: Final = (
    *("allow_paths", "batch_size", "cache", "n_jobs", "on_error", "verbose"),
)


def embedder_metadata(embedder: ImageEmbedder) -> dict[bytes, bytes]:
    """Describe a fitted embedder, for the metadata of a Parquet schema.

    Random weights that were drawn from no whole number cannot be drawn again, so that
    nothing is said of them.
    """
    params = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value
        for name, value in embedder.get_params().items()
        if name not in _OF_THE_RUN
    }
    if not isinstance(params["random_state"], int):
        if params["weights"] is None:
            return {}
        params["random_state"] = None
    described = {
        "skresnet": installed_version("skresnet"),
        "network": embedder._network.name,
        "weights": embedder.weights_.digest,
        "features_version": FEATURES_VERSION,
        "params": params,
    }
    return {EMBEDDER_KEY: json.dumps(described, sort_keys=True).encode()}


def embedder_described(text: str) -> ImageEmbedder:
    """Make an embedder, not yet fitted, as `embedder_metadata` has described one.

    Raises
    ------
    ValueError
        If it is of a version or a network that is not known here.
    """
    described = _read(text)
    network = described["network"]
    if described["features_version"] != FEATURES_VERSION or network not in EMBEDDERS:
        raise ValueError(
            f"The features were made by skresnet {described['skresnet']} with the "
            f"network {network!r}, in a way that skresnet "
            f"{installed_version('skresnet')} does not know. Make them again with "
            "`skresnet embed`, or install that version."
        )
    params = dict(described["params"])
    if isinstance(params.get("input_size"), list):
        params["input_size"] = tuple(params["input_size"])
    return EMBEDDERS[network](**params)


def check_same_features(text: str, embedder: ImageEmbedder, of_whom: str) -> None:
    """Raise unless features are those that a fitted embedder would make.

    Parameters
    ----------
    text : str
        What the file says of its embedder.

    embedder : ImageEmbedder
        The fitted embedder.

    of_whom : str
        Whose embedder it is, for the message.

    Raises
    ------
    ValueError
        If weights or a parameter that decides a row differ; the message names them.
    """
    [own_text] = embedder_metadata(embedder).values() or [b"{}"]
    own, described = _decisive(own_text.decode()), _decisive(text)
    differing = [
        f"{name}: {described.get(name)!r} there, {own.get(name)!r} {of_whom}"
        for name in sorted({*own, *described})
        if own.get(name) != described.get(name)
    ]
    if differing:
        raise ValueError(
            "The features were made by another embedder than expected "
            f"({'; '.join(differing)}). Make them again with `skresnet embed` and the "
            "same options."
        )


def _decisive(text: str) -> dict[str, Any]:
    """Give all that decides a row but the engine, which decides its rounding alone."""
    described = _read(text)
    params = dict(described.get("params", {}))
    # Weights are compared by their content, and a size may be one number or two.
    for name in ("engine", "random_state", "weights"):
        params.pop(name, None)
    size = params.get("input_size")
    if isinstance(size, int):
        params["input_size"] = [size, size]
    names = ("network", "weights", "features_version")
    return params | {name: described.get(name) for name in names}


def _read(text: str) -> Mapping[str, Any]:
    return json.loads(text)

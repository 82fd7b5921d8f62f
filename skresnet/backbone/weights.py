"""Which weights the network gets: found, verified and named by their content."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from skresnet.backbone.digests import file_digest
from skresnet.backbone.distilled import find_distilled
from skresnet.backbone.drawing import drawing_digest
from skresnet.backbone.imagenet import fetch_imagenet


@dataclass(frozen=True)
class ResolvedWeights:
    """Weights that were found, and what tells them from all others.

    Attributes
    ----------
    name : {"imagenet", "distilled", "file", "random"}
        Where they come from.
    digest : str
        The SHA-256 of the file's content in hexadecimal, or
        ``"random:<seed>:<version of the drawing>"``. Equal digests mean equal weights.
    path : str or None
        The absolute path of the file; None for random weights.
    seed : int or None
        What random weights are drawn from; None for a file.
    """

    name: Literal["imagenet", "distilled", "file", "random"]
    digest: str
    path: str | None = None
    seed: int | None = None

    def __repr__(self) -> str:
        # scikit-learn's display of fitted attributes has room for 30 characters.
        return f"<{self.name} {self.digest[:15]}>"


def resolve_weights(
    weights: str | os.PathLike[str] | None, *, seed: int | None = None
) -> ResolvedWeights:
    """Find the weights that are asked for and take their digest.

    Parameters
    ----------
    weights : "imagenet", "distilled", path or None
        ``"imagenet"`` for the weights that Keras publishes, downloaded on first use
        into the folder of Keras; ``"distilled"`` for those that come with this
        package; the path of a Keras file that holds ResNet50's weights, with or
        without classification top; None for random weights.
    seed : int, default=None
        What random weights are drawn from, at least 0. Needed for ``weights=None``
        and ignored otherwise. No global seed is read or set.

    Returns
    -------
    resolved : ResolvedWeights
        What :class:`BackboneSpec` needs to know of the weights.

    Raises
    ------
    WeightsUnavailableError
        If the ImageNet weights are neither on this machine nor to be downloaded, or
        the file that comes with this package is missing or damaged.
    FileNotFoundError
        If there is no file at the path.
    TypeError, ValueError
        If ``weights`` is of another type, or ``seed`` is no seed.
    """
    if weights is None:
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(
                f"seed={seed!r} cannot seed random weights: weights=None needs an "
                "integer of at least 0."
            )
        seed = int(seed)
        return ResolvedWeights("random", drawing_digest(seed), seed=seed)
    if weights == "imagenet":
        path = fetch_imagenet()
        return ResolvedWeights("imagenet", file_digest(path, "sha256"), str(path))
    if weights == "distilled":
        path = find_distilled()
        return ResolvedWeights("distilled", file_digest(path, "sha256"), str(path))
    try:
        path = Path(weights).expanduser().absolute()
    except TypeError:
        raise TypeError(
            f"weights={weights!r} is of type {type(weights).__name__}: expected "
            "'imagenet', 'distilled', the path of a weights file, or None for random "
            "weights."
        ) from None
    if not path.is_file():
        raise FileNotFoundError(
            f"weights={str(weights)!r}: there is no file {path}. Expected "
            "'imagenet', 'distilled', the path of a Keras file with ResNet50's "
            "weights (.h5, .weights.h5 or .keras), or None for random weights."
        )
    return ResolvedWeights("file", file_digest(path, "sha256"), str(path))

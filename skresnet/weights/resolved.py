"""Which weights a network gets: found, verified, named by their content, and read."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from skresnet.base import installed_version
from skresnet.networks import NETWORKS, RESNET50, Arrays, Network
from skresnet.validation import user_path
from skresnet.weights import distilled, imagenet, lite0
from skresnet.weights.files import WeightsUnavailableError, file_digest
from skresnet.weights.keras_files import read_keras_file

RANDOM_VERSION = 1  # to be raised when the same seed gives other weights

Name = Literal["imagenet", "distilled", "lite0", "file", "random"]

# What the values of the parameter ``weights`` that are no paths mean for a network.
_NAMES: dict[str, dict[str, Name]] = {
    "resnet50": {"imagenet": "imagenet", "distilled": "distilled"},
    "efficientnet_lite0": {"imagenet": "lite0"},
}
# Files that are no Keras files, and come with a package.
_READERS = {"distilled": distilled.read_packed, "lite0": lite0.read_lite0}

_FIT_AGAIN = (
    "or set the parameter weights of the embedder, in a Pipeline by "
    "set_params(embedder__weights=...), and fit again."
)


@dataclass(frozen=True)
class ResolvedWeights:
    """Weights that were found, and what tells them from all others.

    Attributes
    ----------
    name : {"imagenet", "distilled", "lite0", "file", "random"}
        Where they come from; ``"lite0"`` is the package of EfficientNet-Lite0's.
    digest : str
        The SHA-256 of the file's content in hexadecimal, or
        ``"random:<seed>:<version>"``. Equal digests mean equal weights.
    path : str or None
        The absolute path of the file; None for random weights.
    seed : int or None
        What random weights are drawn from; None for a file.
    network : str
        The network that they are weights of.
    """

    name: Name
    digest: str
    path: str | None = None
    seed: int | None = None
    network: str = "resnet50"

    def __repr__(self) -> str:
        # scikit-learn's display of fitted attributes has room for 30 characters.
        return f"<{self.name} {self.digest[:15]}>"


def resolve_weights(
    weights: str | os.PathLike[str] | None,
    *,
    seed: int | None = None,
    network: Network = RESNET50,
) -> ResolvedWeights:
    """Find the weights that are asked for and take their digest.

    Parameters
    ----------
    weights : "imagenet", "distilled", path or None
        ``"imagenet"`` for those that were trained on ImageNet: of ResNet50 the ones
        that Keras publishes, downloaded on first use into the folder of Keras, of
        EfficientNet-Lite0 those of the package that is installed with this one;
        ``"distilled"`` for ResNet50's that come with this package; the path of a Keras
        file that holds the network's weights, with or without classification top; None
        for random weights.
    seed : int, default=None
        What random weights are drawn from, at least 0; ignored with others. No global
        seed is read or set.
    network : Network, default=RESNET50
        What they are weights of.

    Returns
    -------
    resolved : ResolvedWeights
        What :class:`BackboneSettings` needs to know of the weights.

    Raises
    ------
    WeightsUnavailableError
        If the ImageNet weights are neither on this machine nor to be downloaded, or
        a file that comes with a package is missing or damaged.
    FileNotFoundError
        If there is no file at the path.
    """
    if weights is None:
        assert seed is not None
        digest = random_digest(seed)
        return ResolvedWeights("random", digest, None, int(seed), network.name)
    name = _NAMES[network.name].get(str(weights), "file")
    path = user_path(weights).absolute() if name == "file" else _named(name)
    if not path.is_file():
        raise FileNotFoundError(
            f"weights={str(weights)!r}: there is no file {path}. Expected "
            f"{', '.join(map(repr, _NAMES[network.name]))}, the path of a Keras file "
            f"with {network.title}'s weights (.h5, .weights.h5 or .keras), or None for "
            "random weights."
        )
    return ResolvedWeights(name, file_digest(path), str(path), network=network.name)


def load_weights(weights: ResolvedWeights) -> dict[str, Arrays]:
    """Return the weights of every layer, after making sure that they are still those.

    Returns
    -------
    arrays : dict of tuple of ndarray
        float32 arrays by name of layer, of the shapes of `Network.weight_shapes`.

    Raises
    ------
    WeightsUnavailableError, ValueError
        As `verified_weights` and what it returns.
    """
    return verified_weights(weights)()


def verified_weights(weights: ResolvedWeights) -> Callable[[], dict[str, Arrays]]:
    """Make sure that weights are still those that were found, and read none yet.

    Returns
    -------
    read : callable
        Returns what `load_weights` does.

    Raises
    ------
    WeightsUnavailableError
        If the weights are not on this machine, or are others than when they were
        resolved.
    ValueError
        By ``read``, if the file does not hold the weights of the network.
    """
    network = NETWORKS[weights.network]
    if weights.seed is not None:
        now = random_digest(weights.seed)
        if now != weights.digest:
            raise _other_version(weights, now)
        return partial(random_weights, network, weights.seed)
    path = _find(weights)
    now = file_digest(path)
    if weights.name in _READERS:
        if now != weights.digest:
            raise _other_version(weights, now)
        return partial(_READERS[weights.name], path)
    if now != weights.digest:
        raise WeightsUnavailableError(
            f"The weights file {path} has changed: its SHA-256 is {now}, and was "
            f"{weights.digest} at the time of fit. Put the former file back, "
            f"{_FIT_AGAIN}"
        )
    return partial(read_keras_file, network, path)


def _find(weights: ResolvedWeights) -> Path:
    """Return the file, which for a model of another machine may lie elsewhere here."""
    assert weights.path is not None
    path = Path(weights.path)
    if weights.name in _READERS:
        return _named(weights.name)
    if weights.name == "imagenet" and not path.is_file():
        try:
            return imagenet.fetch_imagenet()
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


def _named(name: str) -> Path:
    """Return the verified file of weights that have a name."""
    if name == "imagenet":
        return imagenet.fetch_imagenet()
    return distilled.find_distilled() if name == "distilled" else lite0.find_lite0()


def _other_version(weights: ResolvedWeights, now: str) -> WeightsUnavailableError:
    """Say that another version of this package has made the features so far."""
    return WeightsUnavailableError(
        f"The {weights.name} weights of skresnet {installed_version('skresnet')} are "
        f"{now}, and those at the time of fit were {weights.digest}, of another "
        f"version: install that one, {_FIT_AGAIN}"
    )


def random_digest(seed: int) -> str:
    """Return what tells the weights of a seed from all others."""
    return f"random:{seed}:{RANDOM_VERSION}"


def random_weights(network: Network, seed: int) -> dict[str, Arrays]:
    """Draw weights as Keras initialises them, layer by layer.

    Kernels are uniform within ``sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio,
    2010, Keras' ``GlorotUniform``), biases zero; batch normalisation changes nothing
    but its epsilon. Every layer has a stream of its own.
    """
    weights: dict[str, Arrays] = {}
    for i, (name, shapes) in enumerate(network.weight_shapes.items()):
        vectors = [np.zeros(shape, np.float32) for shape in shapes if len(shape) == 1]
        if len(vectors) == len(shapes):
            zero, one = vectors[0], np.ones_like(vectors[0])
            weights[name] = (one, zero, zero, one)
        else:
            height, width, fan_in, fan_out = kernel = shapes[0]
            limit = np.sqrt(6 / (height * width * (fan_in + fan_out)))
            draws = np.random.default_rng([seed, i]).random(kernel, dtype=np.float32)
            centred = (draws - np.float32(0.5)) * np.float32(2 * limit)
            weights[name] = (centred, *vectors)
    return weights

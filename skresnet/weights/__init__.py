"""The weights of networks: found, verified, read."""

from skresnet.weights.files import WeightsUnavailableError
from skresnet.weights.info import WeightsInfo, load_weights_info
from skresnet.weights.resolved import (
    ResolvedWeights,
    load_weights,
    resolve_weights,
    verified_weights,
)

__all__ = [
    "ResolvedWeights",
    "WeightsInfo",
    "WeightsUnavailableError",
    "load_weights",
    "load_weights_info",
    "resolve_weights",
    "verified_weights",
]

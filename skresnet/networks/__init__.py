"""Networks as tables of layers, without TensorFlow."""

from skresnet.networks.layers import (
    POOLINGS,
    Arrays,
    Layer,
    Network,
    Operation,
    Pooling,
)
from skresnet.networks.resnet50 import RESNET50

NETWORKS = {network.name: network for network in (RESNET50,)}

__all__ = [
    "NETWORKS",
    "POOLINGS",
    "RESNET50",
    "Arrays",
    "Layer",
    "Network",
    "Operation",
    "Pooling",
]

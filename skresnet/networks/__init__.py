"""Networks as tables of layers, without TensorFlow."""

from skresnet.networks.efficientnet_lite0 import EFFICIENTNET_LITE0
from skresnet.networks.layers import (
    POOLINGS,
    Arrays,
    Layer,
    Network,
    Operation,
    Pooling,
)
from skresnet.networks.resnet50 import RESNET50

NETWORKS = {network.name: network for network in (RESNET50, EFFICIENTNET_LITE0)}

__all__ = [
    "EFFICIENTNET_LITE0",
    "NETWORKS",
    "POOLINGS",
    "RESNET50",
    "Arrays",
    "Layer",
    "Network",
    "Operation",
    "Pooling",
]

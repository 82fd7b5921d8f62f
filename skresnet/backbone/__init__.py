"""From pixels to features: the inference graph of a network, and its Keras model."""

from skresnet.backbone.backbone import Backbone, load_backbone
from skresnet.backbone.keras_model import keras_model
from skresnet.backbone.settings import (
    ENGINES,
    PRECISIONS,
    BackboneSettings,
    Engine,
    EngineUnavailableError,
    Precision,
    check_engine,
    check_precision,
    limit_threads,
    most_threads,
)

__all__ = [
    "ENGINES",
    "PRECISIONS",
    "Backbone",
    "BackboneSettings",
    "Engine",
    "EngineUnavailableError",
    "Precision",
    "check_engine",
    "check_precision",
    "keras_model",
    "limit_threads",
    "load_backbone",
    "most_threads",
]

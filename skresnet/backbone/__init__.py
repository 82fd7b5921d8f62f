"""From pixels to features: ResNet50's weights, its Keras model, its inference graph."""

from skresnet.backbone.architecture import feature_shape, layer_names, n_features
from skresnet.backbone.engines import EngineUnavailableError, check_engine
from skresnet.backbone.errors import WeightsUnavailableError
from skresnet.backbone.imagenet import imagenet_is_cached, imagenet_path
from skresnet.backbone.known import WeightsInfo, load_weights_info
from skresnet.backbone.loading import Backbone, load_backbone
from skresnet.backbone.network import keras_model
from skresnet.backbone.precision import check_precision
from skresnet.backbone.spec import BackboneSpec
from skresnet.backbone.weights import ResolvedWeights, resolve_weights

__all__ = [
    "Backbone",
    "BackboneSpec",
    "EngineUnavailableError",
    "ResolvedWeights",
    "WeightsInfo",
    "WeightsUnavailableError",
    "check_engine",
    "check_precision",
    "feature_shape",
    "imagenet_is_cached",
    "imagenet_path",
    "keras_model",
    "layer_names",
    "load_backbone",
    "load_weights_info",
    "n_features",
    "resolve_weights",
]

"""What a backbone is asked to be."""

from dataclasses import dataclass
from typing import Literal

from skresnet.backbone.architecture import Pooling, n_features
from skresnet.backbone.engines import ENGINES, Engine
from skresnet.backbone.precision import PRECISIONS, Precision
from skresnet.backbone.weights import ResolvedWeights

Preprocessing = Literal["caffe"] | None


@dataclass(frozen=True)
class BackboneSpec:
    """All that determines what a backbone computes, to the last bit of its weights.

    Equal specs mean equal features. A spec can be hashed and pickled, and making one
    neither needs an engine nor reads weights.

    Parameters
    ----------
    weights : ResolvedWeights
        What :func:`resolve_weights` returned.
    layer : str, default="avg_pool"
        The layer of ResNet50 whose output is taken, one of :func:`layer_names`.
    pooling : {"avg", "max", "flatten"}, default="avg"
        How an output of (height, width, channels) becomes one row. ``"avg_pool"``,
        a mean already, allows only ``"avg"``.
    input_size : tuple of int, default=(224, 224)
        (height, width) of the pictures in pixels, each at least 32.
    preprocessing : {"caffe", None}, default="caffe"
        ``"caffe"`` is ``keras.applications.resnet.preprocess_input``, which the
        ImageNet weights were trained with: channels from RGB to BGR, minus the means
        103.939, 116.779 and 123.68. None leaves the pixels as they are.
    precision : {"float32", "bfloat16"}, default="float32"
        What convolutions are computed in. Features are float32 in any case.
    engine : {"tensorflow", "openvino"}, default="tensorflow"
        What computes them. The features of two engines differ by rounding.

    Raises
    ------
    ValueError
        If one of the parameters is not among the values above.
    """

    weights: ResolvedWeights
    layer: str = "avg_pool"
    pooling: Pooling = "avg"
    input_size: tuple[int, int] = (224, 224)
    preprocessing: Preprocessing = "caffe"
    precision: Precision = "float32"
    engine: Engine = "tensorflow"

    def __post_init__(self) -> None:
        n_features(self.layer, self.pooling, self.input_size)
        if self.preprocessing not in ("caffe", None):
            raise ValueError(
                f"preprocessing={self.preprocessing!r} is unknown: expected 'caffe' "
                "or None."
            )
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision={self.precision!r} is unknown: expected one of "
                f"{', '.join(map(repr, PRECISIONS))}."
            )
        if self.engine not in ENGINES:
            raise ValueError(
                f"engine={self.engine!r} is unknown: expected one of "
                f"{', '.join(map(repr, ENGINES))}."
            )
        height, width = self.input_size  # a list or NumPy integers would not hash alike
        object.__setattr__(self, "input_size", (int(height), int(width)))

    @property
    def n_features(self) -> int:
        """The number of columns of the features."""
        return n_features(self.layer, self.pooling, self.input_size)

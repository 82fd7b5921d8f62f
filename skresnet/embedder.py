"""ResNet50Embedder: pictures in, one row of features a picture out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skresnet.backbone import (
    BackboneSettings,
    check_engine,
    check_precision,
    keras_model,
)
from skresnet.base import VersionedEstimator, restored_on_failure
from skresnet.cache import EmbeddingCache
from skresnet.embedding import Embedded, EmbeddingSettings, embed
from skresnet.networks import RESNET50
from skresnet.novelty import SeenPictures
from skresnet.reading import (
    ASPECTS,
    INTERPOLATIONS,
    Picture,
    Resizing,
    as_pictures,
)
from skresnet.validation import check_same_length, checked_input_size
from skresnet.weights import ResolvedWeights, resolve_weights

_LARGEST_SEED = np.iinfo(np.int32).max


class ResNet50Embedder(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    VersionedEstimator,
):
    """Turn pictures into features with a pretrained ResNet50.

    A picture is read, turned upright, made RGB, resized and sent through Keras'
    ResNet50 (He et al., 2016) up to a layer, whose output is its row of features.
    The network is built on first use, once a process for all embedders of equal
    settings, and is no part of a pickle.

    X may be paths or the content of image files as bytes (list, array, pandas or polars
    Series), an array of pictures of shape (n_samples, height, width, 3) or
    (n_samples, height, width), a list of arrays of different sizes, a list of PIL
    images, or a list that mixes these. Floats are pixel values from 0 to 255, as for
    Keras' ``preprocess_input``.

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

    precision : {"float32", "bfloat16"}, default="float32"
        Precision of the convolutions. ``"bfloat16"`` is about twice as fast on
        processors that have instructions for it, and an error on others.

    engine : {"tensorflow", "openvino"}, default="tensorflow"
        What computes the network. ``"openvino"`` is made for inference alone and needs
        ``pip install "skresnet[openvino]"``; its features differ from TensorFlow's by
        rounding.

    scaled_decoding : bool, default=True
        Let the JPEG decoder deliver a half, quarter or eighth of the size where that
        still covers ``input_size``. Faster on photographs of several megapixels, with
        slightly different pixels.

    batch_size : int, default=32
        Pictures that go through the network at once.

    n_jobs : int or None, default=None
        Threads that read and decode pictures ahead of the network, as joblib counts:
        None is 1, -1 one a processor.

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

    weights_: ResolvedWeights

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "weights": [str, os.PathLike, None],
        "layer": [str],
        "pooling": [StrOptions({"avg", "max", "flatten"})],
        "input_size": "no_validation",  # checked_input_size does it
        "interpolation": [StrOptions(set(INTERPOLATIONS))],
        "aspect": [StrOptions(set(ASPECTS))],
        "preprocessing": [StrOptions({"caffe"}), None],
        "precision": [StrOptions({"float32", "bfloat16"})],
        "engine": [StrOptions({"tensorflow", "openvino"})],
        "scaled_decoding": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [
            Interval(Integral, None, -1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
        "cache": [str, os.PathLike, EmbeddingCache, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "allow_paths": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
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
        engine: str = "tensorflow",
        scaled_decoding: bool = True,
        batch_size: int = 32,
        n_jobs: int | None = None,
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

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the weights and check the parameters; no picture is opened.

        Parameters
        ----------
        X : pictures
            See the class.

        y : None
            Ignored.

        Returns
        -------
        self : ResNet50Embedder
            The embedder, ready to transform.

        Raises
        ------
        WeightsUnavailableError
            If the ImageNet weights are not on this machine and cannot be downloaded,
            or the file of those that come with this package is missing or damaged.

        EngineUnavailableError
            If the engine is not installed.

        ValueError, TypeError
            If a parameter, or what X is made of, cannot be used.
        """
        context = self._init_callback_context()
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        self._pictures(X)
        with restored_on_failure(self):
            self._prepare()
            context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and compute the features of the same pictures.

        Parameters
        ----------
        X : pictures
            See the class.

        y : array-like of shape (n_samples,), default=None
            Nothing but its length is looked at, before a picture is opened.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features), float32
            As of `transform`.

        Raises
        ------
        UnreadableImageError
            As of `transform`. The embedder is then what it was before the call, as
            after the errors of `fit`.
        """
        pictures = self._pictures(X)
        if y is not None:
            # In a Pipeline nobody else would notice before all pictures are embedded.
            check_same_length(pictures, y)
        n_batches = -(-len(pictures) // int(self.batch_size))
        context = self._init_callback_context(max_subtasks=n_batches)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)

        @contextmanager
        def batch_task() -> Iterator[None]:
            task = context.subcontext(task_name="batch")
            task.call_on_fit_task_begin(estimator=self)
            yield
            task.call_on_fit_task_end(estimator=self)

        with restored_on_failure(self):
            self._prepare()
            embedded = self._embed(pictures, batch_task)
            rows = embedded.complete_rows(self.on_error)
            self._remember(embedded)
            context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return rows

    def transform(self, X: Any) -> np.ndarray:
        """Compute the features of pictures.

        Parameters
        ----------
        X : pictures
            See the class.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features), float32
            One row a picture, in the order of X.

        Raises
        ------
        UnreadableImageError
            If pictures cannot be read and ``on_error="raise"``.

        WeightsUnavailableError
            If the weights of `fit` are not on this machine, or are others by now.

        EngineUnavailableError
            If the engine is not installed.
        """
        check_is_fitted(self)
        return self._embed(self._pictures(X)).complete_rows(self.on_error)

    def novelty(self, X: Any, *, false_alarm_rate: float = 0.01) -> np.ndarray:
        """Tell how unlike all pictures of `fit_transform` some pictures are.

        Parameters
        ----------
        X : pictures
            See the class.

        false_alarm_rate : float, default=0.01
            The share of pictures like those of the training that may exceed 1.

        Returns
        -------
        novelty : ndarray of shape (n_samples,)
            The mean distance to the nearest pictures of the training, divided by what
            pictures like them rarely exceed: above 1, a picture is unlike anything
            that was seen. See `NoveltyDetector`.

        Raises
        ------
        ValueError
            If `fit_transform` has not seen at least two pictures.
        """
        check_is_fitted(self)
        embedded = self._embed(self._pictures(X))
        embedded.complete_rows(self.on_error)
        return self.seen_.novelty(embedded, false_alarm_rate)

    def keras_model(self) -> Any:
        """Build the Keras model of the fitted embedder, up to ``layer``.

        Returns
        -------
        model : keras.Model
            From preprocessed pictures to the output of the layer, before pooling.
        """
        check_is_fitted(self)
        return keras_model(self._backbone)

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print the layers of the network, as Keras' ``Model.summary`` does.

        An embedder that is not fitted shows them too, without looking for weights.

        Parameters
        ----------
        print_fn : callable, default=None
            What to print with, instead of standard output.
        """
        weights = getattr(self, "weights_", None) or resolve_weights(None, seed=0)
        keras_model(self._backbone_settings(weights)).summary(print_fn=print_fn)

    @property
    def _n_features_out(self) -> int:
        return self._backbone.n_features

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "weights_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True  # paths
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True  # grey pictures
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _prepare(self) -> None:
        """Check the parameters, and find the weights."""
        input_size = checked_input_size(self.input_size)
        RESNET50.n_features(self.layer, self.pooling, input_size)
        check_engine(self.engine)
        check_precision(self.precision)
        seed = None
        if self.weights is None:
            seed = check_random_state(self.random_state).randint(_LARGEST_SEED)
        self.weights_ = resolve_weights(self.weights, seed=seed)
        self._backbone = self._backbone_settings(self.weights_)
        self.seen_ = SeenPictures()
        self._resizing = Resizing(
            input_size=input_size,
            interpolation=self.interpolation,
            aspect=self.aspect,
            scaled_decoding=bool(self.scaled_decoding),
        )

    def _backbone_settings(self, weights: ResolvedWeights) -> BackboneSettings:
        return BackboneSettings(
            weights=weights,
            layer=self.layer,
            pooling=self.pooling,  # type: ignore[arg-type]
            input_size=checked_input_size(self.input_size),
            preprocessing=self.preprocessing,
            precision=self.precision,  # type: ignore[arg-type]
            engine=self.engine,  # type: ignore[arg-type]
        )

    def _remember(self, embedded: Embedded) -> None:
        """Remember pictures as those of the training, as `fit_transform` does."""
        self.seen_ = SeenPictures.of(embedded)

    def _settings(self) -> EmbeddingSettings:
        # What was set after fit is to be as good as what fit has seen.
        self._validate_params()
        # Now, and not after all pictures were looked at: where a model is loaded, the
        # engine that it was fitted with may be missing.
        check_engine(self._backbone.engine)
        check_precision(self._backbone.precision)
        cache = self.cache
        if cache is not None and not isinstance(cache, EmbeddingCache):
            cache = EmbeddingCache(cache)
        return EmbeddingSettings(
            backbone=self._backbone,
            resizing=self._resizing,
            batch_size=int(self.batch_size),
            n_jobs=self.n_jobs,
            cache=cache,
            verbose=self.verbose,
        )

    def _pictures(self, X: Any) -> list[Picture]:
        """Find the pictures in X."""
        return as_pictures(X, allow_paths=self.allow_paths)

    def _embed(
        self,
        pictures: Sequence[Picture],
        around_batch: Callable[[], AbstractContextManager[None]] = nullcontext,
        *,
        on_error: str | None = None,
    ) -> Embedded:
        """Pass over pictures once: the rows, and what cannot be read.

        With ``on_error="nan"``, whatever the parameter says, all that can be read is
        computed; the caller asks `Embedded` for the failures.
        """
        return embed(
            pictures,
            self._settings(),
            in_vain_after_failure=(on_error or self.on_error) == "raise",
            around_batch=around_batch,
        )

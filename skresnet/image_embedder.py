"""What the embedders have in common: pictures in, one row of features each out."""

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
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.validation import check_is_fitted

from skresnet.backbone import (
    ENGINES,
    PRECISIONS,
    BackboneSettings,
    check_engine,
    check_precision,
    keras_model,
)
from skresnet.base import VersionedEstimator, restored_on_failure
from skresnet.cache import EmbeddingCache
from skresnet.cluster.collections import check_lazy_pictures, lazy_rows
from skresnet.embedding import Embedded, EmbeddingSettings, embed
from skresnet.lazy import DaskCollection
from skresnet.networks import POOLINGS, Network
from skresnet.novelty import SeenPictures
from skresnet.reading import (
    ASPECTS,
    INTERPOLATIONS,
    Picture,
    Resizing,
    as_pictures,
)
from skresnet.validation import (
    check_groups,
    check_same_length,
    checked_input_size,
)
from skresnet.weights import ResolvedWeights, resolve_weights

_LARGEST_SEED = np.iinfo(np.int32).max


class ImageEmbedder(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    VersionedEstimator,
):
    """All of an embedder but its network, its parameters and what they are said to be.

    A subclass has the network, and a constructor that stores the parameters.
    """

    # A Pipeline hands groups on to whoever asks, as its classifier does.
    __metadata_request__fit: ClassVar[dict[str, Any]] = {"groups": True}

    weights_: ResolvedWeights
    _network: ClassVar[Network]

    _plain_in_files: ClassVar[dict[str, type]] = {
        "weights_": ResolvedWeights,
        "_backbone": BackboneSettings,
        "_resizing": Resizing,
        "seen_": SeenPictures,
    }

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "weights": [str, os.PathLike, None],
        "layer": [str],
        "pooling": [StrOptions(set(POOLINGS))],
        "input_size": "no_validation",  # checked_input_size does it
        "interpolation": [StrOptions(set(INTERPOLATIONS))],
        "aspect": [StrOptions(set(ASPECTS))],
        "precision": [StrOptions(set(PRECISIONS))],
        "engine": [StrOptions({"auto", *ENGINES})],
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

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Find the weights and check the parameters; no picture is opened.

        Parameters
        ----------
        X : pictures
            See the class.

        y, groups : None
            Ignored.

        Returns
        -------
        self : object
            The embedder, ready to transform.

        Raises
        ------
        WeightsUnavailableError
            If the weights are neither on this machine nor to be downloaded, or their
            file is damaged.

        EngineUnavailableError
            If the engine is not installed.

        ValueError, TypeError
            If a parameter, or what X is made of, cannot be used.
        """
        context = self._init_callback_context()
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        self._check_pictures(X)
        with restored_on_failure(self):
            self._prepare()
            context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, *, groups: Any = None) -> np.ndarray:
        """Fit, and compute the features of the same pictures.

        Parameters
        ----------
        X : pictures
            See the class.

        y : array-like of shape (n_samples,), default=None
            Nothing but its length is looked at, before a picture is opened.

        groups : array-like of shape (n_samples,), default=None
            What subject each picture shows, which is remembered: those of a subject
            that was seen are told apart from new ones, and `novelty` is learnt from
            whole subjects that are held out. A Pipeline hands them on once metadata
            routing is enabled.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features), float32
            As of `transform`.

        Raises
        ------
        UnreadableImageError
            As of `transform`. The embedder is then what it was before the call, as
            after the errors of `fit`.

        Notes
        -----
        Of a Dask collection nothing is computed, and so nothing is remembered, as after
        `fit`.
        """
        if isinstance(X, DaskCollection):
            return self.fit(X, y).transform(X)
        pictures = self._as_pictures(X)
        if y is not None:
            # In a Pipeline nobody else would notice before all pictures are embedded.
            check_same_length(pictures, y)
        if groups is not None:
            groups = check_groups(groups, len(pictures))
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
            self._remember(embedded, groups)
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
        features : ndarray or Dask array of shape (n_samples, n_features), float32
            One row a picture, in the order of X; of a Dask collection, a lazy one.

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
        if isinstance(X, DaskCollection):
            return lazy_rows(
                X,
                self._settings(),
                on_error=self.on_error,
                allow_paths=bool(self.allow_paths),
            )
        return self._embed(self._as_pictures(X)).complete_rows(self.on_error)

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
        self.seen_.detector_for(false_alarm_rate)
        embedded = self._embed(self._as_pictures(X))
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
        weights = getattr(self, "weights_", None) or self._resolved(None, 0)
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
        self._network.n_features(self.layer, self.pooling, input_size)
        check_precision(self.precision, self.engine)
        check_engine(self.engine)
        seed = None
        if self.weights is None:
            seed = check_random_state(self.random_state).randint(_LARGEST_SEED)
        self.weights_ = self._resolved(self.weights, seed)
        self._backbone = self._backbone_settings(self.weights_)
        self.seen_ = SeenPictures()
        self._resizing = Resizing(
            input_size=input_size,
            interpolation=self.interpolation,
            aspect=self.aspect,
            scaled_decoding=bool(self.scaled_decoding),
        )

    def _resolved(self, weights: Any, seed: int | None) -> ResolvedWeights:
        return resolve_weights(weights, seed=seed, network=self._network)

    def _backbone_settings(self, weights: ResolvedWeights) -> BackboneSettings:
        return BackboneSettings(
            weights=weights,
            layer=self.layer,
            pooling=self.pooling,
            input_size=checked_input_size(self.input_size),
            preprocessing=self.preprocessing,
            precision=self.precision,
            engine=self.engine,
        )

    def _remember(self, embedded: Embedded, groups: Any = None) -> None:
        """Remember pictures as those of the training, as `fit_transform` does."""
        self.seen_ = SeenPictures.of(embedded, groups)

    def _settings(self) -> EmbeddingSettings:
        # What was set after fit is to be as good as what fit has seen.
        self._validate_params()
        # Now, and not after all pictures were looked at: where a model is loaded, the
        # engine that it was fitted with may be missing.
        backbone = self._backbone.on_this_machine()
        check_precision(backbone.precision, backbone.engine)
        check_engine(backbone.engine)
        cache = self.cache
        if cache is not None and not isinstance(cache, EmbeddingCache):
            cache = EmbeddingCache(cache)
        return EmbeddingSettings(
            backbone=backbone,
            resizing=self._resizing,
            batch_size=int(self.batch_size),
            n_jobs=self.n_jobs,
            cache=cache,
            verbose=self.verbose,
        )

    def _check_pictures(self, X: Any) -> None:
        """Refuse what holds no pictures; of a Dask collection, nothing is computed."""
        if isinstance(X, DaskCollection):
            check_lazy_pictures(X)
        else:
            self._as_pictures(X)

    def _as_pictures(self, X: Any) -> list[Picture]:
        """Find the pictures in X."""
        return as_pictures(X, allow_paths=self.allow_paths)

    def _as_output(self, rows: np.ndarray) -> Any:
        """Put rows into what `set_output` has chosen for those of `transform`."""
        return _wrap_data_with_container("transform", rows, None, self)

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

"""make_image_classifier: the Pipeline of embedder and classifier."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline, _final_estimator_has
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _num_samples, check_is_fitted

from skresnet.base import DocumentedEstimator
from skresnet.cache import EmbeddingCache
from skresnet.classifier import DenseSGDClassifier
from skresnet.embedder import EMBEDDERS
from skresnet.embedding import unreadable_headers
from skresnet.image_embedder import ImageEmbedder
from skresnet.lazy import DaskCollection, lazy_method
from skresnet.reading import UnreadableImageError
from skresnet.validation import check_groups, check_same_length, refuse_missing
from skresnet.warn import warn_user


class ImageClassifierPipeline(DocumentedEstimator, Pipeline):
    """A scikit-learn Pipeline that embeds the pictures of a validation set too.

    Parameters
    ----------
    steps : list of (str, estimator)
        Names and estimators, as in `sklearn.pipeline.Pipeline`.

    memory : str, joblib.Memory or None, default=None
        As in `sklearn.pipeline.Pipeline`.

    verbose : bool, default=False
        As in `sklearn.pipeline.Pipeline`.
    """

    __module__ = "skresnet"  # by which files find it, wherever it moves

    def __init__(
        self,
        steps: list[tuple[str, Any]],
        *,
        memory: Any = None,
        verbose: bool = False,
    ) -> None:
        self.steps = steps
        self.memory = memory
        self.verbose = verbose

    @property
    def transform_input(self) -> list[str] | None:
        """What of the metadata of `fit` goes through the embedder: ``X_val``.

        scikit-learn refuses any such list while metadata routing is off, so that this
        cannot be a parameter with a default.
        """
        return ["X_val"] if _routing_is_enabled() else None

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Embed the pictures and train the classifier on their features.

        Parameters
        ----------
        X : pictures
            As of `ResNet50Embedder`.

        y : array-like of shape (n_samples,)
            Class labels.

        **params : dict
            With metadata routing enabled, ``X_val`` (pictures) and ``y_val`` decide the
            best epoch instead of a part of X that is set aside. Searches and
            cross-validation hand them on to each fit whole, unless they are as long
            as X, when scikit-learn takes them for one value a sample and cuts them
            as it cuts X. ``sample_weight`` weighs the loss, and there the score.

        Returns
        -------
        self : ImageClassifierPipeline
            The fitted pipeline.
        """
        # Before hours of embedding, not after.
        if isinstance(self[-1], DenseSGDClassifier):
            self._check_classifier(X, y, params)
        else:
            self._check_target(X, y)
        return super().fit(X, y, **params)

    def _check_target(self, X: Any, y: Any) -> None:
        """Find what any other classifier or regressor would not take for y."""
        predictor = self[-1]
        if isinstance(X, DaskCollection) or not (
            isinstance(predictor, BaseEstimator)
            and isinstance(self[0], ImageEmbedder)
            and get_tags(predictor).target_tags.required
        ):
            return
        if hasattr(predictor, "_parameter_constraints"):
            predictor._validate_params()
        if y is None:
            raise ValueError(
                f"{type(predictor).__name__} requires y to be passed, but the target y "
                "is None: pass one label for each picture."
            )
        check_same_length(self[0]._as_pictures(X), y)
        if np.ndim(y) == 1:
            refuse_missing(y, "y")
        if is_classifier(predictor):
            check_classification_targets(y)

    def _check_classifier(self, X: Any, y: Any, params: dict[str, Any]) -> None:
        """Let the classifier check what it will be given beside the features."""
        prefix = f"{self.steps[-1][0]}__"
        given = params
        if not _routing_is_enabled():
            given = {
                name.removeprefix(prefix): value
                for name, value in params.items()
                if name.startswith(prefix)
            }
            if params.keys() & {"X_val", "y_val"} or _are_no_rows(given.get("X_val")):
                raise ValueError(
                    "X_val and y_val reach the classifier, with X_val embedded on the "
                    "way, once metadata routing is enabled: call "
                    "sklearn.set_config(enable_metadata_routing=True) before fit, and "
                    "pass them by these names. Or leave them out, and a part of X is "
                    "set aside."
                )
        is_ours = isinstance(self[0], ImageEmbedder)
        if isinstance(X, DaskCollection):
            return  # whose length may be unknown, and of which nothing is computed yet
        pictures = self[0]._as_pictures(X) if is_ours else X
        X_val = given.get("X_val")
        if is_ours and X_val is not None and not isinstance(X_val, DaskCollection):
            try:
                given = {**given, "X_val": self[0]._as_pictures(X_val)}
            except (TypeError, ValueError) as error:
                raise type(error)(f"X_val cannot be used: {error}") from error
        self[-1]._check_fit(y, n_samples=_num_samples(pictures), **given)
        if given.get("X_val") is not X_val and self[0].on_error == "raise":
            failures = unreadable_headers(given["X_val"], n_jobs=self[0].n_jobs)
            if failures:
                unreadable = UnreadableImageError(failures)
                raise ValueError(f"X_val cannot be used: {unreadable}") from unreadable

    @available_if(_final_estimator_has("predict"))
    def predict(self, X: Any, **params: Any) -> Any:
        """Predict the class of each picture.

        Parameters
        ----------
        X : pictures
            As of `ResNet50Embedder`.

        **params : dict
            As of `sklearn.pipeline.Pipeline`; with a Dask collection, none.

        Returns
        -------
        labels : ndarray or Dask array of shape (n_samples,)
            Labels from ``classes_``; of a Dask collection of pictures, a lazy array.
        """
        return self._predicted("predict", X, params)

    @available_if(_final_estimator_has("predict_proba"))
    def predict_proba(self, X: Any, **params: Any) -> Any:
        """Compute the probability of each class for each picture.

        Parameters
        ----------
        X : pictures
            As of `ResNet50Embedder`.

        **params : dict
            As of `sklearn.pipeline.Pipeline`; with a Dask collection, none.

        Returns
        -------
        probabilities : ndarray or Dask array of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; of a Dask collection of pictures, a
            lazy array.
        """
        return self._predicted("predict_proba", X, params)

    @available_if(_final_estimator_has("decision_function"))
    def decision_function(self, X: Any, **params: Any) -> Any:
        """Compute what the classifier decides by, if it tells.

        Parameters
        ----------
        X : pictures
            As of `ResNet50Embedder`.

        **params : dict
            As of `sklearn.pipeline.Pipeline`; with a Dask collection, none.

        Returns
        -------
        decisions : ndarray or Dask array of shape (n_samples,) or \
                (n_samples, n_classes)
            As of the classifier; of a Dask collection of pictures, a lazy array.
        """
        return self._predicted("decision_function", X, params)

    def _predicted(self, method: str, X: Any, params: dict[str, Any]) -> Any:
        if not (isinstance(X, DaskCollection) and isinstance(self[0], ImageEmbedder)):
            return getattr(super(), method)(X, **params)
        if params:
            raise TypeError(
                f"{method} takes no {', '.join(map(repr, params))} with a Dask "
                "collection: pass the pictures alone."
            )
        # Lazily whatever comes after the embedder, which may know nothing of Dask.
        return lazy_method(self[1:], self[0].transform(X), method)

    def evaluate(self, X: Any, y: Any, *, groups: Any = None) -> dict[str, float]:
        """Compute the loss and the accuracy on pictures.

        Parameters
        ----------
        X : pictures
            As of `ResNet50Embedder`.

        y : array-like of shape (n_samples,)
            Class labels.

        groups : array-like of shape (n_samples,), default=None
            What subject each picture shows, as in `fit`.

        Returns
        -------
        result : dict
            ``"loss"`` and ``"accuracy"``, see `DenseSGDClassifier.evaluate`; the loss
            is missing of a classifier without probabilities. Where some of the
            pictures are, byte for byte or nearly, pictures that the Pipeline was
            trained on, or show a subject that it was trained on, a warning says how
            many, and ``"accuracy_on_others"``, ``"n_training_pictures"``,
            ``"n_near_copies"`` and ``"n_of_training_groups"`` come first.
        """
        if not isinstance(self[0], ImageEmbedder):
            return self._evaluate(self[:-1].transform(X), y)
        pictures = self[0]._as_pictures(X)
        if y is None:
            raise ValueError("evaluate needs y: pass one label for each picture.")
        check_same_length(pictures, y)
        if groups is not None:
            groups = check_groups(groups, len(pictures))
        embedded = self[0]._embed(pictures)
        rows = self[0]._as_output(embedded.complete_rows(self[0].on_error))
        if len(self) > 2:
            rows = self[1:-1].transform(rows)
        result = self._evaluate(rows, y)
        found = self[0].seen_.recognise(embedded, groups)
        others = np.flatnonzero(found.are_new)
        if len(others) == len(rows):
            return result
        names = ("n_training_pictures", "n_near_copies", "n_of_training_groups")
        counts = [int(values.sum()) for values in found]
        first: dict[str, float] = dict(zip(names, counts, strict=True))
        kinds = (
            "byte for byte pictures that the Pipeline was trained on",
            "nearly the same as such pictures",
            "of groups that it was trained on",
        )
        said = [
            f"{count} are {kind}"
            for count, kind in zip(counts, kinds, strict=True)
            if count
        ]
        warning = (
            f"Of the {len(rows)} pictures, {' and '.join(said)}, which tells nothing "
            "of its accuracy on new ones."
        )
        if len(others):
            new_rows, new_y = (_safe_indexing(each, others) for each in (rows, y))
            accuracy = self._evaluate(new_rows, new_y)["accuracy"]
            first = {"accuracy_on_others": accuracy, **first}
            warning += f" The accuracy on the others is {accuracy:.4f}."
        warn_user(warning)
        return first | result

    def _evaluate(self, rows: Any, y: Any) -> dict[str, float]:
        """Let the classifier evaluate itself, or score what it predicts."""
        classifier = self[-1]
        if hasattr(classifier, "evaluate"):
            return dict(classifier.evaluate(rows, y))
        accuracy = {"accuracy": float(classifier.score(rows, y))}
        if not hasattr(classifier, "predict_proba"):
            return accuracy
        from sklearn.metrics import log_loss  # which few need, and is slow to import

        probabilities = classifier.predict_proba(rows)
        if isinstance(probabilities, list):  # of several labels a picture
            return accuracy
        loss = log_loss(y, probabilities, labels=classifier.classes_)
        return {"loss": float(loss), **accuracy}

    def novelty(self, X: Any, *, false_alarm_rate: float = 0.01) -> np.ndarray:
        """Tell how unlike all pictures of the training some pictures are.

        Parameters
        ----------
        X : pictures
            As of `ResNet50Embedder`.

        false_alarm_rate : float, default=0.01
            The share of pictures like those of the training that may exceed 1.

        Returns
        -------
        novelty : ndarray of shape (n_samples,)
            Above 1 for pictures unlike anything that was seen, see
            `ResNet50Embedder.novelty`.
        """
        return self[0].novelty(X, false_alarm_rate=false_alarm_rate)


def make_image_classifier(
    *,
    network: str = "resnet50",
    weights: str | os.PathLike[str] | None = "imagenet",
    classifier: Any = None,
    cache: str | os.PathLike[str] | EmbeddingCache | None = None,
    random_state: Any = None,
    verbose: int = 0,
    **params: Any,
) -> ImageClassifierPipeline:
    """Make the Pipeline from pictures to classes: steps "embedder" and "classifier".

    Parameters
    ----------
    network : {"resnet50", "efficientnet_lite0"}, default="resnet50"
        What makes the features: a `ResNet50Embedder` or an
        `EfficientNetLite0Embedder`, whose weights need no network connection.

    weights : "imagenet", "distilled", path or None, default="imagenet"
        Weights of the network, see the embedder; ``"distilled"`` are ResNet50's.

    classifier : estimator or None, default=None
        What tells the classes from the features: any classifier of scikit-learn, or a
        Pipeline that ends with one. None is a `DenseSGDClassifier`.

    cache : None, path or EmbeddingCache, default=None
        Where features are kept, see `ResNet50Embedder`.

    random_state : int, RandomState instance or None, default=None
        For both steps; a classifier that is given keeps its own.

    verbose : int, default=0
        For both steps, likewise.

    **params : dict
        Any parameter of a step by its name in the Pipeline, such as
        ``classifier__epochs=5`` or ``embedder__layer="conv4_block6_out"``.

    Returns
    -------
    model : ImageClassifierPipeline
        The unfitted Pipeline. `fit` takes pictures and class names.

    Raises
    ------
    ValueError
        If there is no such network, or no such parameter.

    Examples
    --------
    >>> from skresnet import make_image_classifier
    >>> model = make_image_classifier(weights=None, classifier__epochs=5)
    >>> list(model.named_steps)
    ['embedder', 'classifier']

    With another classifier:

    >>> from sklearn.linear_model import LogisticRegression
    >>> make_image_classifier(classifier=LogisticRegression(), classifier__C=0.1)[-1]
    LogisticRegression(C=0.1)
    """
    if network not in EMBEDDERS:
        raise ValueError(
            f"network={network!r} is unknown: expected one of "
            f"{', '.join(map(repr, EMBEDDERS))}."
        )
    if classifier is None:
        classifier = DenseSGDClassifier(random_state=random_state, verbose=verbose)
    elif not (hasattr(classifier, "fit") and is_classifier(classifier)):
        raise TypeError(
            f"classifier={classifier!r} is no classifier; expected an estimator of "
            "scikit-learn that predicts classes, such as LogisticRegression(), or None "
            "for a DenseSGDClassifier()."
        )
    model = ImageClassifierPipeline(
        [
            (
                "embedder",
                EMBEDDERS[network](
                    weights=weights,
                    cache=cache,
                    random_state=random_state,
                    verbose=verbose,
                ),
            ),
            ("classifier", classifier),
        ]
    )
    return model.set_params(**params)


def fitted_image_pipeline(model: Any, otherwise: str) -> Pipeline:
    """Find the Pipeline from pictures to probabilities in what a user passes.

    Parameters
    ----------
    model : estimator
        A Pipeline, or a search over one, whose best estimator is taken.

    otherwise : str
        What is said of a model that is neither, after its type.

    Raises
    ------
    TypeError
        If there is none, or it predicts several labels a picture.
    """
    model = getattr(model, "best_estimator_", model)
    if not (
        isinstance(model, Pipeline)
        and len(model) > 1
        and isinstance(model[0], ImageEmbedder)
        and hasattr(model, "predict_proba")
    ):
        raise TypeError(
            f"{type(model).__name__} {otherwise}: expected a Pipeline whose first step "
            f"is a {' or an '.join(kind.__name__ for kind in EMBEDDERS.values())} and "
            "whose last one has predict_proba, as make_image_classifier() makes it, "
            "or a fitted search over one."
        )
    check_is_fitted(model)
    if isinstance(getattr(model, "classes_", None), list):
        raise TypeError(
            f"{type(model).__name__} {otherwise}: its {type(model[-1]).__name__} "
            "predicts several labels a picture; expected one."
        )
    return model


def _routing_is_enabled() -> bool:
    return bool(get_config()["enable_metadata_routing"])


def _are_no_rows(X: Any) -> bool:
    """Tell pictures and paths from features, which need no embedding."""
    if X is None:
        return False
    try:
        rows = np.asarray(X)
    except ValueError:  # of pictures that differ in size
        return True
    return rows.ndim != 2 or rows.dtype.kind not in "fiu"

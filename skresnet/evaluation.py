"""What a model says of labelled pictures, those aside that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_is_fitted

from skresnet.embedding import Embedded
from skresnet.head.predictor import HeadPredictor
from skresnet.image_embedder import ImageEmbedder
from skresnet.novelty import Recognised
from skresnet.reading import Failure, Picture, UnreadableImageError, as_pictures
from skresnet.validation import check_groups, check_labels, check_same_length
from skresnet.warn import warn_user


class Confusion(NamedTuple):
    """A class that was taken for another one: ``n_taken`` of its ``n_all`` pictures."""

    true: Any
    predicted: Any
    n_taken: int
    n_all: int

    def __str__(self) -> str:
        return f"{self.true} taken for {self.predicted}: {self.n_taken} of {self.n_all}"


@dataclass(frozen=True)
class Predictions:
    """Pictures with their true and predicted labels.

    Attributes
    ----------
    pictures : list of Picture
        Those that could be read.
    y_true, y_pred : ndarray of shape (n_pictures,)
        Their labels.
    probabilities : ndarray of shape (n_pictures, n_classes)
        One column a class.
    classes : ndarray of shape (n_classes,)
        The classes that the model knows.
    failures : list of Failure
        The pictures that could not be read.
    recognised : Recognised or None
        Which are pictures that the model was trained on, or related to them; None
        where that is not known.
    novelty : ndarray of shape (n_pictures,) or None
        Above 1 where a picture is unlike all that the model was trained on, see
        `ResNet50Embedder.novelty`; None where that is not known.
    digests : list of bytes or None
        What stands for the content of each picture; None where that is not known.
    """

    pictures: list[Picture]
    y_true: np.ndarray
    y_pred: np.ndarray
    probabilities: np.ndarray
    classes: np.ndarray
    failures: list[Failure]
    recognised: Recognised | None = None
    novelty: np.ndarray | None = None
    digests: list[bytes] | None = None

    @classmethod
    def from_model(cls, model: Any, X: Any, y: Any, *, groups: Any = None) -> Self:
        """Let a fitted model predict, and leave out what cannot be read.

        Parameters
        ----------
        model : estimator
            A fitted classifier of pictures with ``predict_proba``, or a search over
            one, whose best estimator is taken.

        X : pictures
            As of `ResNet50Embedder`.

        y : array-like of shape (n_samples,)
            True labels.

        groups : array-like of shape (n_samples,), default=None
            What subject each picture shows, as in `fit`.

        Raises
        ------
        TypeError
            If the model has no ``predict_proba``.

        ValueError
            If the lengths differ, or the model knows none of the labels.

        UnreadableImageError
            If none of the pictures can be read.
        """
        model = getattr(model, "best_estimator_", model)
        if not hasattr(model, "predict_proba"):
            raise TypeError(
                f"{type(model).__name__} has no predict_proba; expected a fitted "
                "classifier of pictures, such as make_image_classifier() makes."
            )
        pictures = as_pictures(X)
        y_true = _checked_labels(y, model.classes_, len(pictures))
        predicted = predict_readable(model, X, groups=groups)
        _say_left_out(predicted.failures, len(pictures))
        return cls(
            [pictures[row] for row in predicted.rows],
            y_true[predicted.rows],
            predicted.labels,
            predicted.probabilities,
            model.classes_,
            predicted.failures,
            predicted.recognised,
            predicted.novelty,
            predicted.digests,
        )

    @classmethod
    def from_probabilities(
        cls, X: Any, y: Any, probabilities: Any, classes: Any
    ) -> Self:
        """Take the most probable class of each row for the predicted one.

        Raises
        ------
        ValueError
            If the shapes do not fit, or none of the labels is among the classes.
        """
        pictures = as_pictures(X)
        classes = np.unique(np.asarray(y)) if classes is None else np.asarray(classes)
        y_true = _checked_labels(y, classes, len(pictures))
        probabilities = np.asarray(probabilities)
        if probabilities.shape != (len(pictures), len(classes)):
            raise ValueError(
                f"y_proba has shape {probabilities.shape}; expected "
                f"({len(pictures)}, {len(classes)}): a row a picture and a column for "
                f"each of the classes {classes.tolist()}. Pass classes=model.classes_ "
                "if y_true lacks some of them."
            )
        y_pred = classes[probabilities.argmax(axis=1)]
        return cls(pictures, y_true, y_pred, probabilities, classes, [])

    @property
    def are_new(self) -> np.ndarray:
        """Which pictures have nothing to do with the training, as far as is known."""
        if self.recognised is None:
            return np.ones(len(self.pictures), bool)
        return self.recognised.are_new

    @property
    def others(self) -> Self:
        """The predictions of the pictures that have nothing to do with the training."""
        rows = np.flatnonzero(self.are_new)
        return replace(
            self,
            pictures=[self.pictures[row] for row in rows],
            y_true=self.y_true[rows],
            y_pred=self.y_pred[rows],
            probabilities=self.probabilities[rows],
            recognised=self.recognised and self.recognised.at(rows),
            novelty=None if self.novelty is None else self.novelty[rows],
            digests=self.digests and [self.digests[row] for row in rows],
        )

    @property
    def is_right(self) -> np.ndarray:
        """Which pictures were given their true label."""
        return np.asarray(self.y_true == self.y_pred)

    @property
    def confidence(self) -> np.ndarray:
        """The probability of each predicted label."""
        column = {label: index for index, label in enumerate(self.classes.tolist())}
        columns = [column[label] for label in self.y_pred.tolist()]
        return self.probabilities[np.arange(len(columns)), columns]

    @property
    def accuracy(self) -> float:
        """The share of the pictures that were given their true label."""
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(self.y_true, self.y_pred))

    @property
    def loss(self) -> float:
        """The mean cross-entropy (natural logarithm), where all labels are known."""
        from sklearn.metrics import log_loss

        return float(log_loss(self.y_true, self.probabilities, labels=self.classes))

    def confusions(self, at_most: int) -> list[Confusion]:
        """Find which class was taken for which other one, the most frequent first."""
        from sklearn.metrics import confusion_matrix

        labels = np.unique(np.concatenate([self.classes, self.y_true]))
        counts = confusion_matrix(self.y_true, self.y_pred, labels=labels)
        totals = counts.sum(axis=1)
        np.fill_diagonal(counts, 0)
        worst = np.argsort(-counts, axis=None, kind="stable")[:at_most]
        return [
            Confusion(labels[i], labels[j], int(counts[i, j]), int(totals[i]))
            for i, j in zip(*np.unravel_index(worst, counts.shape), strict=True)
            if counts[i, j]
        ]

    def most_confident_mistakes(self, n: int) -> np.ndarray:
        """Find the wrong pictures of highest confidence, the most confident first."""
        wrong = np.flatnonzero(~self.is_right)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")[:n]]


def _checked_labels(y: Any, classes: np.ndarray, n_pictures: int) -> np.ndarray:
    labels = check_labels(y)
    check_same_length(range(n_pictures), labels)
    known = set(classes.tolist())
    if known.isdisjoint(labels.tolist()):
        raise ValueError(
            f"y holds the labels {np.unique(labels).tolist()[:10]}, none of which the "
            f"model knows; expected some of {classes.tolist()[:10]}."
        )
    return labels


class Predicted(NamedTuple):
    """What a model says of the pictures that can be read.

    Attributes
    ----------
    rows : ndarray of shape (n_readable,), int
        Their positions in X.
    labels : ndarray of shape (n_readable,)
        The predicted labels.
    probabilities : ndarray of shape (n_readable, n_classes)
        One column a class.
    failures : list of Failure
        The other pictures.
    recognised : Recognised or None
        Which the model was trained on; None where that is not known.
    novelty : ndarray of shape (n_readable,) or None
        See `ResNet50Embedder.novelty`; None where there is nothing to compare with.
    digests : list of bytes or None
        What stands for the content of each that can be read; None where the model does
        not begin with an embedder.
    """

    rows: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    failures: list[Failure]
    recognised: Recognised | None = None
    novelty: np.ndarray | None = None
    digests: list[bytes] | None = None


def predict_readable(
    model: Any, X: Any, *, false_alarm_rate: float = 0.01, groups: Any = None
) -> Predicted:
    """Let a fitted model predict what can be read, each picture embedded once.

    Parameters
    ----------
    model : estimator
        A fitted classifier of pictures with ``predict_proba``.

    X : pictures
        As of `ResNet50Embedder`.

    false_alarm_rate : float, default=0.01
        As of `ResNet50Embedder.novelty`.

    groups : array-like of shape (n_samples,), default=None
        What subject each picture shows, as in `fit`.

    Returns
    -------
    predicted : Predicted
        Labels and probabilities, and the failures; without rows where nothing can be
        read.
    """
    known: dict[str, Any] = {}
    if isinstance(model, Pipeline) and isinstance(model[0], ImageEmbedder):
        if groups is not None:
            groups = check_groups(groups, _num_samples(X))
        seen, embedded = model[0].seen_, _embedded(model[0], X)
        rows, failures = embedded.readable, embedded.failures
        known["recognised"] = seen.recognise(embedded, groups).at(rows)
        known["digests"] = [embedded.digests[row] for row in rows]
        if seen.detector is not None:
            known["novelty"] = seen.novelty(embedded, false_alarm_rate)[rows]
        features = model[0]._as_output(embedded.rows[rows])
        said = _predicted(model[1:], features) if rows.size else None
    else:
        rows, failures, said = _without_unreadable(partial(_predicted, model), X)
    if said is None:
        classes = np.asarray(model.classes_)
        return Predicted(rows, classes[:0], np.empty((0, classes.size)), failures)
    return Predicted(rows, *said, failures, **known)


def embed_readable(transformer: Any, X: Any) -> tuple[np.ndarray, Any]:
    """Transform what can be read of pictures, each picture embedded once.

    Parameters
    ----------
    transformer : estimator
        A fitted embedder, or a Pipeline of transformers.

    X : pictures
        As of `ResNet50Embedder`.

    Returns
    -------
    rows : ndarray of shape (n_readable,), int
        Positions of those that can be read; of others, a warning tells how many.
    features : array of shape (n_readable, n_features)
        What comes out for them.

    Raises
    ------
    UnreadableImageError
        If none of the pictures can be read.
    """
    steps: Any = transformer if isinstance(transformer, Pipeline) else [transformer]
    if isinstance(steps[0], ImageEmbedder):
        embedded = _embedded(steps[0], X)
        rows, failures = embedded.readable, embedded.failures
        features = steps[0]._as_output(embedded.rows[rows])
        if len(steps) > 1 and rows.size:
            features = steps[1:].transform(features)
    else:
        rows, failures, features = _without_unreadable(transformer.transform, X)
    _say_left_out(failures, rows.size + len(failures))
    return rows, features


def _embedded(embedder: ImageEmbedder, X: Any) -> Embedded:
    check_is_fitted(embedder)
    return embedder._embed(embedder._as_pictures(X), on_error="nan")


def _without_unreadable(
    apply: Callable[[Any], Any], X: Any
) -> tuple[np.ndarray, list[Failure], Any]:
    """Apply what embeds pictures to those that it can read, where there are any."""
    # Who embeds is hidden in it, so that failures are known by its error.
    rows = np.arange(_num_samples(X))
    try:
        return rows, [], apply(X)
    except UnreadableImageError as error:
        failures = error.failures
    rows = np.delete(rows, [failure.position for failure in failures])
    return rows, failures, apply(_safe_indexing(X, rows)) if rows.size else None


def _say_left_out(failures: list[Failure], n_pictures: int) -> None:
    if len(failures) == n_pictures and failures:
        raise UnreadableImageError(failures)
    if failures:
        warn_user(
            f"{len(failures)} of {n_pictures} pictures cannot be read and are left "
            f"out; the first is {failures[0]}."
        )


def _predicted(model: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Predict labels and probabilities, transforming X once."""
    if isinstance(model, Pipeline) and len(model) > 1:
        X = model[:-1].transform(X)
        model = model[-1]
    probabilities = model.predict_proba(X)
    if isinstance(model, HeadPredictor):  # of others, labels may be decided otherwise
        return model.classes_[probabilities.argmax(axis=1)], probabilities
    return model.predict(X), probabilities


class LabelIssue(NamedTuple):
    """A picture whose label is probably wrong.

    Attributes
    ----------
    position : int
        Its position in X.
    label : Any
        The label that it has.
    suggested : Any
        The class that is most probable.
    probability : float
        The probability of the label that it has.
    suggested_probability : float
        That of the suggested class.
    """

    position: int
    label: Any
    suggested: Any
    probability: float
    suggested_probability: float


def label_issues(labels: np.ndarray, probabilities: np.ndarray) -> list[LabelIssue]:
    """Let cleanlab find the labels that are probably wrong, the worst first."""
    from cleanlab.filter import find_label_issues as confident_learning

    classes = np.unique(labels)
    kept = np.flatnonzero(np.isfinite(probabilities).all(axis=1))
    own = np.searchsorted(classes, labels)
    # cleanlab knows classes that have pictures only.
    present, encoded = np.unique(own[kept], return_inverse=True)
    found = confident_learning(
        encoded,
        probabilities[np.ix_(kept, present)],
        return_indices_ranked_by="self_confidence",
        filter_by="both",
        n_jobs=1,
    )
    return [
        LabelIssue(
            int(row),
            labels[row],
            classes[probabilities[row].argmax()],
            float(probabilities[row, own[row]]),
            float(probabilities[row].max()),
        )
        for row in kept[found]
    ]

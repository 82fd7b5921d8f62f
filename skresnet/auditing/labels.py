"""Labels that are probably wrong, by what a model says that has not seen them."""

from __future__ import annotations

import warnings
from collections import Counter
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.utils import _safe_indexing, check_scalar

from skresnet.evaluation import LabelIssue, label_issues
from skresnet.image_embedder import ImageEmbedder
from skresnet.reading import UnreadableImageError, as_pictures
from skresnet.validation import check_groups, check_labels, check_same_length
from skresnet.warn import warn_user


def find_label_issues(
    model: Any,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: int = 5,
    random_state: Any = 0,
) -> list[LabelIssue]:
    """Find labels that are probably wrong, by confident learning (cleanlab).

    Each picture is embedded once, and gets its probabilities from a classifier that
    was trained on the others.

    Parameters
    ----------
    model : Pipeline
        From pictures to classes, such as `make_image_classifier` makes; it need not be
        fitted, and is not changed.

    X : pictures
        As of `ResNet50Embedder`. Those that cannot be read are left out, with a
        warning.

    y : array-like of shape (n_samples,)
        Class labels. Classes of a single picture are left out.

    groups : array-like of shape (n_samples,), default=None
        Pictures of one group are never on both sides of a fold.

    cv : int, default=5
        Number of folds, stratified and shuffled.

    random_state : int, RandomState instance or None, default=0
        Decides the folds.

    Returns
    -------
    issues : list of LabelIssue
        The most doubtful first.

    Raises
    ------
    ImportError
        If cleanlab is not installed.

    TypeError
        If the model is no Pipeline that begins with an embedder and ends with a
        classifier that tells probabilities.

    ValueError
        If y and groups are not one a picture, the groups are not two at least, or cv
        is below 2.

    Notes
    -----
    The method is `cleanlab.filter.find_label_issues` with ``filter_by="both"``, ranked
    by the probability of the label that a picture has (C. G. Northcutt, L. Jiang and
    I. L. Chuang, Confident learning, Journal of Artificial Intelligence Research 70,
    2021).

    Examples
    --------
    >>> from skresnet import find_label_issues, make_image_classifier
    >>> find_label_issues(make_image_classifier(), X, y)  # doctest: +SKIP
    """
    check_cleanlab("find_label_issues")
    steps = getattr(model, "steps", [(None, None)])
    if not isinstance(steps[0][1], ImageEmbedder) or len(steps) < 2:
        raise TypeError(
            f"model is a {type(model).__name__}; expected a Pipeline that begins with "
            "an embedder and ends with a classifier, such as "
            "make_image_classifier() makes."
        )
    if not hasattr(steps[-1][1], "predict_proba"):
        raise TypeError(
            f"model ends with a {type(steps[-1][1]).__name__}, which has no "
            "predict_proba; expected a classifier that tells probabilities."
        )
    pictures = as_pictures(X)
    check_same_length(pictures, y)
    labels = check_labels(y)
    if groups is not None:
        groups = check_groups(groups, len(pictures))
        if len(np.unique(groups)) < 2:
            raise ValueError(
                f"groups: all pictures belong to {str(groups[0])!r}; expected two "
                "groups at least, as each is judged by a model trained on others."
            )
    check_scalar(cv, "cv", Integral, min_val=2)
    embedder = clone(model[0]).fit(X)
    embedded = embedder._embed(pictures, on_error="nan")
    readable = embedded.readable
    if embedded.failures:
        if not readable.size:
            raise UnreadableImageError(embedded.failures)
        warn_user(
            f"{len(embedded.failures)} of {len(pictures)} pictures cannot be read and "
            f"are left out; the first is {embedded.failures[0]}."
        )
    probabilities = out_of_fold(
        model[1:],
        embedder._as_output(embedded.rows[readable]),
        labels[readable],
        None if groups is None else groups[readable],
        cv=cv,
        random_state=random_state,
    )
    return [
        issue._replace(position=int(readable[issue.position]))
        for issue in label_issues(labels[readable], probabilities)
    ]


def check_cleanlab(caller: str) -> None:
    """Raise if cleanlab is not installed.

    Raises
    ------
    ImportError
        If it is not.
    """
    try:
        import cleanlab  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'{caller} needs cleanlab: python -m pip install "skresnet[audit]".'
        ) from error


def out_of_fold(
    classifier: Any,
    rows: Any,
    labels: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    cv: int,
    random_state: Any = 0,
) -> np.ndarray:
    """Compute probabilities of each row by a classifier trained without it.

    Returns
    -------
    probabilities : ndarray of shape (n_rows, n_classes)
        One column a class, sorted; NaN in the rows of classes that have but one.

    Raises
    ------
    ValueError
        If fewer than two classes have two rows.
    """
    counts = Counter(labels.tolist())
    lone = [label for label, count in counts.items() if count < 2]
    kept = np.flatnonzero(~np.isin(labels, lone))
    if len(counts) - len(lone) < 2:
        raise ValueError(
            "Doubtful labels are found by what a model says that was trained on other "
            "pictures, for which at least two classes need two pictures each; found "
            f"{dict(counts)}."
        )
    folds = min(cv, max(counts.values()))
    splitter: Any = StratifiedKFold(folds, shuffle=True, random_state=random_state)
    if groups is not None:
        groups = groups[kept]
        folds = min(folds, len(np.unique(groups)))
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        # Of classes that are rarer than folds, some fold knows nothing: probability 0.
        warnings.filterwarnings("ignore", "The least populated class")
        warnings.filterwarnings("ignore", "Number of classes in training fold")
        found = cross_val_predict(
            classifier,
            _safe_indexing(rows, kept),
            labels[kept],
            cv=list(splitter.split(kept, labels[kept], groups)),
            method="predict_proba",
        )
    classes, known = np.unique(labels), np.unique(labels[kept])
    probabilities = np.zeros((len(labels), len(classes)))
    probabilities[np.ix_(kept, np.searchsorted(classes, known))] = found
    probabilities[np.isin(labels, lone)] = np.nan
    return probabilities

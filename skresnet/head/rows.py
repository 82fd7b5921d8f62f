"""Which rows train, which rows decide the best epoch, and what each weighs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

# Frames between a warning here and the user's call of fit.
_CALL_OF_FIT = 6


def total_weights(
    X: np.ndarray,
    y: np.ndarray,
    sample_weight: Any,
    class_weight: Mapping[Any, float] | str | None,
) -> np.ndarray | None:
    """Multiply the weights of the samples and of their classes.

    Raises
    ------
    ValueError
        If a weight is negative, or none is positive.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = _check_sample_weight(
        sample_weight, X, dtype=np.float32, ensure_non_negative=True
    )
    if class_weight is not None:
        weights = weights * compute_sample_weight(class_weight, y)
    if not weights.any():
        raise ValueError(
            "sample_weight and class_weight leave every row a weight of 0, so there "
            "is nothing to train on."
        )
    return weights.astype(np.float32)


def set_aside(
    y: np.ndarray, fraction: float, random_state: np.random.RandomState
) -> np.ndarray:
    """Choose the rows for validation: shuffled, stratified, never all of a class.

    Each class gives ``fraction`` of its rows, rounded, but at least one and never
    all. A class with a single row keeps it for training.
    (scikit-learn's ``StratifiedShuffleSplit`` refuses such small classes.)

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class labels.

    fraction : float
        Share of each class, between 0 and 1.

    random_state : RandomState
        Draws the rows.

    Returns
    -------
    rows : ndarray of int
        Row numbers in ascending order; empty if every class has a single row.
    """
    chosen = []
    single = []
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        if rows.size == 1:
            single.append(label.item())
            continue
        count = min(max(round(fraction * rows.size), 1), rows.size - 1)
        chosen.append(random_state.permutation(rows)[:count])
    if single:
        warnings.warn(
            f"Classes with a single row are not validated: {single}. Add pictures to "
            "them, or give fit your own X_val and y_val.",
            stacklevel=_CALL_OF_FIT,
        )
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, int)

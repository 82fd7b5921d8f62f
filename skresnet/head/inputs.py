"""Features and labels as the network takes them, or an error that explains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils.validation import column_or_1d, validate_data

from skresnet.head.checks import check_finite_rows, check_labels
from skresnet.validation import check_same_length


def checked_features(estimator: Any, X: Any, name: str = "X") -> np.ndarray:
    """Return features as finite float32, as wide as those the estimator was fitted on.

    Raises
    ------
    ValueError
        If they are not.
    """
    with _explained(name):
        X = validate_data(
            estimator, X, reset=False, dtype=np.float32, ensure_all_finite=False
        )
    check_finite_rows(X, name)
    return X


def checked_rows(
    estimator: Any, X: Any, y: Any, *, reset: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels, equally many; ``reset`` is scikit-learn's.

    Raises
    ------
    ValueError
        If they cannot be used.
    """
    check_labels(y)
    check_same_length(X, y)
    with _explained("X"):
        X, y = validate_data(
            estimator, X, y, reset=reset, dtype=np.float32, ensure_all_finite=False
        )
    check_finite_rows(X)
    return X, y


def checked_validation_rows(
    estimator: Any, X_val: Any, y_val: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the caller's validation features and labels.

    Raises
    ------
    ValueError
        If one is missing, or they cannot be used.
    """
    if X_val is None or y_val is None:
        given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(f"fit was given {given} without {missing}; it needs both.")
    X_val = checked_features(estimator, X_val, "X_val")
    check_labels(y_val, "y_val")
    y_val = column_or_1d(y_val, warn=True)
    check_same_length(X_val, y_val, ("X_val", "y_val"))
    return X_val, y_val


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Add to what scikit-learn says of ``X`` its true name, and what was expected."""
    try:
        yield
    except ValueError as error:
        true_name = "" if name == "X" else f"{name} cannot be used: "
        raise ValueError(
            f"{true_name}{error} (Expected are numbers of shape (n_samples, "
            "n_features): features as ResNet50Embedder makes them of pictures, always "
            "with the same layer, pooling and input_size.)"
        ) from error

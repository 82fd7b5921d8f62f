"""What the classifier says of features and labels that it cannot use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

_SHOWN = 5


def check_finite_rows(X: np.ndarray, name: str = "X") -> None:
    """Refuse NaN and infinity, and say which rows hold them.

    Raises
    ------
    ValueError
        If a value of ``X`` is not finite.
    """
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if bad.size == 0:
        return
    kind = "NaN" if np.isnan(X[bad]).any() else "infinity"
    shown = ", ".join(str(row) for row in bad[:_SHOWN])
    more = f" and {bad.size - _SHOWN} more" if bad.size > _SHOWN else ""
    raise ValueError(
        f"Input {name} contains {kind} in {bad.size} of {X.shape[0]} rows: "
        f"row {shown}{more}. ResNet50Embedder(on_error='nan') gives a row of NaN to "
        "a picture it cannot read; leave such rows out of both "
        f"{name} and the labels (rows = numpy.isfinite({name}).all(axis=1)), or mend "
        "the pictures. Other features must be finite and within the range of "
        "float32."
    )


def check_labels(y: Any, name: str = "y") -> None:
    """Refuse labels that are one-hot encoded or no classes at all.

    Raises
    ------
    ValueError
        If ``y`` has several columns, or holds numbers that are no class labels.
    """
    shape = np.asarray(y).shape
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"{name} has shape {shape}, which looks like one-hot labels; expected one "
            "label a picture, of shape (n_samples,). The one-hot encoding is done "
            f"inside: pass class names, or numpy.argmax({name}, axis=1)."
        )
    check_classification_targets(y)


def encode(y: np.ndarray, classes: np.ndarray, name: str) -> np.ndarray:
    """Turn labels into one-hot rows of float32, one column a class.

    Raises
    ------
    ValueError
        If a label is not among ``classes``.
    """
    unknown = np.setdiff1d(y, classes)
    if unknown.size:
        raise ValueError(
            f"{name} holds labels that training did not have: {unknown.tolist()}; "
            f"expected some of {classes.tolist()}. Remove these rows, or train with "
            "pictures of all classes."
        )
    codes = np.searchsorted(classes, y)
    return np.eye(classes.size, dtype=np.float32)[codes]


def checked_checkpoint_path(path: Any) -> str | None:
    """Check the place for the best weights before hours of training end there.

    Raises
    ------
    ValueError
        If the name does not end as Keras wants it.

    NotADirectoryError
        If its folder does not exist.
    """
    if path is None:
        return None
    path = Path(path).expanduser()
    if not path.name.endswith(".weights.h5"):
        raise ValueError(
            f"checkpoint_path={str(path)!r} must end with '.weights.h5', for instance "
            f"{str(path.with_name(path.stem + '.weights.h5'))!r}."
        )
    if not path.parent.is_dir():
        raise NotADirectoryError(
            f"checkpoint_path={str(path)!r}: the folder {str(path.parent)!r} does not "
            "exist; make it first."
        )
    return str(path)

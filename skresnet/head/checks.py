"""What the classifier says of features and labels that it cannot use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from skresnet.head.architecture import Architecture
from skresnet.validation import refuse_missing

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
    what_to_do = (
        "A row of NaN stands for a picture that ResNet50Embedder(on_error='nan') "
        "could not read, as its warning says. Mend the pictures at these positions, "
        "or leave them out of the pictures and the labels; of features that is "
        f"rows = numpy.isfinite({name}).all(axis=1)."
        if np.isnan(X[bad]).all()
        else "Features must be finite and within the range of float32."
    )
    raise ValueError(
        f"Input {name} contains {kind} in {bad.size} of {X.shape[0]} rows: "
        f"row {shown}{more}. {what_to_do}"
    )


def check_labels(y: Any, name: str = "y") -> None:
    """Refuse what is not one class label a sample.

    Raises
    ------
    ValueError
        If ``y`` is None or has gaps, several columns, or numbers that are no class
        labels.
    """
    if y is None:
        raise ValueError(
            f"{name} is None; a classifier requires y to be passed, but the target y "
            "is None: pass one class label a picture."
        )
    shape = _shape(y, name)
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"{name} has shape {shape}, which looks like one-hot labels; expected one "
            "label a picture, of shape (n_samples,). The one-hot encoding is done "
            f"inside: pass class names, or numpy.argmax({name}, axis=1)."
        )
    if len(shape) not in (1, 2):
        raise ValueError(
            f"{name} has shape {shape}; expected one label a picture, of shape "
            "(n_samples,)."
        )
    # Of a list, NumPy would make the text 'nan' of a NaN among strings.
    refuse_missing(np.asarray(y, dtype=object).ravel(), name)
    try:
        check_classification_targets(y)
    except ValueError as error:
        first = np.asarray(y).ravel()[:_SHOWN].tolist()
        raise ValueError(
            f"{name} holds no class labels but {first}, ...: expected strings or "
            f"integers, one for each class. {error}"
        ) from error


def _shape(y: Any, name: str) -> tuple[int, ...]:
    try:
        return np.asarray(y).shape
    except ValueError as error:
        raise ValueError(
            f"{name} is made of lists that differ in length; expected one label a "
            "picture, of shape (n_samples,)."
        ) from error


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


def checked_classes(classes: np.ndarray, trained: np.ndarray | None) -> np.ndarray:
    """Return the classes if a network can be trained on them.

    Raises
    ------
    ValueError
        If there is one only, or they are not those ``trained`` on before.
    """
    if trained is not None and not np.array_equal(classes, trained):
        raise ValueError(
            f"The classes {classes.tolist()} differ from {trained.tolist()}, those "
            "that the network was trained on; it can only go on with the same ones. "
            "Use warm_start=False to begin anew."
        )
    if classes.size < 2:
        raise ValueError(
            f"y has one class only: {classes.tolist()}. A classifier needs rows of at "
            "least 2 classes."
        )
    return classes


def check_same_layers(wanted: Architecture, trained: Architecture) -> None:
    """Refuse to go on training a network with layers of other sizes.

    Raises
    ------
    ValueError
        If the sizes of the hidden layers differ.
    """
    if wanted.hidden_layer_sizes != trained.hidden_layer_sizes:
        raise ValueError(
            f"hidden_layer_sizes={wanted.hidden_layer_sizes} differs from "
            f"{trained.hidden_layer_sizes}, those that the network was trained with; "
            "it can only go on with the same ones. Use warm_start=False to begin anew."
        )

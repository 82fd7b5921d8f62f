"""What a call of fit is given, and which of its rows train or decide the best epoch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_samples,
    validate_data,
)

from skresnet.head.blocks import BUFFER_BYTES, LOADED_BYTES, Rows
from skresnet.lazy import (
    DaskArray,
    DaskCollection,
    check_lazy_rows,
    mapped_blocks,
    taken_rows,
)
from skresnet.validation import (
    ClassifierSettings,
    check_classifier,
    check_groups,
    check_labels,
    check_same_length,
    is_within,
    some,
)
from skresnet.warn import warn_user

_SHOWN = 5


@dataclass(frozen=True)
class FitRequest:
    """What a call of fit asks for, as far as its features do not matter.

    Attributes
    ----------
    settings : ClassifierSettings
        The parameters.

    classes : ndarray of shape (n_classes,)
        The labels, sorted.

    codes : ndarray of int32 of shape (n_samples,)
        Position of each label of y in ``classes``.

    weights : ndarray of float64 of shape (n_samples,) or None
        Weight of each row, that of its class included.

    val_codes : ndarray of int32 of shape (n_val,) or None
        As ``codes``, of ``y_val``.

    val_weights : ndarray of float64 of shape (n_val,) or None
        Weights of the classes of ``y_val``.

    groups : ndarray of int of shape (n_samples,) or None
        Number of the group of each row.
    """

    settings: ClassifierSettings
    classes: np.ndarray
    codes: np.ndarray
    weights: np.ndarray | None
    val_codes: np.ndarray | None
    val_weights: np.ndarray | None
    groups: np.ndarray | None = None


def check_fit(
    classifier: Any,
    y: Any,
    *,
    n_samples: int,
    sample_weight: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    groups: Any = None,
    classes: Any = None,
    goes_on: bool = False,
) -> FitRequest:
    """Check all that `DenseSGDClassifier.fit` is given except the features.

    Parameters
    ----------
    classifier : DenseSGDClassifier
        Whose parameters are checked.

    y : array-like of shape (n_samples,)
        Class labels.

    n_samples : int
        Length of X.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample.

    X_val : sized, default=None
        Validation samples; only their number is looked at.

    y_val : array-like of shape (n_val,), default=None
        Their labels.

    groups : array-like of shape (n_samples,), default=None
        Which samples belong together.

    classes : array-like of shape (n_classes,), default=None
        All labels, where y may lack some; None takes those of y.

    goes_on : bool, default=False
        Whether training starts from the classifier's fitted weights.

    Returns
    -------
    request : FitRequest
        The same in the types that the training works with.

    Raises
    ------
    ValueError
        If something cannot be used; the message names it. `TypeError` where its type
        is at fault, `NotADirectoryError` without the folder of ``checkpoint_path``.
    """
    y, sample_weight, y_val, groups = map(_computed, (y, sample_weight, y_val, groups))
    settings = check_classifier(classifier, n_samples)
    labels = check_labels(y)
    check_same_length(range(n_samples), labels)
    if n_samples == 0:
        raise ValueError("Found 0 sample(s) in X and y; fit needs some of each class.")
    given = labels if classes is None else check_labels(classes, "classes")
    known = np.unique(given)
    if goes_on:
        _check_same_network(known, settings, classifier)
    if known.size < 2:
        raise ValueError(
            f"y has one class only: {some(known)}. A classifier needs rows of at "
            "least 2 classes."
        )
    codes = encode(labels, known, "y")
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, codes)
    by_class = _class_weights(classifier.class_weight, known, codes, sample_weight)
    weights = _row_weights(sample_weight, by_class, codes)
    if weights is not None:  # those of weight 0 make no steps
        settings = check_classifier(classifier, int(np.count_nonzero(weights)))
    val_codes = val_weights = None
    if X_val is not None or y_val is not None:
        if X_val is None or y_val is None:
            present, absent = (
                ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            )
            raise ValueError(f"fit was given {present} without {absent}; needs both.")
        val_labels = check_labels(y_val, "y_val")
        check_same_length(X_val, val_labels, ("X_val", "y_val"))
        val_codes = encode(val_labels, known, "y_val")
        val_weights = None if by_class is None else by_class[val_codes]
    numbers = None if groups is None else _group_numbers(groups, n_samples)
    return FitRequest(settings, known, codes, weights, val_codes, val_weights, numbers)


def _computed(values: Any) -> Any:
    """Compute what is Dask's, such as a column of labels."""
    return values.compute() if isinstance(values, DaskCollection) else values


def number_of_rows(X: Any) -> int:
    """Count the samples of X."""
    if isinstance(X, DaskCollection):
        check_lazy_rows(X)
    return int(_num_samples(X))


def _group_numbers(groups: Any, n_samples: int) -> np.ndarray:
    """Give each group a number, whatever it is called by."""
    number_of: dict[str, int] = {}
    names = check_groups(groups, n_samples).tolist()
    return np.array([number_of.setdefault(name, len(number_of)) for name in names])


def encode(labels: np.ndarray, classes: np.ndarray, name: str) -> np.ndarray:
    """Turn labels into their positions in ``classes``, as int32.

    Raises
    ------
    ValueError
        If a label is not among ``classes``.
    """
    unknown = np.setdiff1d(labels, classes)
    if unknown.size:
        raise ValueError(
            f"{name} holds labels that training did not have: {some(unknown)}; "
            f"expected some of {some(classes)}. Remove these rows, or train with "
            "pictures of all classes."
        )
    return np.searchsorted(classes, labels).astype(np.int32)


def _check_same_network(
    classes: np.ndarray, settings: ClassifierSettings, classifier: Any
) -> None:
    """Refuse to go on training with other classes or layers of other sizes."""
    if not np.array_equal(classes, classifier.classes_):
        raise ValueError(
            f"The classes {some(classes)} differ from "
            f"{some(classifier.classes_)}, those that the network was trained on; "
            "it can only go on with the same ones. To begin anew: fit with "
            "warm_start=False."
        )
    trained = classifier._head.architecture.hidden_layer_sizes
    if settings.hidden_layer_sizes != trained:
        raise ValueError(
            f"hidden_layer_sizes={settings.hidden_layer_sizes} differs from {trained}, "
            "those that the network was trained with; it can only go on with the same "
            "ones. To begin anew: fit with warm_start=False."
        )


def _class_weights(
    class_weight: Any,
    classes: np.ndarray,
    codes: np.ndarray,
    sample_weight: np.ndarray | None,
) -> np.ndarray | None:
    """Weigh the classes, as `sklearn.utils.class_weight.compute_class_weight` does."""
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        sums = np.bincount(codes, sample_weight, minlength=classes.size)
        present = np.count_nonzero(sums)
        return np.asarray(sums.sum() / (present * np.where(sums > 0, sums, 1)))
    labels = classes.tolist()
    for label, weight in class_weight.items():
        if not is_within(weight, 0, np.inf):
            raise ValueError(
                f"class_weight has {weight!r} for {label!r}; expected a finite number, "
                "at least 0."
            )
    unknown = [label for label in class_weight if label not in labels]
    if unknown and not all(label in class_weight for label in labels):
        raise ValueError(
            f"class_weight has the keys {unknown}, which are not among the labels of "
            f"y: {labels}. Give each weight the label of its class."
        )
    weights = np.array([class_weight.get(label, 1) for label in labels], float)
    return weights / (weights.mean() or 1)


def check_weights(sample_weight: Any, rows: Any) -> np.ndarray:
    """Return weights, one a row and none negative, scaled to a mean of 1.

    Raises
    ------
    ValueError
        If they are not so, or all are 0.
    """
    try:
        weights = _check_sample_weight(
            sample_weight, rows, dtype=np.float64, ensure_non_negative=True
        )
    except ValueError as error:
        raise ValueError(f"sample_weight cannot be used: {error}") from error
    return np.asarray(weights / weights.mean())


def _row_weights(
    weights: np.ndarray | None, by_class: np.ndarray | None, codes: np.ndarray
) -> np.ndarray | None:
    """Multiply the weights of the samples and of their classes."""
    if by_class is not None:
        weights = by_class[codes] if weights is None else weights * by_class[codes]
    if weights is None:
        return None
    if not weights.any():
        raise ValueError(
            "sample_weight and class_weight leave every row a weight of 0, so there "
            "is nothing to train on."
        )
    return weights


def as_features(estimator: Any, X: Any, *, name: str = "X", reset: bool = False) -> Any:
    """Return features as finite float32; ``reset`` is scikit-learn's.

    A Dask array is computed if memory holds it with ease. The blocks of a larger one
    are checked whenever they are.

    Raises
    ------
    ValueError
        If they cannot be used, or are not as wide as those the estimator was fitted
        on.
    """
    if isinstance(X, DaskCollection):
        check_lazy_rows(X, name)
    if isinstance(X, DaskArray):
        n_samples, n_features = X.shape
        if 4 * n_samples * n_features > LOADED_BYTES:
            # Of its width, one row tells.
            _validated(estimator, np.zeros((1, n_features), np.float32), name, reset)
            return mapped_blocks(_in_small_blocks(X, name), partial(_checked, name))
        X = _computed(X)
    X = _validated(estimator, X, name, reset)
    _check_finite(X, name)
    return X


def _validated(estimator: Any, X: Any, name: str, reset: bool) -> np.ndarray:
    try:
        return validate_data(
            estimator, X, reset=reset, dtype=np.float32, ensure_all_finite=False
        )
    except ValueError as error:
        # Say its true name, and what was expected.
        true_name = "" if name == "X" else f"{name} cannot be used: "
        raise ValueError(
            f"{true_name}{error} (Expected are numbers of shape (n_samples, "
            "n_features): features as ResNet50Embedder makes them of pictures, always "
            "with the same layer, pooling and input_size.)"
        ) from error


def _in_small_blocks(X: Any, name: str) -> Any:
    """Join blocks that divide the columns; refuse those too large to be shuffled."""
    X = X.rechunk({1: -1})
    n_bytes = 4 * max(X.chunks[0]) * X.shape[1]
    if n_bytes > BUFFER_BYTES // 4:
        raise ValueError(
            f"{name} comes in blocks of up to {n_bytes / 2**20:.0f} MB of float32, and "
            f"rows are shuffled in {BUFFER_BYTES / 2**20:.0f} MB, which should have "
            "room for several blocks. Make smaller ones, of about 1024 rows, where the "
            "array is made: rechunk would compute each block many times."
        )
    return X


def _checked(name: str, block: Any, first: int) -> np.ndarray:
    X = np.asarray(block, np.float32)
    _check_finite(X, name, first)
    return X


def _check_finite(X: np.ndarray, name: str, first: int = 0) -> None:
    """Refuse NaN and infinity, and say which rows hold them, counted from ``first``."""
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if bad.size == 0:
        return
    kind = "NaN" if np.isnan(X[bad]).any() else "infinity"
    shown = ", ".join(str(first + row) for row in bad[:_SHOWN])
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


def weighted_rows(X: Any, codes: np.ndarray, weights: np.ndarray | None) -> Rows:
    """Join them, the weights scaled to a mean of 1, so that their ratios matter."""
    if weights is None:
        weights = np.ones(codes.size)
    return Rows(X, codes, (weights / (weights.mean() or 1)).astype(np.float32))


def split(
    request: FitRequest,
    X: Any,
    X_val: Any,
    random_state: np.random.RandomState,
) -> tuple[Rows, Rows | None, np.ndarray | None]:
    """Divide what fit was given into rows that train and rows that validate.

    Returns
    -------
    training : Rows
        Those of a weight above 0 that were not set aside.

    validation : Rows or None
        The caller's, or those set aside.

    indices : ndarray of int or None
        Which rows of X were set aside.
    """
    codes = request.codes
    rows = _weighty(request)
    fraction = request.settings.validation_fraction
    validation = indices = None
    chosen = np.empty(0, int)
    if X_val is not None and request.val_codes is not None:
        validation = weighted_rows(X_val, request.val_codes, request.val_weights)
    elif fraction is not None and request.groups is not None:
        chosen = set_groups_aside(
            codes[rows], request.groups[rows], fraction, random_state, request.classes
        )
    elif fraction is not None:
        chosen = set_aside(codes[rows], fraction, random_state, request.classes)
    if chosen.size:
        indices = rows[chosen]
        rows = np.delete(rows, chosen)
        validation = _part(request, X, indices)
    return _part(request, X, rows), validation, indices


def all_rows(request: FitRequest, X: Any) -> Rows:
    """Take all rows of a weight above 0, those that were set aside included."""
    return _part(request, X, _weighty(request))


def rows_of_a_call(request: FitRequest, X: Any) -> Rows:
    """Take the rows of one of many calls, whose weights are scaled by all classes."""
    weights = request.weights
    if weights is None:
        weights = np.ones(request.codes.size)
    return Rows(X, request.codes, weights.astype(np.float32))


def _weighty(request: FitRequest) -> np.ndarray:
    if request.weights is None:
        return np.arange(request.codes.size)
    return np.flatnonzero(request.weights)


def _part(request: FitRequest, X: Any, rows: np.ndarray) -> Rows:
    weights = None if request.weights is None else request.weights[rows]
    chosen = taken_rows(X, rows) if isinstance(X, DaskArray) else X[rows]
    return weighted_rows(chosen, request.codes[rows], weights)


def set_aside(
    codes: np.ndarray,
    fraction: float,
    random_state: np.random.RandomState,
    classes: np.ndarray,
) -> np.ndarray:
    """Choose the rows for validation: shuffled, stratified, never all of a class.

    Each class gives ``fraction`` of its rows, rounded, but at least one and never
    all. A class with a single row keeps it for training.
    (scikit-learn's ``StratifiedShuffleSplit`` refuses such small classes.)

    Parameters
    ----------
    codes : ndarray of int of shape (n_samples,)
        The class of each row, as its position in ``classes``.

    fraction : float
        Share of each class, between 0 and 1.

    random_state : RandomState
        Draws the rows.

    classes : ndarray of shape (n_classes,)
        The labels, for a warning about classes of a single row.

    Returns
    -------
    rows : ndarray of int
        Row numbers in ascending order; empty if every class has a single row.
    """
    chosen = []
    single = []
    by_class = np.argsort(codes, kind="stable")
    for rows in np.split(by_class, np.flatnonzero(np.diff(codes[by_class])) + 1):
        if rows.size == 1:
            single.append(codes[rows[0]])
            continue
        count = min(max(round(fraction * rows.size), 1), rows.size - 1)
        chosen.append(random_state.permutation(rows)[:count])
    if single:
        warn_user(
            f"Classes with a single row are not validated: {classes[single].tolist()}. "
            "Add pictures to them, or give fit your own X_val and y_val."
        )
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, int)


def set_groups_aside(
    codes: np.ndarray,
    groups: np.ndarray,
    fraction: float,
    random_state: np.random.RandomState,
    classes: np.ndarray,
) -> np.ndarray:
    """Choose whole groups for validation, stratified as far as they allow.

    Groups come in random order, and each is taken that brings the shares of the classes
    nearer to ``fraction`` together. A class that has none then gets the group that does
    so best. No class gives all of its rows.
    (scikit-learn's ``StratifiedGroupKFold`` may leave a class without training rows.)

    Parameters
    ----------
    codes, fraction, random_state, classes
        As of `set_aside`.

    groups : ndarray of int of shape (n_samples,)
        Number of the group of each row.

    Returns
    -------
    rows : ndarray of int
        Row numbers in ascending order; empty if each class is a single group.
    """
    _, groups = np.unique(groups, return_inverse=True)
    # The share of each class (column) that each group (row) has.
    shares = np.zeros((groups.max() + 1, classes.size))
    np.add.at(shares, (groups, codes), 1)
    shares /= np.maximum(shares.sum(axis=0), 1)
    present = shares.any(axis=0)
    taken = np.zeros(classes.size)
    chosen = np.zeros(len(shares), bool)

    def nearer(group: int) -> float:
        """Say how much nearer the shares come; -inf where a class would be used up."""
        after = taken + shares[group]
        if (after[present] > 1 - 1e-9).any():
            return -np.inf
        return float(((taken - fraction) ** 2 - (after - fraction) ** 2)[present].sum())

    def take(group: int) -> None:
        chosen[group] = True
        np.add(taken, shares[group], out=taken)

    for group in random_state.permutation(len(shares)).tolist():
        if nearer(group) > 0:
            take(group)
    for code in np.flatnonzero(present).tolist():
        those = np.flatnonzero((shares[:, code] > 0) & ~chosen).tolist()
        if taken[code] == 0 and nearer(best := max(those, key=nearer)) > -np.inf:
            take(best)
    if (without := present & (taken == 0)).any():
        warn_user(
            "Classes that cannot give a whole group are not validated: "
            f"{classes[without].tolist()}. Add groups to them, or give fit your own "
            "X_val and y_val."
        )
    return np.flatnonzero(chosen[groups])

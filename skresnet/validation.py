"""What users pass, checked once and by its name: parameters, labels and lengths.

Nothing here looks into pictures or features, so that a Pipeline can ask all of it
before it opens the first file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import check_classification_targets

from skresnet.forks import check_surroundings
from skresnet.text import counted
from skresnet.warn import warn_user

_LISTED: Final = 20
_SHOWN: Final = 5

# What epochs="auto" stands for.
_STEPS: Final = 500
_FEWEST_EPOCHS: Final = 20
_MOST_EPOCHS: Final = 100

# What weight_decay="auto" stands for.
_DECAY_OF_ALL_ROWS: Final = 100.0
_MOST_DECAY: Final = 1.0


def user_path(path: Any) -> Path:
    """Put the home folder in the place of ``~``; a name of no user stays a name."""
    path = Path(path)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def refuse_missing(elements: Iterable[Any], name: str) -> None:
    """Raise if there are gaps among the elements, and say where.

    Raises
    ------
    ValueError
        If an element is None, NaN or a missing value of pandas.
    """
    missing = [i for i, element in enumerate(elements) if _is_missing(element)]
    if missing:
        positions = ", ".join(str(i) for i in missing[:_LISTED])
        more = "" if len(missing) <= _LISTED else ", ..."
        raise ValueError(
            f"{name} has {len(missing)} missing value(s) (None or NaN), at position(s) "
            f"{positions}{more}: remove those samples from X and y alike"
        )


def check_same_length(X: Any, y: Any, names: tuple[str, str] = ("X", "y")) -> None:
    """Raise unless there is one label a sample.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    try:
        check_consistent_length(X, y)
    except ValueError as error:
        raise ValueError(
            f"{error} ({names[0]} and {names[1]}). {names[1]} needs one label for each "
            f"sample of {names[0]}, in the same order."
        ) from error


def check_groups(groups: Any, n_samples: int) -> np.ndarray:
    """Check the groups of samples, and write their names as text.

    A whole number is one group as an int and as a float, which a column of numbers
    becomes where one is missing.

    Returns
    -------
    names : ndarray of shape (n_samples,), str
        The names.

    Raises
    ------
    ValueError
        If there is not one group a sample.
    """
    names = np.asarray(groups, object)
    if names.ndim != 1:
        raise ValueError(
            f"groups has the shape {names.shape}; expected one group for each sample, "
            "in the order of X."
        )
    check_same_length(range(n_samples), names, ("X", "groups"))
    refuse_missing(names, "groups")
    return np.array([group_name(name) for name in names], str)


def group_name(value: Any) -> str:
    """Write a group or a split as text, nothing where it is missing."""
    if _is_missing(value):
        return ""
    is_whole = isinstance(value, (float, np.floating)) and value.is_integer()
    return str(int(value) if is_whole else value)


def _is_missing(element: Any) -> bool:
    """Recognise None, NaN and the missing values of pandas."""
    # Told by their names, so that pandas need not be installed.
    if isinstance(element, (float, np.floating)):
        return bool(np.isnan(element))
    return element is None or type(element).__name__ in {"NAType", "NaTType"}


def checked_input_size(input_size: Any) -> tuple[int, int]:
    """Return height and width in pixels, of one number or two.

    Raises
    ------
    ValueError
        If they are no whole numbers; the network says which are too small.
    """
    sides = (input_size, input_size) if np.ndim(input_size) == 0 else tuple(input_size)
    if len(sides) != 2 or not all(map(_is_whole, sides)):
        raise ValueError(
            f"input_size={input_size!r} is not possible: expected the height and width "
            "in pixels as whole numbers, such as (224, 224), or one number for both."
        )
    height, width = sides
    return int(height), int(width)


@dataclass(frozen=True)
class ClassifierSettings:
    """The parameters of a `DenseSGDClassifier` in Python's own types."""

    hidden_layer_sizes: tuple[int, ...]
    activation: str
    dropout: tuple[float, ...]  # rate after each hidden layer; 0 means no layer
    learning_rate: float
    momentum: float
    nesterov: bool
    weight_decay: float
    standardize: bool
    epochs: int
    batch_size: int
    validation_fraction: float | None
    monitor: str
    patience: int | None
    refit: bool
    checkpoint_path: str | None
    verbose: int

    @property
    def mode(self) -> str:
        """Say which direction of the monitored number is better, as Keras does."""
        return "min" if self.monitor.endswith("loss") else "max"

    @property
    def sgd(self) -> dict[str, Any]:
        """Give those of the optimizer, by Keras' names."""
        return {
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "weight_decay": self.weight_decay or None,
        }


def check_classifier(classifier: Any, n_samples: int) -> ClassifierSettings:
    """Check the parameters of a `DenseSGDClassifier` that is to train on samples.

    Raises
    ------
    ValueError
        If one of them is not possible; `TypeError` where its type is at fault.

    NotADirectoryError
        If the folder of ``checkpoint_path`` does not exist.

    RuntimeError
        If Keras and TensorFlow are set up so that they could not train.
    """
    check_surroundings()
    classifier._validate_params()  # those whose range scikit-learn can tell
    sizes = _layer_sizes(classifier.hidden_layer_sizes)
    _check_activation(classifier.activation)
    params = classifier.get_params(deep=False)
    _check_callbacks(
        classifier.callbacks, [name for name in params if "callbacks__" in name]
    )
    patience, fraction = classifier.patience, classifier.validation_fraction
    return ClassifierSettings(
        hidden_layer_sizes=sizes,
        activation=classifier.activation,
        dropout=_dropout_rates(classifier.dropout, len(sizes)),
        learning_rate=float(classifier.learning_rate),
        momentum=float(classifier.momentum),
        nesterov=bool(classifier.nesterov),
        weight_decay=_weight_decay(classifier.weight_decay, n_samples),
        standardize=bool(classifier.standardize),
        epochs=_epochs(classifier.epochs, n_samples, int(classifier.batch_size)),
        batch_size=int(classifier.batch_size),
        validation_fraction=None if fraction is None else float(fraction),
        monitor=classifier.monitor,
        patience=None if patience is None else int(patience),
        refit=bool(classifier.refit),
        checkpoint_path=_checkpoint_path(classifier.checkpoint_path),
        verbose=int(classifier.verbose),
    )


def _epochs(epochs: int | str, n_samples: int, batch_size: int) -> int:
    """Count them, where they are ``"auto"``, by the steps of one."""
    if epochs != "auto":
        return int(epochs)
    steps = -(-n_samples // batch_size)
    return min(max(-(-_STEPS // max(steps, 1)), _FEWEST_EPOCHS), _MOST_EPOCHS)


def _weight_decay(weight_decay: float | str, n_samples: int) -> float:
    """Weigh it, where it is ``"auto"``, against the rows."""
    if weight_decay != "auto":
        return float(weight_decay)
    return min(_DECAY_OF_ALL_ROWS / max(n_samples, 1), _MOST_DECAY)


def _layer_sizes(sizes: Any) -> tuple[int, ...]:
    whole = _elements(sizes)
    if whole is None or not all(_is_whole(units) and units > 0 for units in whole):
        raise ValueError(
            f"hidden_layer_sizes={sizes!r} is not possible: expected the number of "
            "units of each hidden layer, whole numbers of at least 1, such as "
            "(500, 250, 200), or (100,) for a single layer."
        )
    return tuple(int(units) for units in whole)


def _dropout_rates(dropout: Any, n_hidden: int) -> tuple[float, ...]:
    """Spread ``dropout`` over the hidden layers: a rate after each of them.

    One number is the rate of a single Dropout layer in front of the last hidden
    layer, or behind the only one.
    """
    rates = _elements(dropout)
    for rate in [dropout] if rates is None else rates:
        if not is_within(rate, 0, 1):
            raise ValueError(
                f"dropout={dropout!r} is not possible: expected a rate of at least 0 "
                "and below 1, or a sequence of such rates, one for each hidden layer."
            )
    if rates is None:
        rates = [0.0] * n_hidden
        if n_hidden:
            rates[max(0, n_hidden - 2)] = dropout
    elif len(rates) != n_hidden:
        raise ValueError(
            f"dropout={dropout!r} has {len(rates)} rates, but hidden_layer_sizes has "
            f"{n_hidden} layers: give one rate for each of them, or a single number "
            "for one Dropout layer in front of the last."
        )
    return tuple(float(rate) for rate in rates)


def some(labels: np.ndarray) -> str:
    """Write labels as a list, the first ones where there are many."""
    more = ", ..." if labels.size > _LISTED else ""
    return f"[{', '.join(map(repr, labels[:_LISTED].tolist()))}{more}]"


def _is_whole(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)


def is_within(number: Any, lowest: float, end: float) -> bool:
    """Tell whether it is such a real number, be it an array without axes."""
    if isinstance(number, np.ndarray) and number.ndim == 0:
        number = number.item()
    return isinstance(number, Real) and bool(lowest <= number < end)  # type: ignore[operator]


def _elements(values: Any) -> list[Any] | None:
    """List the elements of a sequence or an array, None of anything else."""
    if isinstance(values, str | bytes | Mapping) or np.ndim(values) != 1:
        return None
    return list(values)


def _check_activation(activation: Any) -> None:
    import keras

    try:
        if not isinstance(activation, str):
            raise TypeError
        # By the shape, since glu halves the units.
        units = keras.activations.get(activation)(keras.KerasTensor((1, 4))).shape
    except Exception:
        units = None
    if units != (1, 4):
        raise ValueError(
            f"activation={activation!r} is not the name of a Keras activation that "
            'gives one number a unit; expected for instance "relu", "elu", "gelu", '
            '"tanh" or "sigmoid".'
        )


def _check_callbacks(callbacks: Any, arguments: Collection[str]) -> None:
    """Refuse what is no callback in any of the forms that scikeras takes."""
    from keras.callbacks import Callback

    for given in _each_callback(callbacks):
        kind = given if isinstance(given, type) else type(given)
        if not issubclass(kind, Callback):
            raise TypeError(
                f"callbacks has {given!r}, which is no keras.callbacks.Callback; "
                "expected a callback, its class, or a list or dict of these."
            )
    for name in arguments:
        if not any(isinstance(given, type) for given in _each_callback(callbacks)):
            raise ValueError(
                f"{name} is an argument of a callback, but callbacks={callbacks!r} "
                "has no class to be called with it."
            )
        if isinstance(callbacks, Mapping):
            key = name.split("__")[1]
            if name.count("__") > 1 and key not in callbacks:
                raise ValueError(
                    f"{name} is an argument of callbacks[{key!r}], but callbacks has "
                    f"the keys {sorted(callbacks)}."
                )


def refuse_uncopyable(callbacks: Any, error: Exception) -> None:
    """Name the callback that is why an estimator cannot be cloned, if one is.

    Raises
    ------
    TypeError
        If one of the callbacks cannot be copied.
    """
    for given in _each_callback(callbacks):
        try:
            deepcopy(given)
        except Exception:
            name = type(given).__name__
            raise TypeError(
                f"callbacks has a {name} that cannot be copied ({error}), as clone, "
                "searches and cross-validation copy it for each fit. Give the class, "
                f"callbacks=[{name}], with arguments such as callbacks__0__{{name}}; "
                "each fit then makes its own."
            ) from error


def _each_callback(callbacks: Any) -> Iterator[Any]:
    if isinstance(callbacks, Mapping):
        callbacks = list(callbacks.values())
    if not isinstance(callbacks, list):
        callbacks = [] if callbacks is None else [callbacks]
    for one in callbacks:
        if isinstance(one, list):
            yield from _each_callback(one)
        else:
            yield one


def _checkpoint_path(path: Any) -> str | None:
    if path is None:
        return None
    path = user_path(path)
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


_SEVERAL = (
    "several = sklearn.multioutput.MultiOutputClassifier(DenseSGDClassifier()); "
    "make_image_classifier(classifier=several).fit(X, {})."
)


def _is_one_hot(labels: np.ndarray) -> bool:
    """Tell rows of which a single value is 1 and the others 0."""
    if labels.dtype.kind not in "buif":
        return False
    ones = labels == 1
    return bool(((labels == 0) | ones).all() and (ones.sum(axis=1) == 1).all())


def check_labels(y: Any, name: str = "y") -> np.ndarray:
    """Return class labels as an array, one a sample.

    Labels that are Python's own strings, as tables hold them, become NumPy's.

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
    if isinstance(y, np.ma.MaskedArray) and np.ma.getmaskarray(y).any():
        count = np.ma.getmaskarray(y).sum()
        raise ValueError(
            f"{name} is an array of which {counted(int(count), 'value')} are masked; "
            f"leave these samples out, or pass {name}.data."
        )
    try:
        labels = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} is made of lists that differ in length; expected one label a "
            "picture, of shape (n_samples,). For several labels a picture, make a "
            f"column a label, MultiLabelBinarizer().fit_transform({name}) of "
            f"scikit-learn, and then: {_SEVERAL.format(name)}"
        ) from error
    shape = labels.shape
    if len(shape) == 2 and shape[1] > 1:
        if _is_one_hot(labels):
            raise ValueError(
                f"{name} has shape {shape}, which looks like one-hot labels; expected "
                "one label a picture, of shape (n_samples,). The one-hot encoding is "
                f"done inside: pass class names, or numpy.argmax({name}, axis=1)."
            )
        raise ValueError(
            f"{name} has shape {shape}; expected one label a picture, of shape "
            f"(n_samples,). For several labels a picture: {_SEVERAL.format(name)}"
        )
    if len(shape) not in (1, 2):
        raise ValueError(
            f"{name} has shape {shape}; expected one label a picture, of shape "
            "(n_samples,)."
        )
    # Of a list, NumPy would make the text 'nan' of a NaN among strings.
    refuse_missing(np.asarray(y, dtype=object).ravel(), name)
    if len(shape) == 2:
        warn_user(
            f"A column-vector y was passed when a 1d array was expected: {name} has "
            f"shape {shape}. Use {name}.ravel().",
            DataConversionWarning,
        )
    labels = labels.ravel()
    if labels.dtype == object:
        labels = _plain(labels, name)
    try:
        check_classification_targets(labels)
    except ValueError as error:
        raise ValueError(
            f"{name} holds no class labels but {labels[:_SHOWN].tolist()}, ...: "
            f"expected strings or integers, one for each class. {error}"
        ) from error
    return labels


def _plain(labels: np.ndarray, name: str) -> np.ndarray:
    """Turn an array of Python strings into one of NumPy's."""
    kinds = sorted({type(label).__name__ for label in labels.tolist()})
    if all(isinstance(label, str) for label in labels.tolist()):
        return labels.astype(str)
    if len(kinds) == 1:
        what_to_do = f"convert it first, for instance {name}.astype({kinds[0]})."
    else:
        what_to_do = f"make them of one type, for instance {name}.astype(str)."
    raise ValueError(
        f"{name} is an array of objects that are of type {' and '.join(kinds)}, such "
        f"as {labels[0]!r}. Unknown label type: expected strings, integers or "
        f"booleans in an array of that type; {what_to_do}"
    )

"""What users pass, checked once and by its name: parameters, labels and lengths."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, Final

import numpy as np
from sklearn.utils import check_consistent_length

_LISTED: Final = 20


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
    if len(sides) != 2 or not all(
        isinstance(side, Integral) and not isinstance(side, bool) for side in sides
    ):
        raise ValueError(
            f"input_size={input_size!r} is not possible: expected the height and width "
            "in pixels as whole numbers, such as (224, 224), or one number for both."
        )
    height, width = sides
    return int(height), int(width)

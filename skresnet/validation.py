"""What is asked of pictures, features and labels alike: none missing, equally many."""

from __future__ import annotations

from collections.abc import Iterable
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

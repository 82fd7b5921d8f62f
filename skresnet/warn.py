"""Warnings that point at the user's line."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

# scikit-learn and joblib stand between users and us: decorators, pipelines, searches.
_NOT_THE_USER = {"skresnet", "sklearn", "joblib"}


def warn_user(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn, pointing at the line that called into scikit-learn or this package.

    A fixed ``stacklevel`` would point into one of the wrappers that lie between, whose
    number differs between a call of ``transform`` and a grid search.
    """
    frame: FrameType | None = sys._getframe()
    level = users = 1
    while frame:
        level += 1
        if frame.f_globals.get("__name__", "").partition(".")[0] in _NOT_THE_USER:
            users = level
        frame = frame.f_back
    warnings.warn(message, category, stacklevel=users)

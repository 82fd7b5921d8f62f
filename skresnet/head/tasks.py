"""The epochs of a training as tasks of scikit-learn's callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class EpochTasks:
    """Tells scikit-learn's callbacks of each epoch's beginning and end.

    Parameters
    ----------
    estimator : estimator
        The classifier that is being fitted.

    context : sklearn.callback.CallbackContext
        The context of its call of fit.

    X, y : ndarray
        The rows that train.

    sample_weight : ndarray or None
        Their weights.

    attributes : callable
        Gives, for a list of weights, the attributes that make a copy of the
        estimator a fitted one.
    """

    def __init__(
        self,
        estimator: Any,
        context: Any,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        attributes: Callable[[list[np.ndarray]], dict[str, Any]],
    ) -> None:
        self._estimator = estimator
        self._context = context
        self._attributes = attributes
        self._data: dict[str, Any] = {"X": X, "y": y}
        if sample_weight is not None:
            self._data["metadata"] = {"sample_weight": sample_weight}
        self._epoch: Any = None

    def begin(self) -> None:
        """Begin the task of an epoch."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end(self, model: Any) -> bool:
        """End the task of an epoch; a true answer asks to stop training."""
        return bool(
            self._epoch.call_on_fit_task_end(
                estimator=self._estimator,
                reconstruction_attributes=lambda: self._attributes(model.get_weights()),
                **self._data,
            )
        )

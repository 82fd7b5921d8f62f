"""LearningCurvesDisplay: loss and accuracy, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from skresnet.displays.panels import divided, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_METRICS = ("loss", "accuracy")


class LearningCurvesDisplay:
    """Loss and accuracy of each epoch, with the best epoch marked.

    Make one with `from_estimator` or `from_history`. (scikit-learn's
    ``LearningCurveDisplay`` shows scores over the number of samples instead.)

    Parameters
    ----------
    history : dict of list of float
        ``loss`` and ``accuracy``, and ``val_loss`` and ``val_accuracy`` where there
        was validation: one number an epoch.

    best_epoch : int or None, default=None
        Index into the lists of the epoch to mark; None marks none.

    Attributes
    ----------
    axes_ : ndarray of shape (2,) of matplotlib Axes
        Axes of the loss and of the accuracy.

    ax_ : matplotlib Axes
        The axes whose place was divided, or those of the loss where two were given.

    figure_ : matplotlib Figure
        The figure of ``ax_``.

    Examples
    --------
    >>> from skresnet import LearningCurvesDisplay
    >>> history = {"loss": [0.9, 0.4], "accuracy": [0.5, 0.9]}
    >>> display = LearningCurvesDisplay.from_history(history)
    >>> display.best_epoch
    1
    """

    axes_: np.ndarray
    ax_: Axes
    figure_: Any

    def __init__(
        self,
        history: Mapping[str, Sequence[float]],
        *,
        best_epoch: int | None = None,
    ) -> None:
        self.history = history
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, line_kw: dict[str, Any] | None = None
    ) -> Self:
        """Draw the curves of a fitted classifier.

        Parameters
        ----------
        estimator : DenseSGDClassifier, Pipeline or search
            A fitted classifier, a Pipeline that ends in one, or a search over either,
            whose best estimator is taken.

        ax : matplotlib Axes, or two of them, default=None
            See `plot`.

        line_kw : dict, default=None
            See `plot`.

        Returns
        -------
        display : LearningCurvesDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator keeps no ``history_``.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        estimator = getattr(estimator, "best_estimator_", estimator)
        if isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        if not hasattr(estimator, "history_"):
            raise TypeError(
                f"{type(estimator).__name__} keeps no history_ of its epochs; expected "
                "a fitted DenseSGDClassifier or a Pipeline that ends in one."
            )
        display = cls(estimator.history_, best_epoch=estimator.best_epoch_)
        return display.plot(ax=ax, line_kw=line_kw)

    @classmethod
    def from_history(
        cls,
        history: Any,
        *,
        best_epoch: int | None = None,
        ax: Any = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curves of a training that left its history.

        Parameters
        ----------
        history : dict of list of float, or keras.callbacks.History
            What ``history_`` of a classifier holds, or Keras' ``fit`` returned.

        best_epoch : int, default=None
            Index of the epoch to mark, from 0. None marks the first of those with the
            highest ``val_accuracy``, or ``accuracy`` where there is no other.

        ax : matplotlib Axes, or two of them, default=None
            See `plot`.

        line_kw : dict, default=None
            See `plot`.

        Returns
        -------
        display : LearningCurvesDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If the history lacks loss or accuracy, or the epoch is not in it.
        """
        check_matplotlib_support(f"{cls.__name__}.from_history")
        history = _checked(getattr(history, "history", history))
        n_epochs = len(history["loss"])
        if best_epoch is None:
            best_epoch = _best(history.get("val_accuracy", history["accuracy"]))
        elif not 0 <= best_epoch < n_epochs:
            raise ValueError(
                f"best_epoch={best_epoch} is not in the history of {n_epochs} epochs; "
                f"expected an index from 0 to {n_epochs - 1}."
            )
        return cls(history, best_epoch=best_epoch).plot(ax=ax, line_kw=line_kw)

    def plot(self, ax: Any = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the loss and the accuracy over the epochs, which count from 1.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them, default=None
            Axes whose place is divided in two, or one for the loss and one for the
            accuracy. None makes a new figure.

        line_kw : dict, default=None
            Keywords for matplotlib's ``plot`` of each curve.

        Returns
        -------
        self : LearningCurvesDisplay
            The display, with its axes.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if ax is None:
            ax = new_axes((9, 3.5))
        given = np.ravel(np.asarray(ax, dtype=object))
        if given.size not in (1, 2):
            raise ValueError(f"ax holds {given.size} axes; expected one or two.")
        self.ax_ = given[0]
        self.figure_ = self.ax_.figure
        self.axes_ = given if given.size == 2 else divided(self.ax_, 1, 2)[0]
        for panel, metric in zip(self.axes_, _METRICS, strict=True):
            self._plot_metric(panel, metric, line_kw or {})
        return self

    def _plot_metric(self, ax: Axes, metric: str, line_kw: dict[str, Any]) -> None:
        from matplotlib.ticker import MaxNLocator

        for name, label in ((metric, "training"), (f"val_{metric}", "validation")):
            if name in self.history:
                values = self.history[name]
                style = {"marker": ".", "label": label} | line_kw
                ax.plot(np.arange(1, len(values) + 1), values, **style)
        if self.best_epoch is not None:
            epoch = self.best_epoch + 1
            # Grey is seen on light and on dark ground.
            ax.axvline(
                epoch, color="grey", linestyle="--", linewidth=1, label=f"best: {epoch}"
            )
        ax.set(xlabel="epoch", ylabel=metric)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.legend()


def _checked(history: Any) -> Mapping[str, Sequence[float]]:
    if not isinstance(history, Mapping):
        raise TypeError(
            f"history is of type {type(history).__name__}; expected a dict of lists, "
            "such as history_ of a fitted DenseSGDClassifier."
        )
    missing = [name for name in _METRICS if not len(history.get(name, ()))]
    if missing:
        raise ValueError(
            f"history has no {' and no '.join(missing)}, only {sorted(history)}; "
            "expected a number an epoch for 'loss' and 'accuracy'."
        )
    return history


def _best(values: Sequence[float]) -> int | None:
    return None if np.isnan(values).all() else int(np.nanargmax(values))

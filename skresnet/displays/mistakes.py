"""MistakesDisplay: the pictures a classifier is most confidently wrong about."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from skresnet.displays.panels import divided, new_axes, place_of, short
from skresnet.displays.thumbnails import thumbnails
from skresnet.evaluation import Predictions
from skresnet.reading import Failure
from skresnet.text import picture_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 224
_INCHES = 2.2


class MistakesDisplay:
    """Pictures that were given a wrong label, the most confident mistakes first.

    Make one with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    images : list of PIL.Image.Image or None
        A small upright version of each picture, None for one that cannot be read.

    y_true, y_pred : array-like of shape (n_images,)
        Their true and predicted labels.

    probability : array-like of shape (n_images,)
        Probability of each predicted label.

    names : list of str
        What the pictures are called: their paths, or places in X.

    n_mistakes : int, default=None
        How many mistakes there were, of which the images are a part.

    n_samples : int, default=None
        Among how many pictures.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One for each picture, row by row; those that hold none are invisible.

    ax_ : matplotlib Axes
        The axes whose place was divided.

    figure_ : matplotlib Figure
        The figure of ``ax_``.
    """

    axes_: np.ndarray
    ax_: Axes
    figure_: Any

    def __init__(
        self,
        images: Sequence[Image.Image | None],
        *,
        y_true: Any,
        y_pred: Any,
        probability: Any,
        names: Sequence[str],
        n_mistakes: int | None = None,
        n_samples: int | None = None,
    ) -> None:
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.probability = probability
        self.names = names
        self.n_mistakes = n_mistakes
        self.n_samples = n_samples

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        n: int = 12,
        n_columns: int = 4,
        ax: Axes | None = None,
    ) -> Self:
        """Let a fitted classifier predict, and show its most confident mistakes.

        Pictures that cannot be read are left out, with a warning.

        Parameters
        ----------
        estimator : estimator
            A fitted Pipeline from pictures to classes, with ``predict_proba``, or a
            search over one, whose best estimator is taken.

        X : pictures
            As of `ResNet50Embedder`.

        y : array-like of shape (n_samples,)
            True labels.

        n : int, default=12
            Most pictures to show.

        n_columns : int, default=4
            See `plot`.

        ax : matplotlib Axes, default=None
            See `plot`.

        Returns
        -------
        display : MistakesDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.

        ValueError
            If the lengths differ, or the estimator knows none of the labels, or a
            parameter is not possible.
        """
        cls._check("from_estimator", n, n_columns, ax)
        display = cls._from(Predictions.from_model(estimator, X, y), n)
        return display.plot(ax=ax, n_columns=n_columns)

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y_true: Any,
        y_proba: Any,
        *,
        classes: Any = None,
        n: int = 12,
        n_columns: int = 4,
        ax: Axes | None = None,
    ) -> Self:
        """Show the most confident mistakes of probabilities that are there already.

        Parameters
        ----------
        X : pictures
            As of `ResNet50Embedder`.

        y_true : array-like of shape (n_samples,)
            True labels.

        y_proba : array-like of shape (n_samples, n_classes)
            Probability of each class, as of ``predict_proba``.

        classes : array-like of shape (n_classes,), default=None
            Labels of the columns, ``classes_`` of the classifier. None takes the
            sorted labels of ``y_true``.

        n : int, default=12
            Most pictures to show.

        n_columns : int, default=4
            See `plot`.

        ax : matplotlib Axes, default=None
            See `plot`.

        Returns
        -------
        display : MistakesDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If the shapes do not fit each other.
        """
        cls._check("from_predictions", n, n_columns, ax)
        predictions = Predictions.from_probabilities(X, y_true, y_proba, classes)
        return cls._from(predictions, n).plot(ax=ax, n_columns=n_columns)

    @classmethod
    def _check(cls, method: str, n: Any, n_columns: Any, ax: Axes | None) -> None:
        """Check what decides how to draw before any picture is opened."""
        caller = f"{cls.__name__}.{method}"
        check_matplotlib_support(caller)
        validate_parameter_constraints(
            {
                "n": [Interval(Integral, 0, None, closed="left")],
                "n_columns": [Interval(Integral, 1, None, closed="left")],
            },
            {"n": n, "n_columns": n_columns},
            caller,
        )
        if ax is not None:
            place_of(ax)

    @classmethod
    def _from(cls, predictions: Predictions, n: int) -> Self:
        rows = predictions.most_confident_mistakes(n)
        pictures = [predictions.pictures[row] for row in rows]
        return cls(
            [
                None if isinstance(made, Failure) else made
                for made in thumbnails(pictures, _SIDE)
            ],
            y_true=predictions.y_true[rows],
            y_pred=predictions.y_pred[rows],
            probability=predictions.confidence[rows],
            names=picture_names(pictures),
            n_mistakes=int((~predictions.is_right).sum()),
            n_samples=len(predictions.pictures),
        )

    def plot(self, ax: Axes | None = None, *, n_columns: int = 4) -> Self:
        """Draw the pictures in a grid, each under its labels and probability.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes whose place is divided. None makes a new figure.

        n_columns : int, default=4
            Pictures in a row.

        Returns
        -------
        self : MistakesDisplay
            The display, with its axes.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        n_columns = max(1, min(n_columns, len(self.images)))
        n_rows = max(1, -(-len(self.images) // n_columns))
        if ax is None:
            ax = new_axes((_INCHES * n_columns, (_INCHES + 0.5) * n_rows))
        self.ax_ = ax
        self.figure_ = ax.figure
        self.axes_ = divided(ax, n_rows, n_columns)
        for panel in self.axes_.flat:
            panel.set_axis_off()
        for panel, *mistake in zip(
            self.axes_.flat,
            self.images,
            self.y_true,
            self.y_pred,
            self.probability,
            strict=False,  # the last row may have room left
        ):
            _draw(panel, *mistake)
        if not self.images:
            among = "" if self.n_samples is None else f" in {self.n_samples} pictures"
            _write(self.axes_.flat[0], f"no mistake{among}")
        return self


def _draw(
    ax: Axes, image: Image.Image | None, true: Any, predicted: Any, probability: float
) -> None:
    # Names may hold dollar signs, which matplotlib would take for formulas.
    ax.set_title(
        f"predicted {short(predicted)} ({probability:.2f})\ntrue {short(true)}",
        fontsize="small",
        parse_math=False,
    )
    if image is None:
        _write(ax, "cannot be read")
    else:
        ax.imshow(np.asarray(image))


def _write(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes)

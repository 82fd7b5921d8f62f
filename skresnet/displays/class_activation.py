"""ClassActivationDisplay: pictures, and which parts of them speak for a class."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

from skresnet.displays.panels import divided, new_axes, place_of, short
from skresnet.inspection import METHODS, class_activation_maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = 2.2


class ClassActivationDisplay:
    """Pictures under the maps of what speaks for a class in them.

    Make one with `from_estimator`.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width, 3), uint8
        The pictures as the network saw them.

    maps : ndarray of shape (n_images, height, width)
        What speaks for the class, at least 0.

    target : array-like of shape (n_images,)
        The class of each map.

    probability : array-like of shape (n_images,)
        What the model gives that class.

    method : str, default="grad-cam"
        How the maps were made, see `class_activation_maps`.

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
        images: np.ndarray,
        maps: np.ndarray,
        *,
        target: Any,
        probability: Any,
        method: str = "grad-cam",
    ) -> None:
        self.images = images
        self.maps = maps
        self.target = target
        self.probability = probability
        self.method = method

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        target: Any = None,
        method: str = "auto",
        n_columns: int = 4,
        cmap: Any = "inferno",
        alpha: float = 0.7,
        ax: Axes | None = None,
    ) -> Self:
        """Compute the maps of some pictures, and draw them.

        Parameters
        ----------
        estimator : Pipeline
            A fitted classifier of pictures with ``predict_proba``, or a search over
            one, whose best estimator is taken.

        X : pictures
            As of `ResNet50Embedder`; all are shown.

        target : label or array-like of shape (n_samples,), default=None
            The class that the maps are about. None takes the predicted one of each.

        method : {"auto", "grad-cam", "occlusion"}, default="auto"
            See `class_activation_maps`.

        n_columns : int, default=4
            See `plot`.

        cmap : str or matplotlib Colormap, default="inferno"
            See `plot`.

        alpha : float, default=0.7
            See `plot`.

        ax : matplotlib Axes, default=None
            See `plot`.

        Returns
        -------
        display : ClassActivationDisplay
            What was drawn.

        Raises
        ------
        TypeError, ValueError, UnreadableImageError
            As of `class_activation_maps`, or if a parameter is not possible.
        """
        caller = f"{cls.__name__}.from_estimator"
        check_matplotlib_support(caller)
        validate_parameter_constraints(
            {
                "method": [StrOptions(set(METHODS))],
                "n_columns": [Interval(Integral, 1, None, closed="left")],
                "alpha": [Interval(Real, 0, 1, closed="both")],
            },
            {"method": method, "n_columns": n_columns, "alpha": alpha},
            caller,
        )
        if ax is not None:
            place_of(ax)
        found = class_activation_maps(estimator, X, target=target, method=method)
        display = cls(
            found.images,
            found.maps,
            target=found.target,
            probability=found.probability,
            method=found.method,
        )
        return display.plot(ax=ax, n_columns=n_columns, cmap=cmap, alpha=alpha)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        n_columns: int = 4,
        cmap: Any = "inferno",
        alpha: float = 0.7,
    ) -> Self:
        """Draw the pictures in a grid, each under its map and its class.

        The colours of a map go from 0 to its own maximum, and what is 0 is clear.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes whose place is divided. None makes a new figure.

        n_columns : int, default=4
            Pictures in a row.

        cmap : str or matplotlib Colormap, default="inferno"
            The colours of the maps.

        alpha : float, default=0.7
            How opaque a map is at its maximum.

        Returns
        -------
        self : ClassActivationDisplay
            The display, with its axes.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        n_images = len(self.images)
        n_columns = max(1, min(n_columns, n_images))
        n_rows = max(1, -(-n_images // n_columns))
        if ax is None:
            ax = new_axes((_INCHES * n_columns, (_INCHES + 0.3) * n_rows))
        self.ax_ = ax
        self.figure_ = ax.figure
        self.axes_ = divided(ax, n_rows, n_columns)
        for panel in self.axes_.flat:
            panel.set_axis_off()
        for panel, image, made, label, probability in zip(
            self.axes_.flat[:n_images],
            self.images,
            self.maps,
            self.target,
            self.probability,
            strict=True,
        ):
            # Names may hold dollar signs, which matplotlib would take for formulas.
            panel.set_title(
                f"{short(label)} ({probability:.2f})",
                fontsize="small",
                parse_math=False,
            )
            panel.imshow(image)
            share = made / max(float(made.max()), np.finfo(np.float32).tiny)
            panel.imshow(share, cmap=cmap, alpha=alpha * share, vmin=0, vmax=1)
        return self

"""EmbeddingDisplay: features of pictures in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import column_or_1d

from skresnet.displays.panels import new_axes
from skresnet.displays.thumbnails import thumbnails
from skresnet.evaluation import embed_readable
from skresnet.reading import Failure, Picture, as_pictures
from skresnet.text import shown
from skresnet.validation import check_same_length

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 48
_MARKERS = "osD^vP*X"
_MOST_IN_LEGEND = 30


class EmbeddingDisplay:
    """Features of pictures as points, or small pictures, in two dimensions.

    Make one with `from_estimator` or `from_embedding`.

    Parameters
    ----------
    coordinates : ndarray of shape (n_samples, 2)
        Where each picture lies.

    y : array-like of shape (n_samples,), default=None
        Labels, which decide the colours.

    images : dict of int to PIL.Image.Image, default=None
        Small pictures to draw instead of points, by row.

    axis_labels : tuple of str, default=("", "")
        What the two dimensions are called.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.

    figure_ : matplotlib Figure
        The figure of ``ax_``.

    legend_ : matplotlib Legend or None
        The legend of the classes.
    """

    ax_: Axes
    figure_: Any
    legend_: Any

    def __init__(
        self,
        coordinates: np.ndarray,
        *,
        y: Any = None,
        images: dict[int, Image.Image] | None = None,
        axis_labels: tuple[str, str] = ("", ""),
    ) -> None:
        self.coordinates = coordinates
        self.y = y
        self.images = images
        self.axis_labels = axis_labels

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        method: str = "pca",
        n_images: int = 100,
        random_state: Any = None,
        ax: Axes | None = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Embed pictures, and draw their features.

        Parameters
        ----------
        estimator : ResNet50Embedder, Pipeline or search
            A fitted embedder, a Pipeline whose last step is left out if it does not
            transform, or a search over one of these, whose best estimator is taken.

        X : pictures
            As of `ResNet50Embedder`. Those that cannot be read are left out, with a
            warning.

        y : array-like of shape (n_samples,), default=None
            Labels, which decide the colours.

        method : {"pca", "tsne"}, default="pca"
            See `from_embedding`.

        n_images : int, default=100
            See `from_embedding`.

        random_state : int, RandomState instance or None, default=None
            See `from_embedding`.

        ax : matplotlib Axes, default=None
            See `plot`.

        scatter_kw : dict, default=None
            See `plot`.

        Returns
        -------
        display : EmbeddingDisplay
            What was drawn.
        """
        cls._check("from_estimator", method, n_images, random_state)
        pictures = as_pictures(X)
        labels = None if y is None else column_or_1d(y, warn=True)
        if labels is not None:
            check_same_length(pictures, labels)
        estimator = getattr(estimator, "best_estimator_", estimator)
        if isinstance(estimator, Pipeline) and not hasattr(estimator, "transform"):
            estimator = estimator[:-1]
        rows, features = embed_readable(estimator, X)
        return cls._drawn(
            features,
            None if labels is None else labels[rows],
            [pictures[row] for row in rows],
            method=method,
            n_images=n_images,
            random_state=random_state,
            ax=ax,
            scatter_kw=scatter_kw,
        )

    @classmethod
    def from_embedding(
        cls,
        features: Any,
        y: Any = None,
        pictures: Any = None,
        *,
        method: str = "pca",
        n_images: int = 100,
        random_state: Any = None,
        ax: Axes | None = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw features that are there already.

        Parameters
        ----------
        features : array-like of shape (n_samples, n_features)
            Rows of an embedder. Rows with NaN, of pictures that could not be read, are
            left out.

        y : array-like of shape (n_samples,), default=None
            Labels, which decide the colours.

        pictures : pictures, default=None
            Of what the features are, as for `ResNet50Embedder`; drawn instead of
            points.

        method : {"pca", "tsne"}, default="pca"
            `sklearn.decomposition.PCA`, or `sklearn.manifold.TSNE`, which keeps
            neighbours together and says nothing by its distances.

        n_images : int, default=100
            Most pictures to draw, evenly chosen; the others are points.

        random_state : int, RandomState instance or None, default=None
            For the method.

        ax : matplotlib Axes, default=None
            See `plot`.

        scatter_kw : dict, default=None
            See `plot`.

        Returns
        -------
        display : EmbeddingDisplay
            What was drawn.

        Raises
        ------
        ValueError
            If the method is unknown, the lengths differ, or fewer than 3 rows are
            left.
        """
        cls._check("from_embedding", method, n_images, random_state)
        labels = None if y is None else column_or_1d(y, warn=True)
        if pictures is not None:
            pictures = as_pictures(pictures)
            check_same_length(features, pictures, ("features", "pictures"))
        return cls._drawn(
            features,
            labels,
            pictures,
            method=method,
            n_images=n_images,
            random_state=random_state,
            ax=ax,
            scatter_kw=scatter_kw,
        )

    @classmethod
    def _drawn(
        cls,
        features: Any,
        labels: np.ndarray | None,
        pictures: list[Picture] | None,
        *,
        method: str,
        n_images: int,
        random_state: Any,
        ax: Axes | None,
        scatter_kw: dict[str, Any] | None,
    ) -> Self:
        """Lay out and draw what was checked."""
        features = check_array(features, ensure_all_finite=False)
        if labels is not None:
            check_same_length(features, labels, ("features", "y"))
        rows = np.flatnonzero(np.isfinite(features).all(axis=1))
        if rows.size < 3:
            raise ValueError(
                f"{rows.size} of {len(features)} rows of features are finite; expected "
                "at least 3 to lay out in two dimensions."
            )
        coordinates, axis_labels = _in_two_dimensions(
            features[rows], method, random_state
        )
        images = {}
        if pictures is not None:
            step = max(1, -(-rows.size // max(1, n_images)))
            chosen = range(0, rows.size if n_images else 0, step)
            made = thumbnails([pictures[rows[i]] for i in chosen], _SIDE)
            images = {
                index: image
                for index, image in zip(chosen, made, strict=True)
                if not isinstance(image, Failure)
            }
        display = cls(
            coordinates,
            y=None if labels is None else labels[rows],
            images=images,
            axis_labels=axis_labels,
        )
        return display.plot(ax=ax, scatter_kw=scatter_kw)

    @classmethod
    def _check(cls, where: str, method: Any, n_images: Any, random_state: Any) -> None:
        """Check what decides how to draw before any picture is opened."""
        caller = f"{cls.__name__}.{where}"
        check_matplotlib_support(caller)
        validate_parameter_constraints(
            {
                "method": [StrOptions({"pca", "tsne"})],
                "n_images": [Interval(Integral, 0, None, closed="left")],
                "random_state": ["random_state"],
            },
            {"method": method, "n_images": n_images, "random_state": random_state},
            caller,
        )

    def plot(
        self, ax: Axes | None = None, *, scatter_kw: dict[str, Any] | None = None
    ) -> Self:
        """Draw the points, in one colour and marker a class, and the pictures.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a new figure.

        scatter_kw : dict, default=None
            Keywords for matplotlib's ``scatter``.

        Returns
        -------
        self : EmbeddingDisplay
            The display, with its axes.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.ax_ = new_axes((8, 6)) if ax is None else ax
        self.figure_ = self.ax_.figure
        labels = np.zeros(len(self.coordinates)) if self.y is None else self.y
        classes, codes = np.unique(np.asarray(labels), return_inverse=True)
        handles = []
        for code in range(len(classes)):
            points = self.coordinates[codes == code]
            # Ten colours and eight markers tell forty classes apart.
            style = {"color": f"C{code % 10}", "marker": _MARKERS[code % 8], "s": 24}
            keywords: dict[str, Any] = style | (scatter_kw or {})
            handles.append(self.ax_.scatter(points[:, 0], points[:, 1], **keywords))
        for row, image in (self.images or {}).items():
            self._draw_image(image, self.coordinates[row], f"C{codes[row] % 10}")
        self.ax_.set(xlabel=self.axis_labels[0], ylabel=self.axis_labels[1])
        self.legend_ = None
        if self.y is not None and len(classes) <= _MOST_IN_LEGEND:
            self._draw_legend(handles, classes.tolist())
        return self

    def _draw_image(
        self, image: Image.Image, place: Sequence[float], colour: str
    ) -> None:
        from matplotlib.offsetbox import AnnotationBbox, OffsetImage

        frame = {"edgecolor": colour, "linewidth": 1.5}
        box = OffsetImage(np.asarray(image), zoom=0.6)
        self.ax_.add_artist(
            AnnotationBbox(box, tuple(place), pad=0.1, bboxprops=frame)  # type: ignore[arg-type]
        )

    def _draw_legend(self, handles: list[Any], classes: list[Any]) -> None:
        numbers = [str(index) for index in range(len(classes))]
        self.legend_ = self.ax_.legend(
            handles, numbers, bbox_to_anchor=(1.02, 1), loc="upper left", frameon=False
        )
        # Set afterwards, since matplotlib takes dollar signs in labels for formulas
        # and leaves out labels that begin with an underscore.
        for text, label in zip(self.legend_.get_texts(), classes, strict=True):
            text.set_parse_math(False)
            text.set_text(shown(label))


def _in_two_dimensions(
    features: np.ndarray, method: str, random_state: Any
) -> tuple[np.ndarray, tuple[str, str]]:
    if method == "pca":
        pca = PCA(n_components=2, random_state=random_state)
        coordinates = pca.fit_transform(features)
        first, second = 100 * np.nan_to_num(pca.explained_variance_ratio_)
        return coordinates, (
            f"1st principal component ({first:.0f}% of the variance)",
            f"2nd principal component ({second:.0f}%)",
        )
    # The perplexity, scikit-learn's default but for few rows, which it must be below
    # the number of.
    perplexity = min(30.0, (len(features) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, random_state=random_state)
    return tsne.fit_transform(features), ("t-SNE, 1st", "t-SNE, 2nd")

"""What a report draws: curves as SVG in the colours of the page, pictures as JPEG."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.calibration import CalibrationDisplay

from skresnet.displays.learning_curves import LearningCurvesDisplay

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colours that stand for those of the page, which depend on the browser's scheme.
_STAND_INS = {
    "#010101": "currentColor",
    "#000000": "currentColor",
    "#020202": "var(--first)",
    "#030303": "var(--second)",
}
_INK, _, _FIRST, _SECOND = _STAND_INS
_OPACITY = 0.7  # of a map at its maximum
_SIZE = (4.4, 3.2)  # inches; narrow enough to be read on a phone


class EmbeddedPicture(NamedTuple):
    """A picture as the address of itself, and its size in pixels."""

    src: str
    width: int
    height: int

    @classmethod
    def of(cls, image: Image.Image) -> EmbeddedPicture:
        """Encode a picture as JPEG."""
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=80, optimize=True)
        data = b64encode(buffer.getvalue()).decode("ascii")
        return cls(f"data:image/jpeg;base64,{data}", image.width, image.height)


def under_map(image: Image.Image, made: NDArray[np.float32]) -> Image.Image:
    """Lay a map of what speaks for a class on a picture, as the displays do."""
    from matplotlib import colormaps

    highest = float(made.max()) or 1.0
    share = Image.fromarray(made / np.float32(highest))
    resized = np.asarray(share.resize(image.size, Image.Resampling.BILINEAR))
    colours = Image.fromarray(colormaps["inferno"](resized, bytes=True)[..., :3])
    opacity = Image.fromarray(np.uint8(np.rint(255 * _OPACITY * resized)))
    return Image.composite(colours, image, opacity)


def learning_curves(history: Any, best_epoch: int) -> dict[str, str]:
    """Draw loss and accuracy over the epochs, an SVG element each."""
    with _chart_style():
        figures = {"loss": _new_figure(), "accuracy": _new_figure()}
        LearningCurvesDisplay(history, best_epoch=best_epoch).plot(
            [figure.subplots() for figure in figures.values()]
        )
        return {metric: _svg(figure) for metric, figure in figures.items()}


def reliability_diagram(
    is_right: np.ndarray, confidence: np.ndarray, n_bins: int
) -> str:
    """Draw the share that is right over the confidence, and a histogram below."""
    with _chart_style():
        figure = _new_figure()
        ax, below = figure.subplots(2, height_ratios=[3, 1], sharex=True)
        CalibrationDisplay.from_predictions(
            is_right, confidence, n_bins=n_bins, name="this model", ax=ax
        )
        ax.set(xlabel="", ylabel="share that is right")
        ax.legend(loc="best")
        below.hist(confidence, bins=np.linspace(0, 1, n_bins + 1), rwidth=0.9)
        below.set(xlabel="confidence", ylabel="pictures")
        return _svg(figure)


@contextmanager
def _chart_style() -> Iterator[None]:
    """Draw in the style of the report, whatever the user's own style is."""
    import matplotlib.style
    from cycler import cycler

    ours: dict[str, Any] = {
        "axes.edgecolor": _INK,
        "axes.labelcolor": _INK,
        "axes.prop_cycle": cycler(color=[_FIRST, _SECOND]),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "font.size": 10,
        "legend.frameon": False,
        "lines.linewidth": 2,
        "svg.fonttype": "none",
        "svg.hashsalt": "skresnet",
        "text.color": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
    with matplotlib.style.context(["default", ours]):
        yield


def _new_figure() -> Figure:
    """Make a figure that pyplot knows nothing of and no window shows."""
    from matplotlib.figure import Figure

    return Figure(figsize=_SIZE, layout="constrained")


def _svg(figure: Figure) -> str:
    """Write a figure as an SVG element, which the page describes from outside."""
    written = StringIO()
    figure.savefig(
        written,
        format="svg",
        transparent=True,
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
    )
    _, tag, element = written.getvalue().partition("<svg")
    element = re.sub(r"<metadata>.*?</metadata>\s*", "", element, flags=re.DOTALL)
    for stand_in, colour in _STAND_INS.items():
        element = element.replace(stand_in, colour)
    return tag + element

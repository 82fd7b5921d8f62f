"""Curves drawn by matplotlib, as SVG that takes the colours and letters of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

from skresnet.report.markup import text

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
_SIZE = (4.4, 3.2)  # inches; narrow enough to be read on a phone


@contextmanager
def chart_style() -> Iterator[None]:
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


def new_figure() -> Figure:
    """Make a figure that pyplot knows nothing of and no window shows."""
    from matplotlib.figure import Figure

    return Figure(figsize=_SIZE, layout="constrained")


def svg(figure: Figure, description: str) -> str:
    """Write a figure as an inline SVG element."""
    written = StringIO()
    figure.savefig(
        written,
        format="svg",
        transparent=True,
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
    )
    element = written.getvalue().partition("<svg")[2]
    element = re.sub(r"<metadata>.*?</metadata>\s*", "", element, flags=re.DOTALL)
    for stand_in, colour in _STAND_INS.items():
        element = element.replace(stand_in, colour)
    return f'<svg role="img" aria-label="{text(description)}"{element}'

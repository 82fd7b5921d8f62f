"""One figure of a class, from a blank canvas to a worn image."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from skresnet.datasets.figures import diagrams, equations, photographs, plots, tables
from skresnet.datasets.figures.scan import scan
from skresnet.datasets.figures.style import Style, pick_style

CLASSES: Final = ("diagrams", "equations", "photographs", "plots", "tables")


def draw_figure(name: str, split: str, rng: np.random.Generator) -> Image.Image:
    """Draw a figure of the named class, 200 to 350 pixels a side, for a split."""
    drawers: dict[str, Callable[[Figure, Style, np.random.Generator], None]] = {
        "diagrams": diagrams.draw,
        "equations": equations.draw,
        "photographs": partial(photographs.draw, split=split),
        "plots": plots.draw,
        "tables": tables.draw,
    }
    style = pick_style(rng)
    dpi = rng.uniform(80, 110)
    width, height = rng.integers(200, 351, 2) / dpi
    figure = Figure((width, height), dpi=dpi, facecolor=style.paper)
    canvas: Any = FigureCanvasAgg(figure)
    drawers[name](figure, style, rng)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    return scan(drawn, style.paper, rng)

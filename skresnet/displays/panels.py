"""Where a display draws: new axes, or what the caller gave; and how it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skresnet.text import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LETTERS = 20


def new_axes(size: tuple[float, float]) -> Axes:
    """Make a figure of ``size`` inches with one pair of axes."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def place_of(ax: Axes) -> Any:
    """Find the place of ``ax`` in a grid of subplots.

    Raises
    ------
    ValueError
        If it has none.
    """
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "ax was placed by hand; expected axes of a grid, as plt.subplots makes "
            "them, whose place can be divided."
        )
    return place


def divided(ax: Axes, n_rows: int, n_columns: int) -> np.ndarray:
    """Fill the place of ``ax``, which becomes invisible, with a grid of axes."""
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    place, figure = place_of(ax), ax.figure
    ax.set_axis_off()
    grid = GridSpecFromSubplotSpec(n_rows, n_columns, subplot_spec=place)
    panels = np.empty((n_rows, n_columns), dtype=object)
    for row, column in np.ndindex(n_rows, n_columns):
        panels[row, column] = figure.add_subplot(grid[row, column])
    return panels


def short(label: Any) -> str:
    """Write a label in the width of a picture."""
    text = shown(label)
    return (
        text
        if len(text) <= _LETTERS
        else text[: _LETTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    )

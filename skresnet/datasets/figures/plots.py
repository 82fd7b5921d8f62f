"""Line plots, bar plots and their like."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skresnet.datasets.figures.style import Style, words


def draw(figure: Figure, style: Style, rng: np.random.Generator) -> None:
    """Draw one plot, or two beside or above each other."""
    width, height = figure.get_size_inches()
    panels = 2 if rng.random() < 0.12 else 1
    rows, columns = (panels, 1) if height > width else (1, panels)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=rng.uniform(0.12, 0.2),
        right=rng.uniform(0.9, 0.98),
        bottom=rng.uniform(0.12, 0.2),
        top=rng.uniform(0.88, 0.97),
        hspace=0.5,
        wspace=0.4,
    )
    kinds = (_lines, _lines, _bars, _stacked_areas, _stacked_bars, _points)
    kind = kinds[rng.integers(len(kinds))]
    face = style.paper if rng.random() < 0.75 else str(rng.choice(style.colours))
    for panel in grid.subplots(squeeze=False).flat:
        panel.set_facecolor(face if face != style.paper else "none")
        if face != style.paper:
            panel.patch.set_alpha(rng.uniform(0.15, 0.6))
        kind(panel, style, rng)
        _finish(panel, style, rng)


def _curve(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make up a measured curve over x in [0, 1]."""
    shape = rng.integers(5)
    rate = rng.uniform(2, 9)
    y = [
        1 - np.exp(-rate * x),
        np.exp(-rate * x),
        0.5 + 0.4 * np.sin(rate * 2 * x + rng.uniform(0, 6)),
        np.exp(-((x - rng.uniform(0.2, 0.8)) ** 2) * rate**2 * 2),
        np.cumsum(rng.normal(0, 0.12, x.size)),
    ][shape]
    noise = rng.choice([0, 0.01, 0.05])
    scaled = rng.uniform(0.4, 1.2) * y + rng.uniform(0, 0.5)
    return np.asarray(scaled + rng.normal(0, 1, x.size) * noise)


def _lines(axes: Axes, style: Style, rng: np.random.Generator) -> None:
    """Draw curves, some with markers, some with an error band."""
    x = np.linspace(0, 1, rng.integers(6, 60))
    scale = 10.0 ** rng.integers(0, 3)
    markers = rng.choice(["", "", "o", "s", "^", "x"], 6)
    dashes = rng.choice(["-", "-", "--", ":", "-."], 6)
    band = rng.uniform(0.03, 0.2) if rng.random() < 0.35 else 0
    for colour, marker, dash in zip(
        style.colours[: rng.integers(1, 6)], markers, dashes, strict=False
    ):
        y = _curve(x, rng)
        axes.plot(
            x * scale,
            y,
            color=colour,
            marker=marker,
            linestyle=dash,
            linewidth=style.line,
            markersize=rng.uniform(2, 5),
            label=words(rng),
        )
        if band:
            axes.fill_between(
                x * scale, y - band, y + band, color=colour, alpha=0.3, linewidth=0
            )


def _bars(axes: Axes, style: Style, rng: np.random.Generator) -> None:
    """Draw groups of bars, upright or lying, some with error bars."""
    groups, members = rng.integers(2, 8), rng.integers(1, 4)
    place = np.arange(groups)
    size = rng.uniform(0.5, 0.95) / members
    error = rng.random() < 0.4
    lying = rng.random() < 0.35
    for member in range(members):
        value = rng.uniform(0.1, 1, groups)
        look: dict[str, Any] = {
            "color": style.colours[member],
            "edgecolor": style.ink,
            "linewidth": style.line * 0.5 if rng.random() < 0.5 else 0,
            "hatch": str(rng.choice(["", "", "//", "..", "xx"])),
            "label": words(rng),
        }
        if lying:
            axes.barh(place + member * size, value, size, **look)
        else:
            spread = rng.uniform(0.02, 0.1, groups) if error else None
            axes.bar(place + member * size, value, size, yerr=spread, **look)


def _stacked_areas(axes: Axes, style: Style, rng: np.random.Generator) -> None:
    """Draw shares that add up, as filled areas."""
    x = np.linspace(0, 10, 30)
    count = rng.integers(2, 6)
    layers = [0.2 + np.abs(_curve(x / 10, rng)) for _ in range(count)]
    axes.stackplot(
        x, layers, colors=style.colours, labels=[words(rng) for _ in range(count)]
    )
    axes.margins(x=0)


def _stacked_bars(axes: Axes, style: Style, rng: np.random.Generator) -> None:
    """Draw a histogram, or bars on top of each other."""
    groups = rng.integers(4, 25)
    base = np.zeros(groups)
    hump = np.exp(-(((np.arange(groups) / groups) - rng.uniform(0.2, 0.8)) ** 2) * 8)
    for colour in style.colours[: rng.integers(1, 5)]:
        value = hump * rng.uniform(0.5, 1, groups)
        axes.bar(
            np.arange(groups),
            value,
            rng.uniform(0.7, 1),
            base,
            color=colour,
            label=words(rng),
        )
        base += value


def _points(axes: Axes, style: Style, rng: np.random.Generator) -> None:
    """Draw clouds of points with a fitted line."""
    for colour in style.colours[: rng.integers(1, 4)]:
        x = rng.normal(rng.uniform(0, 4), 1, rng.integers(15, 120))
        slope, height = rng.uniform(-1, 1), rng.uniform(-2, 2)
        y = slope * x + height + rng.normal(0, 0.6, x.size)
        axes.plot(
            x, y, "o", color=colour, markersize=rng.uniform(1.5, 5), label=words(rng)
        )
        if rng.random() < 0.6:
            ends = np.array([x.min(), x.max()])
            axes.plot(ends, slope * ends + height, color=style.ink, lw=style.line)


def _finish(axes: Axes, style: Style, rng: np.random.Generator) -> None:
    """Add labels, ticks, frame, grid and legend in the look of the figure."""
    font: dict[str, Any] = {
        "family": style.family,
        "size": style.size,
        "color": style.ink,
    }
    if rng.random() < 0.8:
        axes.set_xlabel(words(rng), **font)
        axes.set_ylabel(words(rng), **font)
    if rng.random() < 0.35:
        axes.set_title(words(rng, 3), **font)
    axes.tick_params(
        colors=style.ink,
        labelsize=style.size * 0.85,
        labelfontfamily=style.family,
        direction=rng.choice(["in", "out"]),
    )
    axes.locator_params(nbins=int(rng.integers(2, 6)))
    open_frame = rng.random() < 0.4
    for side, spine in axes.spines.items():
        spine.set(color=style.ink, linewidth=style.line * 0.7)
        spine.set_visible(not open_frame or side in ("left", "bottom"))
    if rng.random() < 0.4:
        axes.grid(True, color=style.ink, alpha=0.25, linewidth=0.5)
        axes.set_axisbelow(True)
    if rng.random() < 0.5:
        axes.legend(
            prop={"family": style.family, "size": style.size * 0.8},
            labelcolor=style.ink,
            facecolor=style.paper,
            frameon=rng.random() < 0.6,
            loc=int(rng.integers(1, 5)),
        )

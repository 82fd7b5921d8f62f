"""Diagrams of boxes and arrows."""

from itertools import pairwise, product
from typing import Final

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import (
    Ellipse,
    FancyArrowPatch,
    FancyBboxPatch,
    Patch,
    Polygon,
    Rectangle,
)

from skresnet.datasets.figures.sheet import Sheet
from skresnet.datasets.figures.style import Style, words

Plan = tuple[np.ndarray, list[tuple[int, int]], tuple[float, float]]
"""Places of the nodes, links between them, room for each; all in [0, 1]."""

SHAPES: Final = ("box", "box", "round", "round", "ellipse", "diamond")
DIAMOND: Final = 1.2
"""How much larger a diamond is than a box, for the same text to fit."""


def draw(figure: Figure, style: Style, rng: np.random.Generator) -> None:
    """Draw a chain, a tree, a ring or a network of layers."""
    sheet = Sheet(figure)
    kind = rng.choice(["layers", "rows", "rows", "ring", "network"])
    if kind == "network":
        _network(sheet, style, rng)
        return
    places, links, room = {"layers": _layers, "rows": _rows, "ring": _ring}[kind](rng)
    width, height = sheet.width, sheet.height
    if rng.random() < 0.5 and width < height * 1.3:
        places, room = places[:, ::-1], room[::-1]
    box = (
        width * min(room[0], 0.45) * rng.uniform(0.55, 0.75),
        height * min(room[1], 0.35) * rng.uniform(0.4, 0.65),
    )
    centres = places * [width, height]
    _frame(sheet, style, rng)
    shapes = rng.choice(SHAPES, len(centres))
    for centre, shape in zip(centres, shapes, strict=True):
        _node(sheet, shape, centre, box, style, rng)
    curve = rng.choice(["arc3,rad=0", "arc3,rad=0", "arc3,rad=0.2"])
    tip = str(rng.choice(["-|>", "->", "-|>"]))
    dash = str(rng.choice(["-", "-", "--"]))
    for start, end in links:
        way = centres[end] - centres[start]
        sheet.add(
            FancyArrowPatch(
                centres[start] + _reach(shapes[start], box, way),
                centres[end] - _reach(shapes[end], box, way),
                shrinkA=0,
                shrinkB=style.line,
                arrowstyle=tip,
                mutation_scale=style.size * 1.2,
                connectionstyle=str(curve),
                linestyle=dash,
                linewidth=style.line,
                color=style.ink,
            )
        )


def _rows(rng: np.random.Generator) -> Plan:
    """Place a flow chart that runs to and fro on one to four rows."""
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(2, 5))
    x, y = (np.arange(n) + 0.5 for n in (columns, rows))
    places = [
        (column / columns, 1 - row / rows)
        for index, row in enumerate(y)
        for column in (x if index % 2 == 0 else x[::-1])
    ]
    links = list(pairwise(range(len(places))))
    return np.array(places), links, (1 / columns, 1 / rows)


def _layers(rng: np.random.Generator) -> Plan:
    """Place layers of boxes, each box led to from one in the layer above."""
    sizes = [1, *rng.integers(2, 5, rng.integers(1, 4))]
    places: list[tuple[float, float]] = []
    links = []
    above: list[int] = []
    for level, size in enumerate(sizes):
        here = list(range(len(places), len(places) + size))
        if above:
            parents = np.linspace(0, len(above) - 1, size).round().astype(int)
            links += [(above[p], n) for p, n in zip(parents, here, strict=True)]
        places += [
            ((i + 0.5) / size, 1 - (level + 0.5) / len(sizes)) for i in range(size)
        ]
        above = here
    return np.array(places), links, (1 / max(sizes), 1 / len(sizes))


def _ring(rng: np.random.Generator) -> Plan:
    """Place the steps of a cycle."""
    count = int(rng.integers(3, 7))
    turn = 2 * np.pi * (np.arange(count) / count + rng.random())
    places = 0.5 + 0.34 * np.column_stack([np.cos(turn), np.sin(turn)])
    room = (1 / (count // 2 + 1),) * 2
    return places, [(i, (i + 1) % count) for i in range(count)], room


def _node(
    sheet: Sheet,
    shape: str,
    centre: np.ndarray,
    box: tuple[float, float],
    style: Style,
    rng: np.random.Generator,
) -> None:
    """Draw a shape with a word in it."""
    corner = (float(centre[0] - box[0] / 2), float(centre[1] - box[1] / 2))
    node: Patch
    match shape:
        case "box":
            node = Rectangle(corner, *box)
        case "round":
            rounding = f"round,pad=0,rounding_size={min(box) * 0.25}"
            node = FancyBboxPatch(corner, *box, boxstyle=rounding)
        case "ellipse":
            node = Ellipse((float(centre[0]), float(centre[1])), *box)
        case _:
            half = np.array(box) / 2 * DIAMOND
            corners = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])
            node = Polygon(centre + half * corners)
    filled = rng.random() < 0.65
    colour = str(rng.choice(style.colours)) if filled else style.paper
    node.set(
        facecolor=(colour, rng.uniform(0.3, 0.9) if filled else 1.0),
        edgecolor=style.ink if rng.random() < 0.8 else colour,
        linewidth=style.line,
        zorder=2,
    )
    sheet.add(node)
    text = words(rng, 1)
    points = box[0] * sheet.points
    sheet.write(
        float(centre[0]),
        float(centre[1]),
        text,
        family=style.family,
        size=min(style.size * 1.1, points / len(text) * 1.35),
        color=style.ink,
        horizontalalignment="center",
        verticalalignment="center",
    )


def _reach(shape: str, box: tuple[float, float], way: np.ndarray) -> np.ndarray:
    """Go from the centre of a node along a way to the node's edge."""
    x, y = np.abs(way) / (np.array(box) / 2)
    match shape:
        case "ellipse":
            return way / np.hypot(x, y)
        case "diamond":
            return way * DIAMOND / (x + y)
        case _:
            return way / max(x, y)


def _frame(sheet: Sheet, style: Style, rng: np.random.Generator) -> None:
    """Draw the dashed or tinted frame that often groups some boxes."""
    if rng.random() < 0.35:
        width, height = sheet.width, sheet.height
        sheet.add(
            Rectangle(
                (0.02 * width, 0.02 * height),
                rng.uniform(0.4, 0.96) * width,
                rng.uniform(0.5, 0.96) * height,
                facecolor=(style.colours[-1], rng.uniform(0, 0.5)),
                edgecolor=style.ink,
                linestyle="--",
                linewidth=style.line * 0.7,
            )
        )


def _network(sheet: Sheet, style: Style, rng: np.random.Generator) -> None:
    """Draw layers of circles, each joined to all of the next layer."""
    width, height = sheet.width, sheet.height
    sizes = rng.integers(2, 7, rng.integers(3, 6))
    columns = [
        [
            (width * (i + 0.5) / sizes.size, height * (j + 0.5) / size)
            for j in range(size)
        ]
        for i, size in enumerate(sizes)
    ]
    lines = [link for pair in pairwise(columns) for link in product(*pair)]
    sheet.add(LineCollection(lines, colors=style.ink, linewidths=0.5))
    diameter = min(0.75 * height / sizes.max(), 0.5 * width / sizes.size)
    for column, colour in zip(columns, style.colours, strict=False):
        for place in column:
            sheet.add(
                Ellipse(
                    place,
                    diameter,
                    diameter,
                    facecolor=colour,
                    edgecolor=style.ink,
                    linewidth=style.line,
                    zorder=2,
                )
            )

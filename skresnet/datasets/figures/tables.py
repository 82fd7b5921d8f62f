"""Tables of numbers, ruled as in papers and in spreadsheets."""

from itertools import pairwise

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from skresnet.datasets.figures.sheet import Sheet
from skresnet.datasets.figures.style import Style, words


def draw(figure: Figure, style: Style, rng: np.random.Generator) -> None:
    """Draw one table, with or without a caption above."""
    sheet = Sheet(figure)
    width, height = sheet.width, sheet.height
    rows, columns = int(rng.integers(3, 11)), int(rng.integers(2, 6))
    left, right = (rng.uniform(0.02, 0.1) * width for _ in range(2))
    bottom, top = (rng.uniform(0.03, 0.15) * height for _ in range(2))
    if rng.random() < 0.3:
        caption = f"Table {rng.integers(1, 9)}. {words(rng, 4)}"
        sheet.write(
            left,
            height * 0.9,
            caption,
            family=style.family,
            size=style.size,
            color=style.ink,
        )
        top = 0.13 * height
    shares = np.concatenate([[rng.uniform(1, 2)], rng.uniform(0.8, 1.2, columns - 1)])
    edges = left + (width - left - right) * np.append(0, shares.cumsum()) / shares.sum()
    lines = np.linspace(height - top, bottom, rows + 1)
    _shade(sheet, edges, lines, style, rng)
    _rule(sheet, edges, lines, style, rng)
    _fill(sheet, edges, lines, style, rng)


def _shade(
    sheet: Sheet,
    edges: np.ndarray,
    lines: np.ndarray,
    style: Style,
    rng: np.random.Generator,
) -> None:
    """Colour the head, every other row, or each cell as a heat map does."""
    kind = rng.choice(["none", "none", "head", "stripes", "both", "heat", "heat"])
    colour = to_rgb(str(rng.choice(style.colours)))
    rows, columns = lines.size - 1, edges.size - 1
    alpha = np.zeros((rows, columns))
    if kind in ("stripes", "both"):
        alpha[1::2] = rng.uniform(0.15, 0.45)
    if kind in ("head", "both"):
        alpha[0] = rng.uniform(0.4, 0.9)
    if kind == "heat":
        alpha[1:, 1:] = rng.uniform(0, rng.uniform(0.5, 0.95), (rows - 1, columns - 1))
    cells = [
        [(left, top), (right, top), (right, bottom), (left, bottom)]
        for top, bottom in pairwise(lines)
        for left, right in pairwise(edges)
    ]
    faces = [(*colour, cell) for cell in alpha.flat]
    sheet.add(PolyCollection(cells, facecolors=faces, linewidths=0, antialiased=False))


def _rule(
    sheet: Sheet,
    edges: np.ndarray,
    lines: np.ndarray,
    style: Style,
    rng: np.random.Generator,
) -> None:
    """Draw the rules: three across, all across, or a full grid."""
    kind = rng.choice(["three", "three", "across", "grid", "grid"])
    across = lines if kind != "three" else lines[[0, 1, -1]]
    rules = [((edges[0], y), (edges[-1], y)) for y in across]
    count = edges.size if kind == "grid" else int(rng.random() < 0.3)
    rules += [((x, lines[-1]), (x, lines[0])) for x in np.roll(edges, -1)[:count]]
    sheet.add(LineCollection(rules, colors=style.ink, linewidths=style.line * 0.6))


def _fill(
    sheet: Sheet,
    edges: np.ndarray,
    lines: np.ndarray,
    style: Style,
    rng: np.random.Generator,
) -> None:
    """Write words in the head and the first column, numbers elsewhere."""
    middles = (lines[:-1] + lines[1:]) / 2
    row_points = float(lines[0] - lines[1]) * sheet.points
    column_points = float(np.diff(edges).min()) * sheet.points
    decimals = rng.integers(0, 4)
    size = min(style.size * 1.2, row_points * 0.7, column_points / (decimals + 4) * 1.5)
    bold_head, spread = rng.random() < 0.6, rng.random() < 0.15
    scale = 10.0 ** rng.integers(0, 3)
    aligned = str(rng.choice(["center", "right", "left"]))
    for column in range(edges.size - 1):
        side = "left" if column == 0 else aligned
        pad = (edges[column + 1] - edges[column]) * 0.06
        x = {
            "left": edges[column] + pad,
            "right": edges[column + 1] - pad,
            "center": (edges[column] + edges[column + 1]) / 2,
        }[side]
        for row, y in enumerate(middles):
            if row == 0 or column == 0:
                text = words(rng, 1)[: max(3, int(column_points / size * 1.6))]
            else:
                text = f"{rng.random() * scale:.{decimals}f}"
                text += f"±{rng.integers(1, 9)}" if spread else ""
            sheet.write(
                x,
                y,
                text,
                family=style.family,
                size=size,
                color=style.ink,
                weight="bold" if bold_head and row == 0 else "normal",
                horizontalalignment=side,
                verticalalignment="center_baseline",
            )

"""One figure of a paper, from a blank canvas to a worn image.

Importing this module imports matplotlib, so it is done on first use.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise, product
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from PIL import Image, ImageEnhance, ImageFilter, ImageStat
from sklearn.datasets import load_sample_images

CLASSES: Final = ("diagrams", "equations", "photographs", "plots", "tables")
REGIONS: Final = {"train": (0.0, 0.5), "val": (0.5, 0.75), "test": (0.75, 1.0)}
"""The part of a source picture's width that the photographs of a split come from."""

# Families that matplotlib brings along, so that every machine has them.
_FAMILIES: Final = ("DejaVu Sans", "DejaVu Serif", "STIXGeneral", "DejaVu Sans Mono")
_MATH_FONTS: Final = "cm stix dejavuserif stixsans dejavusans"
_COLOUR_MAPS: Final = "viridis cividis plasma Spectral Blues YlOrBr copper gray"
_PAPERS: Final = "#ffffff #ffffff #ffffff #faf6ea #f0f0f0 #f7e7ce #dcebdc"
_WORDS: Final = (
    "accuracy baseline batch cell control cost data decay density depth dose encoder "
    "energy epoch error field flow force gain growth image input layer loss mass mean "
    "model noise output phase power price protein rate recall risk score signal speed "
    "step stress supply temperature time update value velocity weight"
)
_LETTERS: Final = (
    r"a b c f g k m n p q v w x y z A B E F H K L R T V X \alpha \beta \gamma \delta "
    r"\epsilon \theta \lambda \mu \pi \rho \sigma \phi \psi \omega \Gamma \Delta \Omega"
)
_MARKED: Final = (
    r"{} {} {} {}_i {}_{{ij}} {}_t {}_{{n+1}} {}^2 {}^T {}^* \hat{{{}}} \bar{{{}}} "
    r"\vec{{{}}} 2{} 3"
)
_TERMS: Final = (
    *("{a}", "{a} {b}", "{a} + {b}", r"\frac{{{a}}}{{{b}}}", r"\sqrt{{{a} + {b}}}"),
    *(r"\sum_{{i=1}}^{{N}} {a}", r"\int_0^\infty {a}\, d{b}", r"\log {a}", "({a})^2"),
    *(r"\exp\left( -\frac{{{a}}}{{{b}}} \right)", r"\|{a} - {b}\|_2", r"\nabla^2 {a}"),
    *(r"\mathbb{{E}}[{a}]", r"\frac{{\partial {a}}}{{\partial {b}}}"),
)
_RELATIONS: Final = r"= = = \leq \approx \propto \equiv"

Look = dict[str, Any]


class _Chance:
    """A random generator with what figures need, and the look of one figure."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.between = rng.uniform
        dark = self.happens(0.12)
        self.paper = self.pick("#101418 #2b2b2b" if dark else _PAPERS)
        self.ink = self.pick("#f2f2f2" if dark else "#000000 #1d2b4f #3a2a20")
        self.colours = colormaps[self.pick(_COLOUR_MAPS)](rng.permutation(6) / 6 + 0.1)
        self.line = self.between(0.5, 2)  # points
        self.font: Look = {
            "family": self.pick(_FAMILIES),
            "size": self.between(5.5, 10),
        }
        self.text = {**self.font, "color": self.ink}

    def happens(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def up_to(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def pick(self, options: Any) -> Any:
        """Choose from a sequence, or from the words of a text."""
        options = options.split() if isinstance(options, str) else options
        return options[self.rng.integers(len(options))]

    def words(self, at_most: int = 2) -> str:
        text = " ".join(self.rng.choice(_WORDS.split(), self.up_to(1, at_most)))
        return text.capitalize() if self.happens(0.5) else text


def draw_figure(name: str, split: str, rng: np.random.Generator) -> Image.Image:
    """Draw a figure of the named class, 200 to 350 pixels a side, for a split."""
    chance = _Chance(rng)
    dpi = chance.between(80, 110)
    width, height = rng.integers(200, 351, 2) / dpi
    figure = Figure((width, height), dpi=dpi, facecolor=chance.paper)
    canvas: Any = FigureCanvasAgg(figure)
    drawers: dict[str, Callable[[Figure, _Chance], None]] = {
        "diagrams": _draw_diagram,
        "equations": _draw_equations,
        "photographs": partial(_draw_photographs, split=split),
        "plots": _draw_plot,
        "tables": _draw_table,
    }
    drawers[name](figure, chance)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    return _worn(drawn, chance)


def _sheet(figure: Figure) -> Axes:
    """Cover the figure with axes that cannot be seen, from 0 to 1 both ways."""
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    return axes


def _draw_diagram(figure: Figure, chance: _Chance) -> None:
    """Draw boxes and arrows in rows or a ring, or layers of circles, all joined."""
    axes = _sheet(figure)
    kind = chance.pick("rows rows ring network")
    most = chance.up_to(2, 5)
    sizes = [most] * chance.up_to(1, 4)
    if kind == "network":
        sizes = chance.rng.integers(2, 7, most + 1).tolist()
    layers = [
        [((i + 0.5) / size, 1 - (level + 0.5) / len(sizes)) for i in range(size)]
        for level, size in enumerate(sizes)
    ]
    places = [place for n, layer in enumerate(layers) for place in layer[:: (-1) ** n]]
    links = [*pairwise(places)]
    room = figure.get_size_inches() * 72 / (max(sizes), len(sizes))
    if kind == "ring":
        turn = 2 * np.pi * np.arange(most + 1) / (most + 1) + chance.between(0, 6)
        places = [(0.5 + 0.34 * np.cos(t), 0.5 + 0.34 * np.sin(t)) for t in turn]
        links = [*pairwise([*places, places[0]])]
    if chance.happens(0.35):
        frame = Rectangle((0.02, 0.02), *chance.between(0.4, 0.96, 2), linestyle="--")
        frame.set(facecolor=(*chance.colours[0, :3], 0.3), edgecolor=chance.ink)
        axes.add_patch(frame)
    if kind == "network":
        links = [link for pair in pairwise(layers) for link in product(*pair)]
        axes.plot(*np.transpose(links), color=chance.ink, linewidth=0.5)
        for layer, colour in zip(layers, chance.colours, strict=False):
            look: Look = {"color": colour, "edgecolors": chance.ink, "zorder": 2}
            x, y = np.transpose(layer)
            axes.scatter(x, y, 0.3 * min(room) ** 2, **look)
        return
    patches = {}
    for place in places:
        word = chance.words(1)
        size = min(chance.font["size"], 1.1 * room[0] / (len(word) + 2))
        node = axes.text(*place, word, ha="center", va="center", **chance.text)
        shape = chance.pick("square square round round ellipse")
        box = {"boxstyle": f"{shape},pad={chance.between(0.3, 0.9)}"}
        node.set(size=size, bbox=box)
        face = (*chance.pick(chance.colours)[:3], chance.between(0.3, 1))
        patch: Any = node.get_bbox_patch()
        patches[place] = patch
        patch.set(facecolor=face if chance.happens(0.65) else chance.paper)
        patch.set(edgecolor=chance.ink, linewidth=chance.line)
    bend = chance.pick("arc3,rad=0 arc3,rad=0 arc3,rad=0.2")
    arrow: Look = {"arrowstyle": chance.pick("-|> ->"), "connectionstyle": bend}
    arrow |= {"linewidth": chance.line, "color": chance.ink, "shrinkA": 0}
    for start, end in links:
        ends = {"patchA": patches[start], "patchB": patches[end]}
        axes.annotate("", end, start, arrowprops=arrow | ends)


def _draw_equations(figure: Figure, chance: _Chance) -> None:
    """Draw one to three equations under each other, some numbered or on a tint."""
    axes = _sheet(figure)
    width, height = figure.get_size_inches() * 72
    count = chance.up_to(1, 3 if height > width * 0.7 else 2)
    numbered, centred = chance.happens(0.4), chance.happens(0.7)
    if chance.happens(0.3):
        colour = (*chance.colours[0, :3], chance.between(0.1, 0.5))
        axes.add_patch(Rectangle((0.03, 0.04), 0.94, 0.92, facecolor=colour))
    room = 0.72 if numbered else 0.88
    largest = chance.between(0.4, 0.8) * min(height / count, 0.35 * min(width, height))
    math = FontProperties(math_fontfamily=chance.pick(_MATH_FONTS))
    for line in range(count):
        one, other = (_term(chance, chance.up_to(n, n + 1)) for n in (0, 1))
        text = f"${one} {chance.pick(_RELATIONS)} {other}$"
        path = TextPath((0, 0), text, size=1, prop=math)
        low, high = path.vertices.min(axis=0), path.vertices.max(axis=0)
        long, tall = high - low
        size = min(largest, room * width / long, 0.8 * height / count / tall)
        place = Affine2D().translate(-low[0], -(low + high)[1] / 2)
        place.scale(size / width, size / height)
        left, middle = (room - long * size / width) / 2, 1 - (line + 0.5) / count
        place.translate(0.06 + left * centred, middle)
        axes.add_patch(PathPatch(place.transform_path(path), color=chance.ink, lw=0))
        if numbered:
            number = f"({chance.up_to(1, 39)})"
            axes.text(0.96, middle, number, ha="right", va="center", **chance.text)


def _term(chance: _Chance, depth: int) -> str:
    """Make up a formula whose parts are as many levels deep."""
    if depth == 0:
        return str(chance.pick(_MARKED).format(chance.pick(_LETTERS)))
    a, b = _term(chance, depth - 1), _term(chance, depth - 1)
    return str(chance.pick(_TERMS).format(a=a, b=b))


def _draw_plot(figure: Figure, chance: _Chance) -> None:
    """Draw curves, points, bars or areas over axes."""
    corner, share = chance.between(0.12, 0.2, 2), chance.between(0.7, 0.78, 2)
    axes = figure.add_axes((*corner, *share))
    colour = (*chance.colours[5, :3], chance.between(0.15, 0.6))
    axes.set_facecolor(colour if chance.happens(0.25) else "none")
    kind = chance.pick("lines lines bars areas points")
    count = chance.up_to(3, 12) if kind == "bars" else chance.up_to(8, 60)
    x = np.linspace(0, 1, count)
    series = np.stack([_curve(chance, x) for _ in range(chance.up_to(1, 5))])
    x = x * 10.0 ** chance.up_to(0, 3)
    if kind == "areas":
        axes.stackplot(x, abs(series) + 0.2, colors=chance.colours)
    stacked, step = chance.happens(0.5), (x[1] - x[0]) / (len(series) + 0.5)
    for n, (y, colour) in enumerate(zip(series, chance.colours, strict=False)):
        look: Look = {"color": colour, "label": chance.words()}
        if kind == "lines":
            style = chance.pick("- - -- : -o -s")
            axes.plot(x, y, style, lw=chance.line, markersize=4, **look)
            if chance.happens(0.3):
                axes.fill_between(x, y - 0.1, y + 0.1, alpha=0.3, lw=0, color=colour)
        elif kind == "points":
            spread = y + chance.rng.normal(0, 0.2, x.size)
            axes.scatter(x, spread, chance.between(2, 25), [colour])
            axes.plot(x, y, color=chance.ink, lw=chance.line * chance.up_to(0, 1))
        elif kind == "bars":
            look |= {"edgecolor": chance.ink, "lw": chance.pick([0, chance.line / 2])}
            base = abs(series[:n]).sum(axis=0) if stacked else 0
            place, width = (x, step * len(series)) if stacked else (x + n * step, step)
            hatch = chance.pick(["", "", "//", ".."])
            axes.bar(place, abs(y), width, base, hatch=hatch, **look)
    for write in (axes.set_xlabel, axes.set_ylabel, axes.set_title):
        if chance.happens(0.7):
            write(chance.words(), **chance.text)
    look = {"labelsize": chance.font["size"], "labelfontfamily": chance.font["family"]}
    axes.tick_params(colors=chance.ink, direction=chance.pick("in out"), **look)
    axes.locator_params(nbins=chance.up_to(2, 5))
    axes.spines[:].set(color=chance.ink, linewidth=chance.line * 0.7)
    axes.spines[["top", "right"]].set_visible(chance.happens(0.6))
    if chance.happens(0.4):
        axes.grid(True, color=chance.ink, alpha=0.25, linewidth=0.5)
    if kind in ("lines", "bars") and chance.happens(0.5):
        look = {"labelcolor": chance.ink, "facecolor": chance.paper}
        axes.legend(prop=chance.font, loc=chance.up_to(1, 4), **look)


def _curve(chance: _Chance, x: np.ndarray) -> np.ndarray:
    """Make up a measured curve over x in [0, 1]."""
    rate, shift = chance.between(2, 9), chance.between(0.2, 0.8)
    shapes = [np.exp(-rate * x), 0.5 + 0.4 * np.sin(rate * 2 * (x + shift))]
    shapes += [1 - shapes[0], np.exp(-(((x - shift) * rate) ** 2) * 2)]
    shapes += [np.cumsum(chance.rng.normal(0, 0.12, x.size))]
    noise = chance.rng.normal(0, 1, x.size) * chance.pick([0, 0.01, 0.05])
    return np.asarray(chance.between(0.4, 1.2) * chance.pick(shapes) + shift + noise)


def _draw_table(figure: Figure, chance: _Chance) -> None:
    """Draw a table of numbers, ruled and tinted as in papers and spreadsheets."""
    axes = _sheet(figure)
    rows, columns = chance.up_to(3, 10), chance.up_to(2, 5)
    left, right = chance.between(0.02, 0.1, 2)
    bottom, top = chance.between(0.03, 0.15, 2)
    if chance.happens(0.3):
        caption = f"Table {chance.up_to(1, 9)}. {chance.words(4)}"
        axes.text(left, 1.01 - top, caption, **chance.text)
    x = np.linspace(left, 1 - right, columns + 1)
    y = np.linspace(1 - top, bottom, rows + 1)
    shade = np.zeros((rows, columns))
    tint = chance.pick("none none head stripes both heat heat")
    if tint in ("stripes", "both"):
        shade[1::2] = chance.between(0.15, 0.45)
    if tint in ("head", "both"):
        shade[0] = chance.between(0.4, 0.9)
    if tint == "heat":
        shade[1:, 1:] = chance.between(0, 0.9, (rows - 1, columns - 1))
    colour = np.broadcast_to(chance.colours[0, :3], (rows, columns, 3))
    axes.pcolormesh(x, y, np.dstack([colour, shade]))
    ruled = chance.pick("three three across grid grid")
    rules: Look = {"colors": chance.ink, "linewidth": chance.line * 0.6}
    axes.hlines(y[[0, 1, -1]] if ruled == "three" else y, x[0], x[-1], **rules)
    axes.vlines(x if ruled == "grid" else x[1:1], y[-1], y[0], **rules)
    cell = figure.get_size_inches() * 72 * (x[1] - x[0], y[0] - y[1])
    decimals, scale = chance.up_to(0, 3), 10.0 ** chance.up_to(0, 2)
    bold = "bold" if chance.happens(0.6) else "normal"
    size = min(chance.font["size"] * 1.2, cell[1] * 0.7, cell[0] / (decimals + 4) * 1.5)
    for row, column in product(range(rows), range(columns)):
        text = f"{chance.between(0, scale):.{decimals}f}"
        if row == 0 or column == 0:
            text = chance.words(1)[: max(3, int(cell[0] / size * 1.6))]
        place = x[column] + 0.01, (y[row] + y[row + 1]) / 2
        look = chance.text | {"size": size, "weight": bold if row == 0 else "normal"}
        axes.text(*place, text, va="center_baseline", **look)


def _draw_photographs(figure: Figure, chance: _Chance, split: str) -> None:
    """Draw one crop, or several beside each other, some with a label and a margin."""
    size = figure.get_size_inches()
    panels = 1 if chance.happens(0.8) else chance.up_to(2, 3)
    share = np.where(size == size.max(), 1 / panels, 1)
    margin = chance.pick([0, 0.02, 0.06]) / panels
    labelled = chance.happens(0.35)
    for panel in range(panels):
        room = share - 2 * margin
        axes = figure.add_axes((*(panel * share * (share < 1) + margin), *room))
        axes.set_axis_off()
        shape = np.divide(*(room * size))
        axes.imshow(_photograph(chance, split, shape), aspect="auto")
        if labelled:
            look = chance.text | {"weight": "bold", "color": chance.pick("white black")}
            axes.text(0.05, 0.05, f"({'abc'[panel]})", transform=axes.transAxes, **look)


def _photograph(chance: _Chance, split: str, shape: float) -> Image.Image:
    """Make a picture of the given width over height from the split's regions."""
    crops = []
    for _ in range(3):
        picture = chance.pick(_sources())
        start, end = (int(edge * picture.width) for edge in REGIONS[split])
        wide = min(end - start, picture.height * shape) * chance.between(0.5, 1)
        high = wide / shape
        left, top = chance.between((start, 0), (end - wide, picture.height - high))
        # Whole pixels only: a fraction of one would mix in the neighbouring split.
        box = tuple(int(edge) for edge in (left, top, left + wide, top + high))
        crops.append(picture.crop(box))
    # Much of the sources is sky and blur; of three crops, one shows something.
    crop = max(crops, key=lambda crop: ImageStat.Stat(crop.convert("L")).stddev[0])
    if chance.happens(0.5):
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    crop = ImageEnhance.Brightness(crop).enhance(chance.between(0.6, 1.9))
    crop = ImageEnhance.Contrast(crop).enhance(chance.between(0.4, 1.4))
    return ImageEnhance.Color(crop).enhance(chance.between(0, 1.5))


@cache
def _sources() -> list[Image.Image]:
    """Load the two pictures that scikit-learn ships, once."""
    return [Image.fromarray(picture) for picture in load_sample_images().images]


def _worn(image: Image.Image, chance: _Chance) -> Image.Image:
    """Print and scan: grey, slanted, soft, tinted, noisy, or saved as JPEG."""
    if chance.happens(0.3):
        image = image.convert("L").convert("RGB")
    if chance.happens(0.25):
        angle = chance.between(-4, 4)
        image = image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=chance.paper)
    if chance.happens(0.3):
        image = image.filter(ImageFilter.GaussianBlur(chance.between(0.3, 1)))
    if chance.happens(0.4):
        dark, bright = chance.between(0.6, 1, 2)
        light = np.linspace(dark, bright, image.width)[:, None]
        pixels = np.asarray(image) * light * chance.between(0.9, 1.05, 3)
        grain = chance.rng.normal(0, chance.between(0, 11), (*pixels.shape[:2], 1))
        image = Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))
    if chance.happens(0.25):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=chance.up_to(25, 80))
        image = Image.open(buffer, formats=("JPEG",)).convert("RGB")
    return image

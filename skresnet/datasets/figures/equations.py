"""Displayed equations, set by matplotlib's mathtext."""

from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from skresnet.datasets.figures.sheet import Sheet
from skresnet.datasets.figures.style import Style, words

LETTERS: Final = (*"abcfgkmnpquvwxyzABEFHKLPRTVX",)
GREEK: Final = (
    *(r"\alpha", r"\beta", r"\gamma", r"\delta", r"\epsilon", r"\theta", r"\lambda"),
    *(r"\mu", r"\nu", r"\pi", r"\rho", r"\sigma", r"\tau", r"\phi", r"\psi"),
    *(r"\omega", r"\Gamma", r"\Delta", r"\Phi", r"\Omega"),
)
RELATIONS: Final = (r"=", r"=", r"=", r"\leq", r"\approx", r"\propto", r"\equiv")
OPERATORS: Final = ("+", "-", "+", r"\cdot", r"\times")
FONTS: Final = ("cm", "stix", "dejavuserif", "stixsans", "dejavusans")


def draw(figure: Figure, style: Style, rng: np.random.Generator) -> None:
    """Draw one to four equations under each other, some numbered or boxed."""
    sheet = Sheet(figure)
    width, height = sheet.width, sheet.height
    font = FontProperties(family=style.family)
    font.set_math_fontfamily(str(rng.choice(FONTS)))
    count = int(rng.integers(1, 4 if height > width * 0.7 else 3))
    numbered = rng.random() < 0.4
    if rng.random() < 0.3:
        face, edge = style.colours[0], rng.choice(["none", style.ink])
        sheet.add(
            Rectangle(
                (0.03 * width, 0.04 * height),
                0.94 * width,
                0.92 * height,
                facecolor=(face, rng.uniform(0.1, 0.5)),
                edgecolor=str(edge),
            )
        )
    room = width * (0.72 if numbered else 0.88)
    line_height = height * 0.9 / count
    size = rng.uniform(0.4, 0.8) * min(line_height, 0.35)
    centred = rng.random() < 0.7
    for line in range(count):
        middle = height * 0.95 - line_height * (line + 0.5)
        path = TextPath((0, 0), f"${_equation(rng)}$", size=1, prop=font)
        # The control points bound the glyphs well enough; exact extents are slow.
        low, high = path.vertices.min(axis=0), path.vertices.max(axis=0)
        long, tall = high - low
        scale = min(size, room / long, line_height * 0.9 / tall)
        left = width * 0.06 + (room - long * scale) / 2 * centred
        place = (
            Affine2D()
            .translate(-low[0], -(low[1] + high[1]) / 2)
            .scale(scale)
            .translate(left, middle)
        )
        sheet.add(PathPatch(place.transform_path(path), color=style.ink, linewidth=0))
        note = f"({rng.integers(1, 40)})" if numbered else ""
        if not numbered and rng.random() < 0.15:
            note = f"where {words(rng, 1)}"
        sheet.write(
            width * 0.96,
            middle if numbered else middle - line_height * 0.45,
            note,
            family=style.family,
            size=style.size,
            color=style.ink,
            horizontalalignment="right",
            verticalalignment="center" if numbered else "bottom",
        )


def _equation(rng: np.random.Generator) -> str:
    """Make up an equation of two sides."""
    left = _term(rng, depth=1) if rng.random() < 0.5 else _symbol(rng)
    right = _sum(rng, depth=int(rng.integers(1, 3)), terms=int(rng.integers(1, 3)))
    return f"{left} {rng.choice(RELATIONS)} {right}"


def _sum(rng: np.random.Generator, depth: int, terms: int) -> str:
    """Join terms by operators."""
    parts = [_term(rng, depth)]
    for _ in range(terms - 1):
        parts += [str(rng.choice(OPERATORS)), _term(rng, depth)]
    return " ".join(parts)


def _term(rng: np.random.Generator, depth: int) -> str:
    """Make up a factor: a symbol, or a construction that holds smaller ones."""
    if depth == 0:
        return _symbol(rng)
    a, b = _sum(rng, depth - 1, 1), _sum(rng, depth - 1, int(rng.integers(1, 3)))
    c, letter = _symbol(rng), rng.choice(["i", "j", "k", "n"])
    shapes = (
        c,
        f"{c} {a}",
        rf"\frac{{{a}}}{{{b}}}",
        rf"\frac{{\partial {c}}}{{\partial {rng.choice(LETTERS)}}}",
        rf"\sqrt{{{b}}}",
        rf"\sum_{{{letter}=1}}^{{N}} {a}",
        rf"\prod_{{{letter}}} {a}",
        rf"\int_0^{{\infty}} {a}\, d{rng.choice(LETTERS)}",
        rf"\left( {b} \right)^{{{rng.integers(2, 5)}}}",
        rf"\exp\left( -\frac{{{a}}}{{{b}}} \right)",
        rf"\log {a}",
        rf"\|{b}\|_2",
        rf"\mathbb{{E}}[{b}]",
        rf"\nabla^2 {c}",
        rf"\mathcal{{{rng.choice(['L', 'F', 'N', 'O'])}}}({a})",
    )
    return str(shapes[rng.integers(len(shapes))])


def _symbol(rng: np.random.Generator) -> str:
    """Choose a letter or number, some with an index, exponent or accent."""
    kind = rng.random()
    if kind < 0.12:
        return str(rng.integers(2, 10))
    letter = str(rng.choice(LETTERS if kind < 0.6 else GREEK))
    decoration = rng.random()
    if decoration < 0.3:
        return f"{letter}_{{{rng.choice(['i', 'j', 'ij', '0', 't', 'n+1', 'k'])}}}"
    if decoration < 0.45:
        return f"{letter}^{{{rng.choice(['2', '3', 'T', '*', '-1', 'n'])}}}"
    if decoration < 0.55:
        return rf"\{rng.choice(['hat', 'bar', 'tilde', 'vec'])}{{{letter}}}"
    return letter

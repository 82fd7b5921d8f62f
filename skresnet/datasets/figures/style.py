"""The look that the parts of one figure share: fonts, inks, paper, words."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

# Families that matplotlib brings along, so that every machine has them.
FAMILIES: Final = ("DejaVu Sans", "DejaVu Serif", "STIXGeneral", "DejaVu Sans Mono")
PALETTES: Final = (
    ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b"),
    ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"),
    ("#aec7e8", "#ffbb78", "#98df8a", "#ff9896", "#c5b0d5", "#c49c94"),
    ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51", "#6d597a"),
    ("#111111", "#444444", "#777777", "#999999", "#bbbbbb", "#dddddd"),
)
GRADIENTS: Final = ("viridis", "cividis", "plasma", "Blues", "YlOrBr", "copper", "gray")
PAPERS: Final = ("#ffffff", "#ffffff", "#ffffff", "#faf6ea", "#f0f0f0", "#eaf0f6")
PALE: Final = ("#f7e7ce", "#dcebdc", "#e6dcf0", "#d5e3ee", "#f3d9d9", "#d9d2c0")
DARK: Final = ("#101418", "#1c2733", "#2b2b2b", "#23301f")
WORDS: Final = (
    *("accuracy", "baseline", "batch", "cell", "control", "cost", "data", "decay"),
    *("density", "depth", "dose", "encoder", "energy", "epoch", "error", "field"),
    *("flow", "force", "gain", "growth", "image", "input", "layer", "length", "loss"),
    *("mass", "mean", "method", "model", "noise", "output", "phase", "power", "price"),
    *("protein", "rate", "ratio", "recall", "risk", "sample", "score", "shift"),
    *("signal", "sorting", "speed", "step", "stress", "supply", "temperature", "test"),
    *("time", "treatment", "update", "value", "velocity", "voltage", "weight", "yield"),
)


@dataclass(frozen=True)
class Style:
    """What the parts of one figure have in common.

    `size` is a font size in points, `line` a line width in points; colours are
    hexadecimal.
    """

    family: str
    size: float
    line: float
    ink: str
    paper: str
    colours: tuple[str, ...]


def pick_style(rng: np.random.Generator) -> Style:
    """Choose a look; mostly dark ink on white, sometimes tinted or dark paper."""
    kind = rng.random()
    if kind < 0.12:
        paper, ink = rng.choice(DARK), "#f2f2f2"
    else:
        paper = rng.choice(PALE if kind < 0.35 else PAPERS)
        ink = rng.choice(["#000000", "#222222", "#1d2b4f", "#3a2a20"])
    return Style(
        family=str(rng.choice(FAMILIES)),
        size=float(rng.uniform(5.5, 10)),
        line=float(rng.uniform(0.5, 2)),
        ink=str(ink),
        paper=str(paper),
        colours=_pick_colours(rng),
    )


def words(rng: np.random.Generator, at_most: int = 2) -> str:
    """Choose a few words, sometimes with a capital."""
    chosen = " ".join(rng.choice(WORDS, rng.integers(1, at_most + 1)))
    return chosen.capitalize() if rng.random() < 0.5 else chosen


def _pick_colours(rng: np.random.Generator) -> tuple[str, ...]:
    """Choose six colours that go together, in random order."""
    if rng.random() < 0.6:
        colours = list(PALETTES[rng.integers(len(PALETTES))])
    else:
        gradient = colormaps[str(rng.choice(GRADIENTS))]
        colours = [to_hex(gradient(x)) for x in np.linspace(0.1, 0.9, 6)]
    rng.shuffle(colours)
    return tuple(colours)

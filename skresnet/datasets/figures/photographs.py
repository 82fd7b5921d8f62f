"""Photographs: crops of the two pictures that scikit-learn ships."""

import functools
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image, ImageEnhance, ImageStat
from sklearn.datasets import load_sample_images

from skresnet.datasets.figures.sheet import Sheet
from skresnet.datasets.figures.style import Style

REGIONS: Final[dict[str, tuple[float, float]]] = {
    "train": (0.0, 0.5),
    "val": (0.5, 0.75),
    "test": (0.75, 1.0),
}
"""The part of a source picture's width that each split may crop from."""


def draw(figure: Figure, style: Style, rng: np.random.Generator, split: str) -> None:
    """Draw one crop, or several beside each other, some with a label and a margin."""
    sheet = Sheet(figure)
    width, height = sheet.width, sheet.height
    panels = 1 if rng.random() < 0.8 else int(rng.integers(2, 4))
    columns, rows = (panels, 1) if width > height else (1, panels)
    margin = 0.0 if rng.random() < 0.5 else rng.uniform(0.01, 0.12)
    labelled = rng.random() < 0.35
    cell = width / columns, height / rows
    for panel in range(panels):
        x, y = (panel * cell[0], 0.0) if rows == 1 else (0.0, panel * cell[1])
        room = cell[0] - 2 * margin, cell[1] - 2 * margin
        photograph = _photograph(rng, split, room[0] / room[1])
        sheet.paste(photograph, x + margin, y + margin, *room)
        if labelled:
            sheet.write(
                x + margin + 0.04,
                y + margin + 0.04,
                f"({'abc'[panel]})",
                family=style.family,
                size=style.size * 1.3,
                color=rng.choice(["white", "black"]),
                weight="bold",
            )
    if labelled and rng.random() < 0.6:
        corner = (width - margin - 0.25, margin + 0.05)
        sheet.add(Rectangle(corner, 0.2, 0.02, color="white", zorder=2))


def _photograph(rng: np.random.Generator, split: str, shape: float) -> Image.Image:
    """Make a picture of the given width over height from the split's regions."""
    # Much of the sources is sky and blur; of three crops, one shows something.
    crops = [_crop(rng, split, shape) for _ in range(3)]
    crop = max(crops, key=lambda crop: ImageStat.Stat(crop.convert("L")).stddev[0])
    if rng.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.2:
        crop = crop.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    crop = ImageEnhance.Brightness(crop).enhance(rng.uniform(0.6, 1.9))
    crop = ImageEnhance.Contrast(crop).enhance(rng.uniform(0.4, 1.4))
    crop = ImageEnhance.Color(crop).enhance(rng.uniform(0, 1.5))
    return crop


def _crop(rng: np.random.Generator, split: str, shape: float) -> Image.Image:
    """Cut a piece of the given width over height from the split's region."""
    picture = _pictures()[rng.integers(2)]
    start, end = (int(edge * picture.width) for edge in REGIONS[split])
    width = min(end - start, picture.height * shape) * rng.uniform(0.5, 1)
    height = width / shape
    left = rng.uniform(start, end - width)
    top = rng.uniform(0, picture.height - height)
    # Whole pixels only: a fraction of one would mix in the neighbouring split.
    return picture.crop((int(left), int(top), int(left + width), int(top + height)))


@functools.cache
def _pictures() -> list[Image.Image]:
    """Load the two source pictures once."""
    return [Image.fromarray(picture) for picture in load_sample_images().images]

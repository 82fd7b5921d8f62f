"""JPEG files to read: parts of scikit-learn's two sample photographs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

_QUALITY = 90
_CLASSES = ("first", "second")  # folders, which Keras' readers expect


@contextmanager
def photographs(n: int, size: tuple[int, int]) -> Iterator[Path]:
    """Write n different JPEG files of a size (width, height); remove them at the end.

    Yields
    ------
    folder : pathlib.Path
        With two folders, as of two classes, and the files in them.
    """
    generator = np.random.default_rng(0)
    originals = [Image.fromarray(array) for array in load_sample_images().images]
    with TemporaryDirectory(prefix="skresnet-benchmark-") as name:
        folder = Path(name)
        for class_name in _CLASSES:
            (folder / class_name).mkdir()
        for number in range(n):
            original = originals[number % len(originals)]
            share = generator.uniform(0.5, 0.95)
            width, height = (share * side for side in original.size)
            left = generator.uniform(0, original.width - width)
            top = generator.uniform(0, original.height - height)
            part = original.resize(size, box=(left, top, left + width, top + height))
            class_name = _CLASSES[number * len(_CLASSES) // n]
            part.save(folder / class_name / f"{number:06d}.jpg", quality=_QUALITY)
        yield folder


def paths(folder: Path) -> list[str]:
    """List the files as Keras' readers order them."""
    return sorted(str(path) for path in folder.glob("*/*.jpg"))

"""The pictures that an exported file is compared on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.image_embedder import ImageEmbedder
from skresnet.reading import read_all


def sample_pixels(embedder: ImageEmbedder, sample: Any = None) -> NDArray[np.uint8]:
    """Make pixels of pictures as an exported file is to be given them.

    Parameters
    ----------
    embedder : ImageEmbedder
        Fitted; says how pictures are read and resized.
    sample : pictures, default=None
        As of the embedder. None takes two photographs that come with scikit-learn,
        whole and in quarters, and four drawn pictures.

    Returns
    -------
    pixels : ndarray of shape (n_pictures, height, width, 3), uint8
        In the order of the sample.

    Raises
    ------
    UnreadableImageError
        If some of them cannot be read.
    ValueError, TypeError
        If there are none, or what the sample is made of cannot be used.
    """
    pictures = embedder._as_pictures(_pictures() if sample is None else sample)
    return read_all(pictures, embedder._resizing)


def _pictures() -> list[NDArray[np.uint8]]:
    """Find photographs, and draw what no photograph is like."""
    from sklearn.datasets import load_sample_images

    pictures: list[NDArray[np.uint8]] = []
    for photograph in load_sample_images().images:
        height, width = (side // 2 for side in photograph.shape[:2])
        rows, columns = slice(height), slice(width)
        lower, right = slice(height, None), slice(width, None)
        quarters = [(y, x) for y in (rows, lower) for x in (columns, right)]
        pictures += [photograph, *(photograph[quarter] for quarter in quarters)]
    generator = np.random.RandomState(0)
    ramp = np.linspace(0, 255, 224)
    pictures += [
        generator.randint(0, 256, (224, 224, 3)).astype(np.uint8),
        np.stack(np.broadcast_arrays(ramp, ramp[:, None], 96), axis=-1).astype(
            np.uint8
        ),
        np.full((224, 224, 3), (200, 40, 30), np.uint8),
        np.full((224, 224, 3), (20, 60, 220), np.uint8),
    ]
    return pictures

"""A data set to try the package on: figures as they appear in papers, drawn here."""

import numbers
import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch, check_random_state, check_scalar

from skresnet.datasets.folder import load_image_splits
from skresnet.validation import user_path


def make_paper_figures(
    folder: str | os.PathLike[str],
    *,
    n_per_class: int = 60,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Draw scientific figures of five classes as PNG files.

    The classes are ``diagrams`` (boxes and arrows), ``equations``, ``photographs``
    (crops of the two pictures of :func:`~sklearn.datasets.load_sample_images`),
    ``plots`` (lines, bars, areas, points) and ``tables``. Fonts, colours, paper,
    layout, size (200 to 350 pixels a side) and wear by printing and scanning vary
    within a class, so that colour alone does not tell the classes apart.

    The files lie in ``folder/train``, ``folder/val`` and ``folder/test``, one folder
    a class in each. Photographs of different splits come from parts of the pictures
    that do not overlap.

    Parameters
    ----------
    folder : str or path-like
        Where to draw. Made if it does not exist; must be empty if it does.
    n_per_class : int, default=60
        Images of each class in ``train``. ``val`` and ``test`` have half as many
        each, rounded up.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same files, byte for byte, on every call with the same
        versions of matplotlib and Pillow. What is not varied on purpose follows
        matplotlib's ``rcParams``.

    Returns
    -------
    splits : :class:`~sklearn.utils.Bunch`
        What :func:`load_image_splits` returns for `folder`.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    FileExistsError
        If `folder` is a file, or a folder that is not empty. Nothing is written.
    ValueError
        If `n_per_class` is less than 1.

    Examples
    --------
    >>> from skresnet.datasets import make_paper_figures
    >>> figures = make_paper_figures("figures", random_state=0)  # doctest: +SKIP
    >>> figures.train.data.shape  # doctest: +SKIP
    (300,)
    """
    check_scalar(n_per_class, "n_per_class", numbers.Integral, min_val=1)
    seeds = check_random_state(random_state)
    try:
        from skresnet.datasets.figures import CLASSES, draw_figure
    except ImportError as error:
        raise ImportError(
            "make_paper_figures draws with matplotlib, which cannot be imported "
            f'({error}). Install it with: pip install "skresnet[demo]"'
        ) from error

    root = _empty_folder(folder)
    half = (n_per_class + 1) // 2
    for split, count in {"train": n_per_class, "val": half, "test": half}.items():
        for name in CLASSES:
            class_folder = root / split / name
            class_folder.mkdir(parents=True)
            for index in range(count):
                # A seed a picture: none depends on how much chance another used.
                rng = np.random.default_rng(seeds.randint(2**31))
                image = draw_figure(name, split, rng)
                image.save(class_folder / f"{index:04d}.png", compress_level=1)
    return load_image_splits(root)


def _empty_folder(folder: str | os.PathLike[str]) -> Path:
    """Make the folder, or make sure that it is empty."""
    path = user_path(folder)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"folder must be a folder, but {str(path)!r} is a file.")
    path.mkdir(parents=True, exist_ok=True)
    if first := next(path.iterdir(), None):
        raise FileExistsError(
            f"folder {str(path)!r} is not empty (it holds {first.name!r}), and nothing "
            f"is overwritten. Name a new folder, or empty this one."
        )
    return path

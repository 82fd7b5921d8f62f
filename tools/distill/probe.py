"""How good features are: a linear classifier on them, as the model card quotes it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

N_TRAIN, N_TEST = 1050, 450
SIZE = 128
_BATCH = 50
_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}

Features = Callable[[Tensor], Tensor]


class Probe:
    """Labelled pictures, drawn once, and the accuracy that features reach on them.

    Parameters
    ----------
    folder : pathlib.Path
        ``train/<class>/`` and ``test/<class>/``, or ``<class>/`` alone, of which a
        part is then set aside.
    size : int, default=128
        Height and width of the pictures in pixels.
    """

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        self.name = folder.name
        rng = np.random.default_rng(0)
        if (folder / "train").is_dir() and (folder / "test").is_dir():
            train = _draw(_listed(folder / "train"), N_TRAIN, rng)
            test = _draw(_listed(folder / "test"), N_TEST, rng)
        else:
            both = _draw(_listed(folder), N_TRAIN + N_TEST, rng)
            cut = len(both) * N_TRAIN // (N_TRAIN + N_TEST)
            train, test = both[:cut], both[cut:]
        self.n_train = len(train)
        self._pixels = np.stack([_read(path, size) for path, _ in [*train, *test]])
        self._labels = np.array([label for _, label in [*train, *test]])

    def accuracy(self, features: Features, device: torch.device) -> float:
        """Return the test accuracy of a logistic regression on standardised features.

        Parameters
        ----------
        features : callable
            From float32 pixels (n, 3, size, size), RGB, 0 to 255, to rows.
        """
        return self.accuracy_of_rows(self._rows(features, device))

    def accuracy_of_rows(self, rows: NDArray[np.float32]) -> float:
        """Return the test accuracy for features computed elsewhere, in our order."""
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)
        )
        model.fit(rows[: self.n_train], self._labels[: self.n_train])
        accuracy: float = model.score(
            rows[self.n_train :], self._labels[self.n_train :]
        )
        return accuracy

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The pictures (n, size, size, 3), RGB: training rows, then test rows."""
        return self._pixels

    @torch.no_grad()
    def _rows(self, features: Features, device: torch.device) -> NDArray[np.float32]:
        rows = []
        for start in range(0, len(self._pixels), _BATCH):
            batch = torch.from_numpy(self._pixels[start : start + _BATCH])
            batch = batch.permute(0, 3, 1, 2).float().to(device)
            batch = batch.contiguous(memory_format=torch.channels_last)
            rows.append(features(batch).float().cpu().numpy())
        return np.concatenate(rows)


def _listed(folder: Path) -> list[tuple[Path, str]]:
    """Return the pictures of a folder with one folder a class."""
    found = [
        (path, path.relative_to(folder).parts[0])
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _ENDINGS and path.parent != folder
    ]
    if not found:
        raise FileNotFoundError(
            f"{folder} holds no pictures in class folders: expected "
            f"{folder}/<class>/<name>.jpg, or train/ and test/ with such folders."
        )
    return found


def _draw(
    pictures: Sequence[tuple[Path, str]], n: int, rng: np.random.Generator
) -> list[tuple[Path, str]]:
    """Return at most n of them, in random order."""
    return [pictures[i] for i in rng.permutation(len(pictures))[:n]]


def _read(path: Path, size: int) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        image.draft("RGB", (size, size))
        resized = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized)

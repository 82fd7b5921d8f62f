"""Random crops of pictures: what teacher and student look at together.

The crops follow Asano and Saeed, "Extrapolating from a Single Image to a Thousand
Classes using Distillation", ICLR 2023: random places and scales, flips, small turns,
changed colours, and CutMix (Yun et al., 2019). Teacher and student see the same.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tools.distill.packed import PackedPicture, drawing_weights, load_pictures

_SCALES = (0.08, 1.0)  # share of the picture's area, as in Inception's crops
_RATIOS = (3 / 4, 4 / 3)
_GREY_SHARE = 0.05
_JITTER = 0.4  # brightness, contrast and saturation change by at most this factor
_CUT_SHARE = 0.25  # of all batches


class Crops(Dataset[Tensor]):
    """Batches of uint8 crops (batch_size, 3, size, size), each decided by its number.

    Batch ``i`` is the same in every process and on every machine, which is what makes
    a run resumable without storing a state.
    """

    def __init__(
        self, folder: Path, *, batch_size: int, size: int, first: int, seed: int
    ) -> None:
        self.folder = folder
        self.batch_size = batch_size
        self.size = size
        self.first = first
        self.seed = seed
        self._opened: tuple[NDArray[np.uint8], list[PackedPicture]] | None = None

    def __len__(self) -> int:
        return 1 << 40  # as many as are asked for

    def __getitem__(self, number: int) -> Tensor:
        if self._opened is None:  # in the process that reads, not the one that made it
            self._opened = load_pictures(self.folder)
            self._weights = drawing_weights(self.folder)
            torch.set_num_threads(1)
        pixels, pictures = self._opened
        rng = np.random.default_rng([self.seed, self.first + number])
        chosen = rng.choice(len(pictures), size=self.batch_size, p=self._weights)
        crops = np.stack([_crop(pixels, pictures[i], self.size, rng) for i in chosen])
        batch = torch.from_numpy(crops).permute(0, 3, 1, 2).float()
        batch = _jitter(batch, rng)
        if rng.random() < _CUT_SHARE:
            _cut_and_mix(batch, rng)
        return batch.clamp_(0, 255).round_().to(torch.uint8)


def crop_loader(crops: Crops) -> DataLoader[Tensor]:
    """Return batches in order, drawn by one process ahead of the training."""
    return DataLoader(
        crops,
        batch_size=None,
        sampler=range(len(crops)),
        num_workers=1,
        prefetch_factor=6,
    )


def _crop(
    pixels: NDArray[np.uint8],
    picture: PackedPicture,
    size: int,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Draw one crop: place, scale, ratio, turn and flip."""
    largest = picture.levels[0]
    height, width = largest.height, largest.width
    for _ in range(10):
        area = rng.uniform(*_SCALES) * height * width
        ratio = np.exp(rng.uniform(*np.log(_RATIOS)))
        h, w = np.sqrt(area / ratio), np.sqrt(area * ratio)
        if h <= height and w <= width:
            break
    else:
        h = w = float(min(height, width))
    top, left = rng.uniform(0, height - h), rng.uniform(0, width - w)
    # The smallest stored level that the crop need not enlarge is the cheapest.
    enough = [
        level for level in picture.levels if min(h, w) * level.height >= size * height
    ]
    level = (enough or [largest])[-1]
    factor = level.height / height
    y, x = int(top * factor), int(left * factor)
    bottom = min(int(np.ceil((top + h) * factor)), level.height)
    right = min(int(np.ceil((left + w) * factor)), level.width)
    image = Image.fromarray(level.pixels(pixels)[y:bottom, x:right]).resize(
        (size, size), Image.Resampling.BILINEAR
    )
    if rng.random() < 0.2:
        image = image.rotate(rng.uniform(-20, 20), Image.Resampling.BILINEAR)
    crop = np.asarray(image)
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _jitter(batch: Tensor, rng: np.random.Generator) -> Tensor:
    """Change brightness, contrast and saturation of each crop; some become grey."""
    n = len(batch)
    brightness, contrast, saturation = (
        torch.from_numpy(rng.uniform(1 - _JITTER, 1 + _JITTER, n)).float()
        for _ in range(3)
    )
    saturation[torch.from_numpy(rng.random(n) < _GREY_SHARE)] = 0
    batch = batch * brightness.view(n, 1, 1, 1)
    grey = batch.mean(1, keepdim=True)
    batch = grey + (batch - grey) * saturation.view(n, 1, 1, 1)
    level = grey.mean((2, 3), keepdim=True)
    return level + (batch - level) * contrast.view(n, 1, 1, 1)


def _cut_and_mix(batch: Tensor, rng: np.random.Generator) -> None:
    """Put a rectangle of each crop's neighbour into it, in place."""
    size = batch.shape[-1]
    side = int(size * np.sqrt(1 - rng.uniform(0.2, 0.8)))
    top, left = rng.integers(0, size - side + 1, size=2)
    box = (..., slice(top, top + side), slice(left, left + side))
    batch[box] = batch.roll(1, 0)[box]

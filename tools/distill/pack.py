"""Pack a Keras weights file into the package, and write its digest down.

Usage: python -m tools.distill.pack FILE.weights.h5 [--pictures FOLDER] [--limit 0.005]

The kernels get the fewest bits with which the features of some pictures differ from
those of the file by less than the limit; a table shows what other choices would cost.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from skresnet import load_image_folder
from skresnet.backbone import BackboneSettings
from skresnet.backbone.tensorflow import build_graph
from skresnet.networks import RESNET50, Arrays
from skresnet.reading import Resizing, as_pictures
from skresnet.weights import distilled, resolve_weights
from skresnet.weights.distilled import read_packed
from skresnet.weights.files import file_digest
from skresnet.weights.keras_files import read_keras_file

BITS = range(8, 13)
_N_PICTURES = 24


class Choice(NamedTuple):
    """What it costs to keep kernels in some form; errors are relative to float32."""

    form: str
    megabytes: float
    mean_error: float  # of the length of a row of features
    largest_error: float
    centred_error: float  # of all rows, the mean of the pictures taken off
    least_cosine: float

    def __str__(self) -> str:
        return (
            f"{self.form:8} {self.megabytes:6.1f} {self.mean_error:9.5f} "
            f"{self.largest_error:9.5f} {self.centred_error:9.5f} "
            f"{self.least_cosine:10.7f}"
        )


def pack_weights(weights: dict[str, Arrays], path: Path, *, bits: int) -> None:
    """Write weights in the form that `read_packed` reads.

    Parameters
    ----------
    weights : dict of tuple of ndarray
        float32 arrays by name of layer, of the shapes that ResNet50's have.
    path : pathlib.Path
        Where to, with the ending ``.npz``.
    bits : int
        Of each integer that stands for a number of a kernel, 2 to 16.
    """
    arrays = [array for layer in RESNET50.weight_shapes for array in weights[layer]]
    step = 2 ** (16 - bits)
    largest = step * (2 ** (bits - 1) - 1)
    scales, integers = [], []
    for kernel in (array for array in arrays if array.ndim == 4):
        scale = np.abs(kernel).max(axis=(0, 1, 2)) / np.float32(largest)
        divisor = step * np.where(scale > 0, scale, 1)  # a channel may be all zeros
        scales.append(scale)
        integers.append((step * np.rint(kernel / divisor)).astype("<i2").ravel())
    np.savez_compressed(
        path,
        kernels=_planes(np.concatenate(integers)),
        scales=np.concatenate(scales),
        vectors=np.concatenate([array for array in arrays if array.ndim == 1]),
    )


def _planes(numbers: NDArray[Any]) -> NDArray[np.uint8]:
    """Lay the low bytes of numbers of 16 bits apart from the high ones."""
    return np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, 2).T)


def choices(
    weights: dict[str, Arrays], pixels: NDArray[np.float32]
) -> Iterator[tuple[int | None, Choice]]:
    """Measure each number of bits, and float16 (None) to compare with.

    Parameters
    ----------
    weights : dict of tuple of ndarray
        What would be packed.
    pixels : ndarray of shape (n, height, width, 3), float32
        RGB pictures, 0 to 255.
    """
    expected = _features(weights, pixels)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "packed.npz"
        for bits in BITS:
            pack_weights(weights, path, bits=bits)
            found = _features(read_packed(path), pixels)
            yield bits, _choice(f"{bits} bits", path, expected, found)
        halves = {
            layer: tuple(array.astype(np.float16) for array in arrays)
            for layer, arrays in weights.items()
        }
        flat = [array.ravel() for arrays in halves.values() for array in arrays]
        np.savez_compressed(path, _planes(np.concatenate(flat)))
        rounded = {
            layer: tuple(array.astype(np.float32) for array in arrays)
            for layer, arrays in halves.items()
        }
        yield None, _choice("float16", path, expected, _features(rounded, pixels))


def _choice(form: str, path: Path, expected: Any, found: Any) -> Choice:
    lengths = np.linalg.norm(expected, axis=1)
    errors = np.linalg.norm(found - expected, axis=1) / lengths
    cosines = (found * expected).sum(1) / (lengths * np.linalg.norm(found, axis=1))
    spread = np.linalg.norm(expected - expected.mean(0))
    return Choice(
        form,
        path.stat().st_size / 1e6,
        errors.mean(),
        errors.max(),
        float(np.linalg.norm(found - expected) / spread),
        cosines.min(),
    )


def _features(weights: dict[str, Arrays], pixels: NDArray[np.float32]) -> Any:
    """Compute the features of the package's own graph."""
    height, width = pixels.shape[1:3]
    settings = BackboneSettings(
        resolve_weights(None, seed=0), input_size=(height, width)
    )
    return build_graph(settings, weights)(pixels).numpy()


def read_pixels(folder: Path | None, size: tuple[int, int]) -> NDArray[np.float32]:
    """Read pictures of all classes of a folder, or parts of two photographs."""
    if folder:
        paths = load_image_folder(folder).data
        pictures: Any = paths[:: max(1, len(paths) // _N_PICTURES)].tolist()
    else:  # scikit-learn's, of 427 x 640 pixels
        pictures = [
            photograph[top : top + 213, left : left + 213]
            for photograph in load_sample_images().images
            for top in (0, 213)
            for left in (0, 213, 426)
        ]
    resizing = Resizing(
        input_size=size,
        interpolation="bilinear",
        aspect="stretch",
        scaled_decoding=True,
    )
    rows = [picture.load().pixels(resizing) for picture in as_pictures(pictures)]
    return np.stack(rows).astype(np.float32)


def ship(weights: dict[str, Arrays], *, bits: int) -> str:
    """Write the packed file and its digest into the package; return the digest."""
    path = distilled.distilled_path()
    pack_weights(weights, path, bits=bits)
    digest = file_digest(path)
    module = Path(distilled.__file__)
    line = re.compile(r"^SHA256 = .*$", re.MULTILINE)
    text, n_lines = line.subn(f'SHA256 = "{digest}"', module.read_text("utf-8"))
    if n_lines != 1:
        raise ValueError(f"{module} has {n_lines} lines SHA256 = ..., expected one.")
    module.write_text(text, "utf-8")
    return digest


def main() -> None:
    """Measure, choose and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="Keras file with ResNet50's weights")
    parser.add_argument("--pictures", type=Path, help="folder with a folder a class")
    parser.add_argument("--limit", type=float, default=0.005, help="of the mean error")
    parser.add_argument("--size", type=int, default=224, help="pixels of a side")
    args = parser.parse_args()
    weights = read_keras_file(RESNET50, args.file)
    pixels = read_pixels(args.pictures, (args.size, args.size))
    print(f"Errors of the features of {len(pixels)} pictures, relative to float32:")
    print("form         MB      mean   largest   centred     cosine")
    chosen = None
    for bits, choice in choices(weights, pixels):
        print(choice, flush=True)
        if bits and not chosen and choice.mean_error < args.limit:
            chosen = bits
    if not chosen:
        parser.error(f"no choice is within --limit {args.limit}")
    digest = ship(weights, bits=chosen)
    print(f"{distilled.distilled_path()}: {chosen} bits, SHA-256 {digest}")


if __name__ == "__main__":
    main()

"""What precision, engine and decoding change: in the features, and in accuracies.

No clock here. The measure of all are the features that TensorFlow computes in float32.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.figures import Figure
from benchmarks.photographs import paths, photographs
from benchmarks.report import (
    add_folders,
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)
from skresnet import (
    ORIGINAL_SETTINGS,
    DenseSGDClassifier,
    ResNet50Embedder,
    load_image_splits,
)
from skresnet.backbone import check_engine, check_precision

_PHOTOGRAPH_SIZES = ((640, 480), (1280, 960))
_N_PHOTOGRAPHS = 40
_COMPUTATIONS = tuple(product(("tensorflow", "openvino"), ("float32", "bfloat16")))
_CLASSIFIERS = ("LogisticRegression", "DenseSGDClassifier")

Features = NDArray[np.float32]
Numbers = dict[str, Any]
Embed = Callable[..., Features]  # pictures and parameters of the embedder


class Part(NamedTuple):
    """Files and their classes."""

    files: list[str]
    classes: NDArray[Any]


def embedding_with(weights: str) -> Embed:
    """Return a function that embeds pictures as its further arguments say."""

    def embed(pictures: Any, **params: Any) -> Features:
        embedder = ResNet50Embedder(
            weights=None if weights == "random" else weights,
            random_state=0,
            n_jobs=-1,
            **params,
        )
        features: Features = embedder.fit_transform(pictures)
        return features

    return embed


def compare_computations(
    embed: Embed, train: Part, test: Part, side: int, n_states: int
) -> Numbers:
    """Embed a data set in every way, and compare rows and accuracies with the first."""
    rows = [["", "least cosine", "median", *_CLASSIFIERS]]
    numbers: Numbers = {}
    for engine, precision in _COMPUTATIONS:
        name = f"{engine}, {precision}"
        try:
            check_engine(engine)
            check_precision(precision)
        except ValueError as error:  # this machine does not have it
            numbers[name] = {"absent": str(error)}
            rows.append([name, str(error)])
            continue
        X, X_test = (
            embed(part.files, input_size=side, engine=engine, precision=precision)
            for part in (train, test)
        )
        linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
        accuracies = [
            linear.fit(X, train.classes).score(X_test, test.classes),
            mean(
                DenseSGDClassifier(**ORIGINAL_SETTINGS, random_state=state)
                .fit(X, train.classes)
                .score(X_test, test.classes)
                for state in range(n_states)
            ),
        ]
        features = np.concatenate([X, X_test])
        if not numbers:
            expected, expected_accuracies = features, accuracies
        cosines = _cosines(features, expected)
        points = 100 * np.subtract(accuracies, expected_accuracies)
        numbers[name] = {
            "least_cosine": float(cosines.min()),
            "median_cosine": float(np.median(cosines)),
            "test_accuracies": dict(zip(_CLASSIFIERS, accuracies, strict=True)),
            "points": dict(zip(_CLASSIFIERS, points.tolist(), strict=True)),
        }
        rows.append(
            [
                name,
                f"{cosines.min():.6f}",
                f"{np.median(cosines):.6f}",
                *(
                    f"{accuracy:.4f} ({point:+.2f})"
                    for accuracy, point in zip(accuracies, points, strict=True)
                ),
            ]
        )
    print_table(rows)
    return numbers


def compare_decodings(embed: Embed, files: list[str], side: int) -> Numbers:
    """Compare pixels that come otherwise to the network with the most exact ones.

    Those are decoded in full and resized by Pillow's bilinear filter, which averages
    over all pixels that become one.
    """
    expected = embed(files, input_size=side, scaled_decoding=False)
    ways = {
        "scaled decoding": embed(files, input_size=side),
        **{
            interpolation: embed(
                files,
                input_size=side,
                interpolation=interpolation,
                scaled_decoding=False,
            )
            for interpolation in ("bicubic", "lanczos", "hamming", "box", "nearest")
        },
        "bilinear without antialiasing": np.concatenate(
            [embed(batch, input_size=side) for batch in _sampled(files, side)]
        ),
    }
    rows = [["instead of bilinear, in full", "median", "greatest", "pictures changed"]]
    numbers: Numbers = {}
    norms = np.linalg.norm(expected, axis=1)
    for name, features in ways.items():
        off = np.linalg.norm(features - expected, axis=1) / norms
        # Rows of equal pixels may differ by rounding where they stand in a batch.
        changed = int((off > 1e-5).sum())
        numbers[name] = {
            "median": float(np.median(off)),
            "greatest": float(off.max()),
            "changed": changed,
        }
        rows.append([name, f"{np.median(off):.4f}", f"{off.max():.4f}", f"{changed}"])
    print_table(rows)
    return numbers


def _sampled(files: list[str], side: int) -> Iterator[Features]:
    """Resize as tf.image.resize does unless told otherwise, a few files at a time."""
    import tensorflow as tf

    for start in range(0, len(files), 32):
        pictures = []
        for path in files[start : start + 32]:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB"))
            pictures.append(tf.image.resize(pixels, (side, side)).numpy())
        yield np.stack(pictures)


def _cosines(rows: Features, others: Features) -> Features:
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(others, axis=1)
    cosines: Features = (rows * others).sum(axis=1) / lengths
    return cosines


def _part(split: Any, limit: int | None) -> Part:
    """Take all pictures of a split, or so many of them, of all classes alike."""
    count = len(split.data)
    chosen = np.linspace(0, count - 1, min(limit or count, count)).astype(int)
    return Part([str(split.data[i]) for i in chosen], split.target[chosen])


def _on_folder(embed: Embed, folder: Path, arguments: argparse.Namespace) -> Numbers:
    data = load_image_splits(folder)
    train, test = (_part(data[name], arguments.limit) for name in ("train", "test"))
    print(
        f"\n{folder.name}: {len(train.files)} pictures to train on, {len(test.files)} "
        "to test;\naccuracies with the difference to the first in points\n"
    )
    computed = compare_computations(
        embed, train, test, arguments.side, arguments.rounds
    )
    # At half the side, since few data sets have pictures of twice the whole.
    side = max(32, arguments.side // 2)
    print(
        f"\n{folder.name}: relative difference of {len(test.files)} rows, "
        f"{side} pixels\n"
    )
    decoded = compare_decodings(embed, test.files, side)
    return {
        "n_train": len(train.files),
        "n_test": len(test.files),
        "computations": computed,
        "decoding_side": side,
        "decodings": decoded,
    }


def _on_photographs(
    embed: Embed, size: tuple[int, int], arguments: argparse.Namespace
) -> Numbers:
    count = min(_N_PHOTOGRAPHS, arguments.limit or _N_PHOTOGRAPHS)
    width, height = size
    print(
        f"\n{count} photographs of {width} x {height}: relative difference of rows, "
        f"{arguments.side} pixels\n"
    )
    with photographs(count, size) as folder:
        return compare_decodings(embed, paths(folder), arguments.side)


def figures(numbers: Numbers) -> Iterator[Figure]:
    """Give what each way changes, beside the first."""
    for folder, found in numbers["folders"].items():
        for way, one in list(found["computations"].items())[1:]:
            title = f"{folder}, {way}"
            if "absent" in one:
                yield Figure(title, "points", absent=one["absent"])
                continue
            yield Figure(f"{title}, least cosine", "cosine", [one["least_cosine"]])
            for classifier, points in one["points"].items():
                yield Figure(f"{title}, {classifier}", "points", [points])
    decodings = {name: one["decodings"] for name, one in numbers["folders"].items()}
    for name, found in {**decodings, **numbers["photographs"]}.items():
        off = found["scaled decoding"]["median"]
        yield Figure(f"{name}, scaled decoding, median row off by", "share", [off])


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser(
        "precision", __doc__ or "", rounds="random states of DenseSGDClassifier"
    )
    add_folders(parser, "with the splits train and test")
    parser.add_argument(
        "--weights",
        default="distilled",
        help="of the embedder: imagenet, distilled, random or a file",
    )
    parser.add_argument("--side", type=int, default=224, help="pixels")
    parser.add_argument("--limit", type=int, help="pictures a split, instead of all")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    embed = embedding_with(arguments.weights)
    numbers: Numbers = {
        "weights": arguments.weights,
        "side": arguments.side,
        "folders": {
            folder.name: _on_folder(embed, folder, arguments)
            for folder in arguments.folders
        },
        "photographs": {
            f"{width} x {height}": _on_photographs(embed, (width, height), arguments)
            for width, height in _PHOTOGRAPH_SIZES
        },
    }
    write_json(arguments.json, facts, numbers, figures(numbers))


if __name__ == "__main__":
    main()

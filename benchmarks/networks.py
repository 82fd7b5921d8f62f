"""The networks and weights that need no connection, side by side: what they are worth.

Usage: python -m benchmarks.networks [FOLDER ...] [--sizes 224 128]

Accuracy is that of a logistic regression on the features of all pictures of a folder,
with the standard error of its five folds. Speed is that of one pass over the pictures
of the first folder at the first size, reading included, with either engine: the
milliseconds that processors work for a picture, which do not grow with what else the
machine does, and pictures a second, which depend on it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.accuracy import mean_with_error
from benchmarks.figures import Figure, of_mean
from benchmarks.report import (
    add_folders,
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)
from skresnet import load_image_splits
from skresnet.backbone import ENGINES
from skresnet.embedder import EMBEDDERS

CHOICES: tuple[tuple[str, str | None], ...] = (
    ("efficientnet_lite0", "imagenet"),
    ("resnet50", "distilled"),
    ("resnet50", None),
)


def pictures_of(folder: Path) -> tuple[Any, Any]:
    """Return paths and classes of all splits together."""
    data = load_image_splits(folder)
    parts = [data[name] for name in ("train", "val", "test") if name in data]
    return (
        np.concatenate([part.data for part in parts]),
        np.concatenate([part.target for part in parts]),
    )


def accuracies(features: Any, classes: Any) -> list[float]:
    """Return the accuracy of a logistic regression in each of five folds."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores: list[float] = cross_val_score(model, features, classes, cv=folds).tolist()
    return scores


def embedder_of(network: str, weights: str | None, **params: Any) -> Any:
    """Make an embedder that knows random weights from a fixed state."""
    return EMBEDDERS[network](weights=weights, random_state=0, **params)


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print a row for each choice; return what is in them."""
    columns = [
        (folder, side) for folder in arguments.folders for side in arguments.sizes
    ]
    rows = [["", "MB", *(f"{f.name}, {s} px" for f, s in columns)]]
    rows[0] += [f"{engine}, ms (pictures/s)" for engine in ENGINES]
    numbers: dict[str, Any] = {}
    for network, weights in CHOICES:
        name = f"{network}, {weights or 'random'}"
        numbers[name] = {}
        row = [name]
        for folder, side in columns:
            X, y = pictures_of(folder)
            embedder = embedder_of(network, weights, input_size=side)
            found = accuracies(embedder.fit_transform(X), y)
            numbers[name][f"{folder.name}, {side} px"] = found
            mean, error = mean_with_error(found)
            row.append(f"{mean:.3f} ± {error:.3f}")
            print(f"{name}: {folder.name}, {side} px: {row[-1]}", flush=True)
        path = embedder.weights_.path
        row.insert(1, f"{Path(path).stat().st_size / 1e6:.1f}" if path else "-")
        for engine in ENGINES:
            laps = _laps(network, weights, engine, arguments)
            numbers[name][engine] = laps
            wall, cpu = (min(column) for column in zip(*laps, strict=True))
            row.append(f"{1000 * cpu:.1f} ({1 / wall:.0f})")
        rows.append(row)
    print_table(rows)
    return numbers


def figures(numbers: dict[str, Any]) -> Iterator[Figure]:
    """Give the accuracies, and the pictures a second of each engine."""
    for name, columns in numbers.items():
        for column, found in columns.items():
            title = f"{name}, {column}"
            if column in ENGINES:
                rates = [1 / wall for wall, _ in found]
                yield Figure(title, "pictures/s", rates)
            else:
                yield of_mean(title, "accuracy", *mean_with_error(found))


def _laps(
    network: str, weights: str | None, engine: str, arguments: argparse.Namespace
) -> list[tuple[float, float]]:
    """Return the seconds and the processor seconds of a picture in each round."""
    X, _ = pictures_of(arguments.folders[0])
    embedder = embedder_of(
        network, weights, input_size=arguments.sizes[0], engine=engine
    ).fit(X)
    embedder.transform(X[:32])  # builds the network
    laps = []
    for _ in range(arguments.rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        embedder.transform(X)
        laps.append(
            (
                (time.perf_counter() - wall) / len(X),
                (time.process_time() - cpu) / len(X),
            )
        )
    return laps


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("networks", __doc__ or "", rounds="passes that are timed")
    add_folders(parser, "with splits, which are put together")
    parser.add_argument("--sizes", nargs="+", type=int, default=[224], help="pixels")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    numbers = compare(arguments)
    write_json(arguments.json, facts, numbers, figures(numbers))


if __name__ == "__main__":
    main()

"""What exported files give, beside the models that they were made from.

Usage: python -m benchmarks.exporting [FOLDER ...] [--pictures 50]

For each folder, both networks and two heads are trained on its train pictures and
exported to every format. Each file is run by its own runtime on test pictures, spread
over all classes. In a cell is the largest difference of a probability from
``predict_proba`` of the pictures' paths, and the megabytes that the file has.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.figures import Figure
from benchmarks.report import (
    add_folders,
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)
from skresnet import (
    EmbeddingCache,
    export_model,
    load_image_splits,
    make_image_classifier,
)
from skresnet.export.formats import FORMATS
from skresnet.export.pictures import sample_pixels

NETWORKS = {"efficientnet_lite0": "imagenet", "resnet50": "distilled"}
HEADS: dict[str, Any] = {
    "dense": None,
    "logistic": make_pipeline(
        StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)
    ),
}


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print a row for each model; return what is in them."""
    titles = [chosen.title for chosen in FORMATS.values()]
    rows = [["", "sure", *titles]]
    numbers: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory() as scratch,
        EmbeddingCache(Path(scratch) / "cache") as cache,
    ):
        for folder, network, head in product(arguments.folders, NETWORKS, HEADS):
            data = load_image_splits(folder)
            spread = np.linspace(0, len(data.test.data) - 1, arguments.pictures)
            pictures = data.test.data[np.unique(spread.astype(int))]
            model = make_image_classifier(
                network=network,
                weights=NETWORKS[network],
                classifier=clone(HEADS[head]) if HEADS[head] else None,
                random_state=0,
                cache=cache,
            ).fit(data.train.data, data.train.target)
            name = f"{folder.name}, {network}, {head}"
            found = differences(model, pictures, Path(scratch))
            rows.append([name, *found.pop("cells")])
            numbers[name] = found
            print(" | ".join(rows[-1]), flush=True)
    print()
    print_table(rows)
    return numbers


def differences(model: Any, pictures: Any, scratch: Path) -> dict[str, Any]:
    """Export a model to every format, and compare each file with it."""
    expected = model.predict_proba(pictures)
    pixels = sample_pixels(model[0], pictures)
    sure = (expected.max(axis=1) > 0.9999).mean()
    found: dict[str, Any] = {"pictures": len(pictures), "sure": sure}
    cells = [f"{sure:.0%}"]
    for number, (ending, chosen) in enumerate(FORMATS.items()):
        folder = scratch / f"exported{number}"
        folder.mkdir(exist_ok=True)
        path = folder / f"model{ending}"
        export_model(model, path, overwrite=True)
        run = chosen.read(path)
        got = np.concatenate([np.asarray(run(picture[None])) for picture in pixels])
        largest = float(np.abs(got - expected).max())
        files = [file for file in folder.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files)
        found[chosen.title] = {"largest": largest, "bytes": size}
        cells.append(f"{largest:.1e} ({size / 1e6:.0f})")
    return {**found, "cells": cells}


def figures(numbers: dict[str, Any]) -> Iterator[Figure]:
    """Give for each format what is largest over all models."""
    for chosen in FORMATS.values():
        found = [one[chosen.title] for one in numbers.values()]
        difference = max(one["largest"] for one in found)
        megabytes = max(one["bytes"] for one in found) / 1e6
        title = chosen.title
        yield Figure(f"{title}, probabilities off by", "share", [difference])
        yield Figure(f"{title}, largest file", "MB", [megabytes])


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("exporting", __doc__ or "", rounds="not used here")
    add_folders(parser, "with train and test")
    parser.add_argument("--pictures", type=int, default=50, help="of the test")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    numbers = compare(arguments)
    write_json(arguments.json, facts, numbers, figures(numbers))


if __name__ == "__main__":
    main()

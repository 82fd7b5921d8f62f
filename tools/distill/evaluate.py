"""The model card's table: how far features go from random weights to the teacher.

``python -m tools.distill.evaluate FOLDER ... --weights distilled --weights imagenet``
"""

from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from skresnet import ResNet50Embedder
from tools.distill.probe import SIZE, Probe
from tools.distill.teacher import NAMES, load_teacher

RANDOM, TEACHER = "random", "teacher"


def embedded(weights: str, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the features of pictures as a user of the package gets them."""
    embedder = ResNet50Embedder(
        weights=None if weights == RANDOM else weights,
        random_state=0,
        input_size=pixels.shape[1:3],
    )
    rows: NDArray[np.float32] = embedder.fit_transform(list(pixels))
    return rows


def share(accuracy: float, random: float, teacher: float) -> float:
    """Return the share of the way from random weights to the teacher."""
    return (accuracy - random) / (teacher - random)


@click.command()
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--weights",
    "names",
    multiple=True,
    default=("distilled",),
    show_default=True,
    help="'distilled', 'imagenet' or a Keras weights file; may be given repeatedly.",
)
@click.option("--teacher", type=click.Choice(NAMES), default="lite0", show_default=True)
@click.option("--size", default=SIZE, show_default=True, help="Pixels a side.")
def main(folders: tuple[Path, ...], names: tuple[str, ...], teacher: str, size: int):
    """Print the accuracy of a linear classifier on features of the pictures.

    Each FOLDER holds train/<class>/ and test/<class>/, or <class>/ alone. Of each,
    1050 pictures train and 450 test a logistic regression (C=0.01) on standardised
    features.
    """
    probes = [Probe(folder, size) for folder in folders]
    network = load_teacher(teacher)
    table = {
        RANDOM: [p.accuracy_of_rows(embedded(RANDOM, p.pixels)) for p in probes],
        TEACHER: [
            p.accuracy(lambda pixels: network(pixels).features, torch.device("cpu"))
            for p in probes
        ],
    }
    for name in names:
        table[name] = [p.accuracy_of_rows(embedded(name, p.pixels)) for p in probes]
    width = max(len(name) for name in table)
    print(" " * width, *(f"{probe.name:>12}" for probe in probes), "       share")
    for name, accuracies in table.items():
        shares = [
            share(*way)
            for way in zip(accuracies, table[RANDOM], table[TEACHER], strict=True)
        ]
        figures = [f"{accuracy:12.3f}" for accuracy in accuracies]
        print(f"{name:{width}}", *figures, f"{np.mean(shares):12.2f}")


if __name__ == "__main__":
    main()

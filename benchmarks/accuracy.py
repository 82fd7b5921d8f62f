"""How often the head is right, beside what scikit-learn has for the same features.

No clock here. All heads of a row see the same features and the same splits, so that
what is compared are the differences within a split.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import metrics
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from benchmarks.figures import Figure, of_mean
from benchmarks.measure import AbsentError, library
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
    EfficientNetLite0Embedder,
    ResNet50Embedder,
    load_image_splits,
)
from skresnet.datasets import make_paper_figures

_OURS = "DenseSGDClassifier"
_MOST_TESTED = 500
_FEWEST_TESTED = 100

Head = Callable[[int], ClassifierMixin]  # of a random state
Numbers = dict[str, Any]


def _scaled(classifier: ClassifierMixin) -> ClassifierMixin:
    return make_pipeline(StandardScaler(), classifier)


HEADS: dict[str, Head] = {
    _OURS: lambda seed: DenseSGDClassifier(random_state=seed),
    "original settings": lambda seed: DenseSGDClassifier(
        **ORIGINAL_SETTINGS, random_state=seed
    ),
    "LogisticRegression, scaled": lambda seed: _scaled(
        LogisticRegression(C=0.01, max_iter=1000)
    ),
    "LogisticRegression": lambda seed: LogisticRegression(max_iter=1000),
    "RidgeClassifierCV": lambda seed: RidgeClassifierCV(np.logspace(-1, 5, 7)),
    # PCA turns the rows into their own span, in which the covariance is small.
    "LinearDiscriminantAnalysis": lambda seed: make_pipeline(
        PCA(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    ),
    "MLPClassifier": lambda seed: _scaled(MLPClassifier(random_state=seed)),
    "kNN": lambda seed: _scaled(KNeighborsClassifier()),
}


class Pictures(NamedTuple):
    """A data set: what an embedder takes, its classes, and the side in pixels."""

    data: Any
    target: NDArray[Any]
    side: int


def data_sets(
    arguments: argparse.Namespace,
) -> Iterator[tuple[str, Pictures | AbsentError]]:
    """Give the data sets by name, drawn, unpacked or listed, or why there is none."""
    for folder in arguments.folders:
        yield folder.name, _pooled(load_image_splits(folder), arguments.side)
    with TemporaryDirectory(prefix="skresnet-benchmark-") as name:
        figures = make_paper_figures(name, n_per_class=60, random_state=0)
        yield "paper figures", _pooled(figures, arguments.side)
    images, target = load_digits(return_X_y=True)
    grey = (images.reshape(-1, 8, 8) * 15.9).astype(np.uint8)
    yield "digits", Pictures(grey, target, min(64, arguments.side))
    try:
        cells, defects, _ = library("elpv_dataset.utils").load_dataset()
    except AbsentError as error:
        print(f"Without solar cells (pip install elpv-dataset): {error}\n")
        yield "solar cells", error
        return
    # The two ends of the scale; between them, the experts were not sure.
    sure = np.isin(defects, (0.0, 1.0))
    yield (
        "solar cells",
        Pictures(cells[sure], defects[sure].astype(int), arguments.side),
    )


def _pooled(splits: Any, side: int) -> Pictures:
    """Put the splits together: new ones are drawn of them."""
    parts = [splits[name] for name in ("train", "val", "test") if name in splits]
    data = [path for part in parts for path in part.data]
    return Pictures(data, np.concatenate([part.target for part in parts]), side)


def embedders(
    names: list[str], weights: str | None, cache: Path | None
) -> dict[str, Any]:
    """Make the embedders of the networks by the names that the table has."""
    resnet50 = ResNet50Embedder(weights=weights, cache=cache, n_jobs=-1, random_state=0)
    lite0 = EfficientNetLite0Embedder(cache=cache, n_jobs=-1)
    known = {"resnet50": resnet50, "efficientnet_lite0": lite0}
    return {name: known[name] for name in names}


def scores(
    X: NDArray[np.float32],
    y: NDArray[Any],
    n_train: int,
    heads: dict[str, Head],
    n_splits: int,
) -> dict[str, dict[str, list[float]]]:
    """Fit all heads on the same splits; give accuracy and log loss of each."""
    n_test = min(_MOST_TESTED, y.size - n_train)
    splits = StratifiedShuffleSplit(
        n_splits, train_size=n_train, test_size=n_test, random_state=0
    )
    found: dict[str, dict[str, list[float]]] = {
        name: {"accuracy": [], "log_loss": []} for name in heads
    }
    for seed, (train, test) in enumerate(splits.split(X, y)):
        for name, head in heads.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                classifier = head(seed).fit(X[train], y[train])
            numbers = found[name]
            numbers["accuracy"].append(float(classifier.score(X[test], y[test])))
            if hasattr(classifier, "predict_proba"):
                # In float32, rows of them do not add up to 1 in float64.
                probabilities = normalize(
                    classifier.predict_proba(X[test]).astype(np.float64), norm="l1"
                )
                loss = metrics.log_loss(
                    y[test], probabilities, labels=classifier.classes_
                )
                numbers["log_loss"].append(float(loss))
    return found


def print_accuracies(rows: list[Numbers], heads: list[str]) -> None:
    """Print the mean accuracy of each head, a row a data set and number of rows."""
    table = [["network, data set, pictures", *heads]]
    for row in rows:
        means = [np.mean(row["scores"][head]["accuracy"]) for head in heads]
        table.append([_title(row), *(f"{mean:.3f}" for mean in means)])
    print_table(table)


def print_differences(rows: list[Numbers], heads: list[str]) -> Numbers:
    """Print ours minus each head: mean, standard error, and the worst row."""
    numbers: Numbers = {}
    table = [["ours minus", "network", "accuracy", "least", "where", "log loss"]]
    for head in heads:
        if head == _OURS:
            continue
        for network in dict.fromkeys(row["network"] for row in rows):
            own = [row for row in rows if row["network"] == network]
            by_row = [_difference(row, head, "accuracy") for row in own]
            loss = [_difference(row, head, "log_loss") for row in own]
            worst = int(np.argmin([mean for mean, _ in by_row]))
            accuracy, log_loss = _mean_of_rows(by_row), _mean_of_rows(loss)
            titles = map(_title, own)
            numbers.setdefault(head, {})[network] = {
                "accuracy": accuracy,
                "log_loss": log_loss,
                "rows": dict(zip(titles, by_row, strict=True)),
            }
            table.append(
                [
                    head,
                    network,
                    _plus_minus(accuracy),
                    f"{by_row[worst][0]:+.4f}",
                    _title(own[worst]).partition(", ")[2],
                    _plus_minus(log_loss),
                ]
            )
    print_table(table)
    return numbers


def figures(rows: list[Numbers], differences: Numbers) -> Iterator[Figure]:
    """Give our mean accuracy with each network, and ours minus each other head's."""
    for network in dict.fromkeys(row["network"] for row in rows):
        means = [
            mean_with_error(row["scores"][_OURS]["accuracy"])
            for row in rows
            if row["network"] == network
        ]
        name = f"{network}, {_OURS}, mean of {len(means)} rows"
        yield of_mean(name, "accuracy", *_mean_of_rows(means))
    for head, networks in differences.items():
        for network, found in networks.items():
            name = f"{network}, ours minus {head}, mean of {len(found['rows'])} rows"
            yield of_mean(name, "accuracy", *found["accuracy"])


def _title(row: Numbers) -> str:
    return f"{row['network']}, {row['data_set']}, {row['n_train']}"


def _difference(row: Numbers, head: str, score: str) -> tuple[float, float]:
    """Return the mean over the splits of ours minus the head's, and its error."""
    ours, theirs = row["scores"][_OURS][score], row["scores"][head][score]
    if not theirs:
        return np.nan, np.nan
    return mean_with_error(np.subtract(ours, theirs))


def mean_with_error(values: ArrayLike) -> tuple[float, float]:
    """Return the mean and its standard error."""
    found = np.asarray(values)
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(found.size))


def _mean_of_rows(rows: list[tuple[float, float]]) -> tuple[float, float]:
    """Average over rows, whose errors are independent of each other."""
    means, errors = np.array(rows).T
    return float(means.mean()), float(np.sqrt((errors**2).sum()) / len(rows))


def _plus_minus(value: tuple[float, float]) -> str:
    return "none" if np.isnan(value[0]) else f"{value[0]:+.4f} ± {value[1]:.4f}"


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Let the command line choose the pictures, and the networks they go through."""
    add_folders(parser, "with splits, which are put together and split anew")
    parser.add_argument(
        "--networks",
        nargs="+",
        choices=["resnet50", "efficientnet_lite0"],
        default=["resnet50", "efficientnet_lite0"],
        help="whose features are classified",
    )


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("accuracy", __doc__ or "", rounds="splits of each row")
    add_data_arguments(parser)
    parser.add_argument(
        "--weights",
        default="distilled",
        help="of ResNet50: imagenet, distilled, random or a file",
    )
    parser.add_argument(
        "--train", nargs="+", type=int, default=[100, 300, 1000], help="pictures"
    )
    parser.add_argument("--side", type=int, default=128, help="pixels")
    parser.add_argument("--cache", type=Path, help="folder that keeps the features")
    parser.add_argument(
        "--heads",
        nargs="+",
        choices=list(HEADS),
        default=list(HEADS),
        help="that are compared with ours",
    )
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    heads = {name: HEADS[name] for name in HEADS if name in {_OURS, *arguments.heads}}
    weights = None if arguments.weights == "random" else arguments.weights
    networks = embedders(arguments.networks, weights, arguments.cache)
    rows: list[Numbers] = []
    absent: list[Figure] = []
    for data_set, pictures in data_sets(arguments):
        if isinstance(pictures, AbsentError):
            absent.append(Figure(data_set, "accuracy", absent=str(pictures)))
            continue
        for network, embedder in networks.items():
            embedder.set_params(input_size=pictures.side)
            X = embedder.fit_transform(pictures.data)
            for n_train in arguments.train:
                if len(X) < n_train + _FEWEST_TESTED:
                    continue
                found = scores(X, pictures.target, n_train, heads, arguments.rounds)
                rows.append(
                    {
                        "network": network,
                        "data_set": data_set,
                        "n_train": n_train,
                        "n_test": min(_MOST_TESTED, len(X) - n_train),
                        "scores": found,
                    }
                )
    rows.sort(key=lambda row: arguments.networks.index(row["network"]))
    print(f"Accuracy, mean of {arguments.rounds} splits\n")
    print_accuracies(rows, list(heads))
    print("\nOurs minus theirs, mean of the rows and its standard error\n")
    differences = print_differences(rows, list(heads))
    write_json(
        arguments.json,
        facts,
        {
            "weights": arguments.weights,
            "rows": rows,
            "differences": differences,
        },
        [*figures(rows, differences), *absent],
    )


if __name__ == "__main__":
    main()

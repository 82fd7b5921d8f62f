"""What 8 bits cost in accuracy: int8 minus float32, on the same pictures and splits.

No clock here. Both precisions are computed by OpenVINO, with the weights that come with
the package, and the same heads are fitted to the same rows of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import (
    HEADS,
    Numbers,
    Pictures,
    add_data_arguments,
    data_sets,
    embedders,
    mean_with_error,
    scores,
)
from benchmarks.figures import Figure, of_mean
from benchmarks.measure import AbsentError
from benchmarks.report import (
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)

_HEADS = ("DenseSGDClassifier", "LogisticRegression, scaled")
_LOWEST = "int8"


def _features(pictures: Pictures, network: str, precision: str) -> NDArray[np.float32]:
    embedder = embedders([network], "distilled", None)[network]
    embedder.set_params(
        precision=precision, engine="openvino", input_size=pictures.side
    )
    features: NDArray[np.float32] = embedder.fit_transform(pictures.data)
    return features


def _limited(pictures: Pictures, limit: int | None) -> Pictures:
    """Draw so many pictures, the same for all precisions."""
    if limit is None or pictures.target.size <= limit:
        return pictures
    random = np.random.default_rng(0)
    chosen = random.choice(pictures.target.size, limit, replace=False)
    data = pictures.data
    few = data[chosen] if isinstance(data, np.ndarray) else [data[i] for i in chosen]
    return Pictures(few, pictures.target[chosen], pictures.side)


def compare(
    pictures: Pictures, network: str, precision: str, n_train: int, n_splits: int
) -> Numbers:
    """Compare a precision with float32, in the features and in each head's accuracy."""
    rows, expected = (
        _features(pictures, network, kind) for kind in (precision, "float32")
    )
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (rows * expected).sum(axis=1) / lengths
    found: Numbers = {
        "least_cosine": float(cosines.min()),
        "mean_cosine": float(cosines.mean()),
        "heads": {},
    }
    heads = {name: HEADS[name] for name in _HEADS}
    accuracies = [
        scores(X, pictures.target, n_train, heads, n_splits) for X in (rows, expected)
    ]
    for name in heads:
        ours, theirs = (np.array(found[name]["accuracy"]) for found in accuracies)
        difference, error = mean_with_error(ours - theirs)
        found["heads"][name] = {
            "float32": float(theirs.mean()),
            "difference": difference,
            "error": error,
        }
    return found


def _row(title: str, found: Numbers) -> list[str]:
    cells = [title, f"{found['mean_cosine']:.4f}", f"{found['least_cosine']:.3f}"]
    for head in _HEADS:
        one = found["heads"][head]
        cells.append(f"{one['difference']:+.4f} ± {one['error']:.4f}")
    return cells


def _means(results: dict[str, Numbers]) -> dict[str, tuple[float, float]]:
    """Average the differences of each head over the sets, with the error."""
    means = {}
    for head in _HEADS:
        each = [found["heads"][head] for found in results.values()]
        mean = np.mean([one["difference"] for one in each])
        error = np.sqrt(sum(one["error"] ** 2 for one in each)) / len(each)
        means[head] = float(mean), float(error)
    return means


def figures(
    network: str, precision: str, results: dict[str, Numbers]
) -> Iterator[Figure]:
    """Give what the precision changes in accuracies, and at most in a row."""
    title = f"{network}, {precision}"
    for head, (mean, error) in _means(results).items():
        name = f"{title} minus float32, {head}, mean of {len(results)} sets"
        yield of_mean(name, "accuracy", mean, error)
    least = min(found["least_cosine"] for found in results.values())
    yield Figure(f"{title}, least cosine to float32", "cosine", [least])


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("eight_bits", __doc__ or "", rounds="splits of each set")
    add_data_arguments(parser)
    parser.add_argument("--precision", choices=["int8", "bfloat16"], default=_LOWEST)
    parser.add_argument("--side", type=int, default=128, help="pixels")
    parser.add_argument("--limit", type=int, help="pictures a set, instead of all")
    parser.add_argument("--n-train", type=int, default=200, help="rows to fit")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    numbers: dict[str, Any] = {"side": arguments.side}
    summary: list[Figure] = []
    for network in arguments.networks:
        results: dict[str, Numbers] = {}
        for name, pictures in data_sets(arguments):
            if isinstance(pictures, AbsentError):
                title = f"{network}, {name}"
                summary.append(Figure(title, "accuracy", absent=str(pictures)))
                continue
            results[name] = compare(
                _limited(pictures, arguments.limit),
                network,
                arguments.precision,
                arguments.n_train,
                arguments.rounds,
            )
            print(*_row(f"{network}, {name}", results[name]), sep="  ", flush=True)
        numbers[network] = results
        print()
        print_table(
            [
                [
                    f"{network}, {arguments.precision} minus float32",
                    "mean cosine",
                    "least",
                    *_HEADS,
                ],
                *(_row(name, found) for name, found in results.items()),
                [
                    *("mean", "", ""),
                    *(
                        f"{mean:+.4f} ± {error:.4f}"
                        for mean, error in _means(results).values()
                    ),
                ],
            ]
        )
        print()
        summary += figures(network, arguments.precision, results)
    write_json(arguments.json, facts, numbers, summary)


if __name__ == "__main__":
    main()

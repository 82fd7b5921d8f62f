"""Training the head on features: ours beside scikeras, Keras and others.

No contender is warmed up: the first fit is the first of a fresh process, libraries
imported, and the fits that follow are what a search over learning rates costs. All
train the network of ``ORIGINAL_SETTINGS`` for as many epochs, but for the row of the
defaults.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks import heads
from benchmarks.figures import Figure, of_result, times_as_fast
from benchmarks.measure import Contender, Result, interleaved
from benchmarks.report import (
    argument_parser,
    laps_of,
    machine,
    print_machine,
    print_table,
    write_json,
)

_WAYS = (
    ("skresnet, ORIGINAL_SETTINGS", heads.skresnet),
    ("skresnet, its defaults", heads.skresnet_defaults),
    ("scikeras KerasClassifier, ModelCheckpoint", heads.scikeras),
    ("Keras fit, ModelCheckpoint", heads.keras),
    ("scikit-learn MLPClassifier, no validation", heads.sklearn),
    ("PyTorch loop, best epoch kept", heads.pytorch),
)


def data(n_train: int, n_validation: int) -> heads.Data:
    """Draw features as ResNet50's are, none below zero, of classes that overlap."""
    generator = np.random.default_rng(0)
    n = n_train + n_validation
    y = np.arange(n) % heads.N_CLASSES
    centres = generator.normal(0, 0.15, (heads.N_CLASSES, heads.N_FEATURES))
    noise = generator.normal(0, 1, (n, heads.N_FEATURES))
    X: NDArray[np.float32] = np.maximum(noise + centres[y], 0).astype(np.float32)
    return heads.Data(X[:n_train], y[:n_train], X[n_train:], y[n_train:])


def row(name: str, rounds: list[Result], ours: list[Result]) -> list[str]:
    """Make a row of one contender's processes, compared with ours."""
    absent = [result.absent for result in rounds if result.absent is not None]
    if absent:
        return [name, absent[0]]

    def cpu(results: list[Result]) -> float:
        return float(
            np.median(
                [sum(lap.cpu_seconds for lap in result.laps) for result in results]
            )
        )

    def first(results: list[Result]) -> float:
        return float(np.median([result.laps[0].seconds for result in results]))

    def total(results: list[Result]) -> float:
        return float(
            np.median([sum(lap.seconds for lap in result.laps) for result in results])
        )

    cells = [name, f"{first(rounds):.2f} s", f"{first(rounds) / first(ours):.2f}"]
    if len(rounds[0].laps) > 1:
        cells += [f"{total(rounds):.2f} s", f"{total(rounds) / total(ours):.2f}"]
    accuracy = np.mean([lap.value for result in rounds for lap in result.laps])
    return [
        *cells,
        f"{cpu(rounds):.2f} s",
        f"{cpu(rounds) / cpu(ours):.2f}",
        f"{accuracy:.3f}",
    ]


def figures(rounds: dict[str, list[Result]]) -> Iterator[Figure]:
    """Give the seconds of first fits and of all, and how much faster ours are."""
    first = [_first(name, results) for name, results in rounds.items()]
    for result in first:
        yield of_result(
            f"first fit, {result.name}", "s", result, lambda lap: lap.seconds
        )
    for result in first[1:]:
        yield times_as_fast(f"first fit, ours beside {result.name}", first[0], result)
    for name, results in rounds.items():
        fits = min(len(result.laps) for result in results)
        if fits > 1:
            totals = [sum(lap.seconds for lap in result.laps) for result in results]
            yield Figure(f"{fits} fits, {name}", "s", totals)


def _first(name: str, results: list[Result]) -> Result:
    """Take the first fit of each process."""
    absent = [result.absent for result in results if result.absent is not None]
    if absent:
        return Result(name, absent=absent[0])
    return Result(name, [result.laps[0] for result in results])


def arithmetic(n_train: int, epochs: int) -> float:
    """Count the floating-point operations of a fit, in 10^9.

    A row costs 6 for each weight: two in the forward pass, two for its gradient, two
    for that of the layer's input, which the first layer has no use for.
    """
    sizes = [heads.N_FEATURES, *heads.HIDDEN, heads.N_CLASSES]
    first, *others = [fan_in * fan_out for fan_in, fan_out in pairwise(sizes)]
    return n_train * epochs * (4 * first + 6 * sum(others)) / 1e9


def peak() -> float:
    """Measure the operations a second of a large product of matrices, in 10^9."""
    size = 2048
    matrix = np.ones((size, size), np.float32)
    seconds = []
    for _ in range(10):
        start = perf_counter()
        matrix @ matrix
        seconds.append(perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


def limit(ours: list[Result], n_train: int, epochs: int) -> str:
    """Say how near our last fit of each process comes to the arithmetic."""
    operations, rate = arithmetic(n_train, epochs), peak()
    taken = float(np.median([result.laps[-1].seconds for result in ours]))
    return (
        f"A fit computes {operations:.0f} GFLOP, at the {rate:.0f} GFLOP/s of a large "
        f"product of matrices {operations / rate:.2f} s; the last of ours took "
        f"{taken:.2f} s, {taken * rate / operations:.2f} times as long."
    )


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("head", __doc__ or "")
    parser.add_argument("--fits", type=int, default=1, help="in a row in a process")
    parser.add_argument("--epochs", type=int, default=20, help="of each fit")
    parser.add_argument("--train", type=int, default=2743, help="rows that train")
    parser.add_argument("--validation", type=int, default=1571, help="rows beside them")
    parser.add_argument(
        "--only", help="a part of the names that are measured, beside ours"
    )
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    rows = data(arguments.train, arguments.validation)
    ways = {
        name: make
        for name, make in _WAYS
        if make is heads.skresnet or arguments.only is None or arguments.only in name
    }
    contenders = [
        Contender(name, partial(make, rows, arguments.epochs))
        for name, make in ways.items()
    ]
    rounds: dict[str, list[Result]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for result in interleaved(contenders, rounds=arguments.fits, warm_ups=0):
            rounds[result.name].append(result)
    ours = next(iter(rounds.values()))
    many = [f"{arguments.fits} fits", "/ ours"] if arguments.fits > 1 else []
    head = ["", "first fit", "/ ours", *many, "CPU", "/ ours", "validation accuracy"]
    print_table([head, *(row(name, results, ours) for name, results in rounds.items())])
    print(
        f"\n{arguments.train} + {arguments.validation} rows of {heads.N_FEATURES} "
        f"features, {arguments.epochs} epochs in batches of {heads.BATCH_SIZE}."
    )
    print(limit(ours, arguments.train, arguments.epochs))
    write_json(
        arguments.json,
        facts,
        {"rounds": {name: laps_of(results) for name, results in rounds.items()}},
        figures(rounds),
    )


if __name__ == "__main__":
    main()

"""Most memory of a fresh process that turns a folder of any length into features."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import readers
from benchmarks.figures import Figure, of_result
from benchmarks.measure import Contender, Lap, Result, interleaved
from benchmarks.photographs import photographs
from benchmarks.report import (
    argument_parser,
    laps_of,
    machine,
    print_machine,
    print_table,
    write_json,
)

_BYTES_PER_ROW = 2048 * 4
_MIB = 2**20


def contenders(folder: Path, side: int) -> list[Contender]:
    """List the ways through the folder, ours first."""
    return [
        Contender(
            "skresnet", partial(readers.skresnet_folder, folder, side, "float32")
        ),
        Contender(
            "ImageDataGenerator and predict, batches of 32",
            partial(readers.image_data_generator, folder, side, 32),
        ),
        Contender(
            "image_dataset_from_directory and predict",
            partial(readers.image_dataset, folder, side),
        ),
    ]


def growth(results: dict[int, Result]) -> list[str]:
    """Make a row of one contender's results by number of files."""
    absent = [result.absent for result in results.values() if result.absent]
    name = next(iter(results.values())).name
    if absent:
        return [name, str(absent[0])]
    peaks = [peak(result.laps[0], n_files) for n_files, result in results.items()]
    return [
        name,
        *(f"{each:,.0f} MiB" for each in peaks),
        f"x {peaks[-1] / peaks[0]:.3f}",
    ]


def peak(lap: Lap, n_files: int) -> float:
    """Give the most memory of a process, less its features, in MiB."""
    return (lap.peak_bytes - n_files * _BYTES_PER_ROW) / _MIB


def figures(by_name: dict[str, dict[int, Result]]) -> Iterator[Figure]:
    """Give the most memory of each way by number of files."""
    for name, by_count in by_name.items():
        for count, result in by_count.items():
            yield of_result(
                f"{name}, {count:,} files", "MiB", result, partial(peak, n_files=count)
            )


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("memory", __doc__ or "")
    parser.set_defaults(rounds=1)
    parser.add_argument(
        "--counts", type=int, nargs="+", default=[500, 5000, 20000], help="of files"
    )
    parser.add_argument(
        "--side", type=int, default=64, help="pixels, of the files and of the network"
    )
    parser.add_argument("--only", default="", help="a part of the names measured")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    by_name: dict[str, dict[int, Result]] = {}
    numbers: dict[str, Any] = {}
    for count in arguments.counts:
        with photographs(count, (arguments.side, arguments.side)) as folder:
            results = []
            for contender in contenders(folder, arguments.side):
                if arguments.only not in contender.name:
                    continue
                # One at a time: no memory of another's beside it, no warm-up that
                # would reach its peak before.
                results += interleaved([contender], rounds=1, warm_ups=0)
        numbers[str(count)] = laps_of(results)
        for result in results:
            by_name.setdefault(result.name, {})[count] = result
    head = ["", *(f"{count:,} files" for count in arguments.counts), "last / first"]
    print_table([head, *(growth(results) for results in by_name.values())])
    print(
        "\nPeak resident memory less the array of features. Files and network of "
        f"{arguments.side} x {arguments.side} pixels."
    )
    write_json(arguments.json, facts, {"by_count": numbers}, figures(by_name))


if __name__ == "__main__":
    main()

"""What a choice of network, engine and precision costs: speed, memory and start.

Every row is measured in fresh processes, which take turns. Each computes the features
of one JPEG file, then those of many, and ends. The first round, which is not counted,
quantises and compiles the networks that the others find on disk.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import of_programs
from benchmarks.photographs import paths, photographs
from benchmarks.report import (
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)
from benchmarks.startup import NETWORKS, in_turns
from skresnet.backbone import PRECISIONS
from skresnet.backbone.kept import FOLDER_VARIABLE

_FILE_SIZE = (500, 375)
_CHOICES = [*(("openvino", precision) for precision in PRECISIONS)]
_CHOICES.append(("tensorflow", "float32"))

# It prints the seconds to the first features, those of all files, and KiB of memory.
_PROGRAM = """
import time; begin = time.perf_counter()
import os, resource
os.environ[{variable!r}] = {kept!r}
from skresnet import {embedder}
files = {files!r}
embedder = {embedder}(weights={weights!r}, engine={engine!r}, precision={precision!r})
embedder.fit_transform(files[:1])
print(time.perf_counter() - begin)
embedder.transform(files[:32])
begin = time.perf_counter()
embedder.transform(files)
print(time.perf_counter() - begin)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def programs(folder: Path, files: list[str]) -> dict[str, str]:
    """Write the program of each row of the table."""
    return {
        f"{embedder}, {engine}, {precision}": _PROGRAM.format(
            variable=FOLDER_VARIABLE,
            # A folder each, since no more than a few networks are kept in one.
            kept=str(folder / f"{embedder}-{precision}"),
            embedder=embedder,
            files=files,
            weights=weights,
            engine=engine,
            precision=precision,
        )
        for embedder, weights in NETWORKS.items()
        for engine, precision in _CHOICES
    }


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("choosing", __doc__ or "", rounds="processes of each row")
    parser.add_argument("--files", type=int, default=192, help="files in the folder")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    with (
        TemporaryDirectory() as folder,
        photographs(arguments.files, _FILE_SIZE) as pictures,
    ):
        written = programs(Path(folder), paths(pictures))
        laps, failures = in_turns(written, arguments.rounds)
    rows = [["", "files/s", "first features, s", "peak memory, MiB"]]
    for name in written:
        rows.append(_row(name, failures.get(name), laps.get(name), arguments.files))
    print_table(rows)
    write_json(
        arguments.json,
        facts,
        {"files": arguments.files, "laps": laps, "absent": failures},
        of_programs(
            written,
            laps,
            failures,
            [
                (", first features", "s", float),
                (", files", "files/s", lambda seconds: arguments.files / seconds),
                (", most memory", "MiB", lambda kib: kib / 1024),
            ],
        ),
    )


def _row(name: str, failure: str | None, laps: Any, n_files: int) -> list[str]:
    if failure is not None:
        return [name, failure]
    first, whole, memory = (statistics.median(each) for each in zip(*laps, strict=True))
    return [name, f"{n_files / whole:.0f}", f"{first:.2f}", f"{memory / 1024:.0f}"]


if __name__ == "__main__":
    main()

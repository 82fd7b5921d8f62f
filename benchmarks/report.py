"""What a benchmark prints and writes: the machine, a table, a JSON file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import skresnet
from benchmarks.figures import Figure
from benchmarks.measure import Result
from skresnet.base import installed_version

_LIBRARIES = (
    "embetter",
    "keras",
    "nncf",
    "numpy",
    "onnxruntime",
    "openvino",
    "pillow",
    "scikeras",
    "scikit-learn",
    "tensorflow",
    "timm",
    "torch",
)

# What decides how fast matrix products are, of the many flags of a processor.
_INSTRUCTIONS = (
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "amx_bf16",
    "asimd",
    "bf16",
)

RESULTS = Path(__file__).parent / "results"
_DATA = Path(__file__).parents[2] / "shared" / "data"


def argument_parser(
    name: str, description: str, *, rounds: str = "laps of each contender"
) -> argparse.ArgumentParser:
    """Make a parser with what every benchmark lets one choose; say what rounds are."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5, help=rounds)
    parser.add_argument(
        "--json",
        type=Path,
        default=RESULTS / f"{name}.json",
        help="where the numbers are written",
    )
    return parser


def add_folders(parser: argparse.ArgumentParser, description: str) -> None:
    """Let the command line name folders with splits of pictures."""
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        default=[_DATA / "cats-dogs", _DATA / "cifar10"],
        help=description,
    )


def machine() -> dict[str, Any]:
    """Describe the machine, what else it was doing, and what is measured on it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    parts = (line.partition(":") for line in lines)
    described = {key.strip(): value.strip() for key, _, value in parts}
    flags = described.get("flags", described.get("Features", "")).split()
    return {
        "processor": described.get("model name", platform.processor()),
        "cores": len(os.sched_getaffinity(0)),
        "instructions": [flag for flag in _INSTRUCTIONS if flag in flags],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "skresnet": installed_version("skresnet"),
        "commit": _commit(),
        "versions": {name: installed_version(name) for name in _LIBRARIES},
    }


def _commit() -> str | None:
    """Name the commit that the package is of; None where git does not know it.

    An installed package may lie in a folder that a checkout ignores: the commit of that
    says nothing of it.
    """
    git = ("git", "-C", str(Path(skresnet.__file__).parent))
    try:
        known, named = (
            subprocess.run([*git, *command], capture_output=True, text=True).stdout
            for command in (
                ("ls-files", "__init__.py"),
                ("describe", "--always", "--tags", "--dirty"),
            )
        )
    except OSError:  # there is no git
        return None
    return named.strip() if known else None


def surroundings(facts: dict[str, Any]) -> str:
    """Describe the machine and the versions in two lines."""
    named = ", ".join(f"{name} {found}" for name, found in facts["versions"].items())
    return (
        f"{facts['processor']}, {facts['cores']} cores "
        f"({' '.join(facts['instructions'])}), {facts['system']}\n"
        f"Python {facts['python']}; {named}"
    )


def release(facts: dict[str, Any]) -> str:
    """Say which state of the package was measured, and beside what load."""
    at = f" at {facts['commit']}" if facts["commit"] else ""
    return (
        f"skresnet {facts['skresnet']}{at}, load average before: "
        f"{facts['load_average']}"
    )


def print_machine(facts: dict[str, Any]) -> None:
    """Print what is measured, and on which machine."""
    print(f"{surroundings(facts)}\n{release(facts)}\n")


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, of which the first is the head, in columns as wide as they need.

    A row may be shorter than the head; its last cell is then not aligned, so that a
    reason for missing numbers does not widen a column. A row of one cell is a title of
    those that follow.
    """
    n_columns = len(rows[0])
    full = [row for row in rows if len(row) == n_columns]
    names = [row[0] for row in rows if len(row) > 1]
    widths = [max(map(len, names))]
    widths += [max(len(row[i]) for row in full) for i in range(1, n_columns)]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])]
        if len(row) == n_columns:
            cells += [
                cell.rjust(width)
                for cell, width in zip(row[1:], widths[1:], strict=True)
            ]
        else:
            cells += row[1:]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def laps_of(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Make of results what JSON can hold."""
    return [
        {
            "name": result.name,
            "absent": result.absent,
            "seconds": [lap.seconds for lap in result.laps],
            "cpu_seconds": [lap.cpu_seconds for lap in result.laps],
            "peak_bytes": [lap.peak_bytes for lap in result.laps],
        }
        for result in results
    ]


def write_json(
    path: Path,
    facts: dict[str, Any],
    numbers: dict[str, Any],
    summary: Iterable[Figure],
) -> None:
    """Write all that was measured, with which command, and its key figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "command": _command(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts,
        "summary": [asdict(figure) for figure in summary],
        **numbers,
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
    print(f"\nWritten to {path}")


def _command() -> str:
    """Write down the command, less the place of the numbers, which changes none."""
    spec = sys.modules["__main__"].__spec__
    arguments = sys.argv[1:]
    if "--json" in arguments:
        place = arguments.index("--json")
        del arguments[place : place + 2]
    return " ".join(["python -m", spec.name if spec else sys.argv[0], *arguments])

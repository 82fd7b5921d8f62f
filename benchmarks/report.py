"""What a benchmark prints and writes: the machine, a table, a JSON file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import Result
from skresnet.base import installed_version

_LIBRARIES = (
    "embetter",
    "keras",
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


def machine() -> dict[str, Any]:
    """Describe the machine, and what else it was doing."""
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
        "versions": {name: installed_version(name) for name in _LIBRARIES},
    }


def print_machine(facts: dict[str, Any]) -> None:
    """Print the machine in a few lines."""
    print(
        f"{facts['processor']}, {facts['cores']} cores "
        f"({' '.join(facts['instructions'])}), {facts['system']}, "
        f"load average before: {facts['load_average']}"
    )
    named = ", ".join(f"{name} {found}" for name, found in facts["versions"].items())
    print(f"Python {facts['python']}; {named}\n")


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, of which the first is the head, in columns as wide as they need.

    A row may be shorter than the head; its last cell is then not aligned, so that a
    reason for missing numbers does not widen a column.
    """
    n_columns = len(rows[0])
    full = [row for row in rows if len(row) == n_columns]
    names = [row[0] for row in rows]
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


def write_json(path: Path, facts: dict[str, Any], numbers: dict[str, Any]) -> None:
    """Write all that was measured, and with which command."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "command": " ".join(["python -m", _module(), *sys.argv[1:]]),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts,
        **numbers,
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
    print(f"\nWritten to {path}")


def _module() -> str:
    """Name the module that Python was started with."""
    spec = sys.modules["__main__"].__spec__
    return spec.name if spec else sys.argv[0]

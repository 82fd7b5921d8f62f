"""The key figures of all benchmarks in one table, beside those of an earlier release.

It reads what the benchmarks have written to a folder. With ``--run``, those that are
missing there are run before, one after the other, each by a command of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.figures import Figure
from benchmarks.report import RESULTS, print_table, release, surroundings

# The files of a folder, and the benchmarks that write them.
COMMANDS: dict[str, tuple[str, ...]] = {
    "in_memory": ("in_memory",),
    "in_memory_lite0": ("in_memory", "--network", "efficientnet_lite0"),
    "folder": ("folder",),
    "folder_lite0": ("folder", "--network", "efficientnet_lite0"),
    "eight_bits_speed": ("eight_bits_speed",),
    "eight_bits_speed_lite0": ("eight_bits_speed", "--network", "efficientnet_lite0"),
    "choosing": ("choosing",),
    "startup": ("startup",),
    "prediction": ("prediction",),
    "serving": ("serving",),
    "cluster": ("cluster", "speed"),
    "cluster_kills": ("cluster", "kills"),
    "cluster_names": ("cluster", "names"),
    "memory": ("memory",),
    "rows": ("rows",),
    "head": ("head",),
    "networks": ("networks",),
    "accuracy": ("accuracy",),
    "precision": ("precision",),
    "eight_bits": ("eight_bits",),
    "auditing": ("auditing", "--weights", "distilled"),
    "auditing_lite0": ("auditing", "--network", "efficientnet_lite0"),
    "exporting": ("exporting",),
}

# Of these the difference is told: they are often zero, or below it.
_SUBTRACTED = ("accuracy", "cosine", "count", "points", "share")
_OF_THE_MACHINE = ("processor", "cores", "instructions", "system")


class Measured(NamedTuple):
    """What a benchmark has written of itself."""

    figures: dict[str, Figure]  # by their names
    facts: dict[str, Any]
    command: str
    finished: str


Results = Mapping[str, Measured]  # by the names of the files


def read(folder: Path) -> dict[str, Measured]:
    """Read all that benchmarks have written to a folder.

    Files without a summary, of an earlier version, are told and left out.
    """
    found = {}
    for path in sorted(folder.glob("*.json"), key=_as_listed):
        content = json.loads(path.read_text())
        if "summary" not in content:
            print(f"{path.name} has no summary: an earlier version wrote it.")
            continue
        figures = [Figure(**row) for row in content["summary"]]
        found[path.stem] = Measured(
            {figure.name: figure for figure in figures},
            content["machine"],
            content["command"],
            content["finished"],
        )
    return found


def _as_listed(path: Path) -> tuple[int, str]:
    order = list(COMMANDS)
    return order.index(path.stem) if path.stem in order else len(order), path.stem


def run_missing(folder: Path) -> None:
    """Run the benchmarks that have written nothing to a folder yet, one at a time."""
    for name, command in COMMANDS.items():
        path = folder / f"{name}.json"
        if path.exists():
            continue
        module, *options = command
        print(f"\n{' '.join(command)}\n", flush=True)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                f"benchmarks.{module}",
                *options,
                "--json",
                str(path),
            ]
        )
        if done.returncode:
            print(f"\n{name} failed, with status {done.returncode}.", flush=True)


def print_surroundings(results: Iterable[Measured]) -> dict[str, str]:
    """Print each machine with its versions once; give the letters they are told by."""
    letters: dict[str, str] = {}
    for measured in results:
        letters.setdefault(surroundings(measured.facts), chr(ord("A") + len(letters)))
    for described, letter in letters.items():
        print(f"{letter}: {described}\n")
    return letters


def differences(now: Measured, before: Measured) -> list[str]:
    """Say in which respects two results were not measured alike."""
    pairs = [
        (key, now.facts[key], before.facts[key]) for key in (*_OF_THE_MACHINE, "python")
    ]
    pairs += [
        (name, version, before.facts["versions"].get(name))
        for name, version in now.facts["versions"].items()
    ]
    pairs.append(("command", now.command, before.command))
    return [
        f"{key} is {_in_words(new)}, was {_in_words(old)}"
        for key, new, old in pairs
        if new != old
    ]


def _in_words(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value or "not told")


def incomparable(now: Measured, before: Measured) -> str | None:
    """Say why ratios of two results tell nothing of the releases; None if they do."""
    if any(now.facts[key] != before.facts[key] for key in _OF_THE_MACHINE):
        return "another machine"
    return "another command" if now.command != before.command else None


def verdict(now: Figure, before: Figure) -> str:
    """Say whether chance alone may have made the difference of two figures."""
    if list(now.laps) == list(before.laps):
        return "the same"
    if now.spread is None or before.spread is None:
        return "spread unknown"
    apart = now.spread[0] > before.spread[1] or before.spread[0] > now.spread[1]
    return "beyond the spread" if apart else "within the spread"


def table(
    results: Results, earlier: Results | None, letters: Mapping[str, str]
) -> list[list[str]]:
    """Make rows of all figures; each benchmark has a row that says what it measured."""
    head = ["", "value", "spread"]
    if earlier is not None:
        head += ["before", "spread", "change", ""]
    rows = [head]
    for name in dict.fromkeys([*COMMANDS, *results, *(earlier or {})]):
        now, before = results.get(name), (earlier or {}).get(name)
        title = _measured(now, letters) if now else "not measured"
        if earlier is not None:
            then = _measured(before, letters) if before else "not measured"
            title = f"{title}; before: {then}"
        rows.append([f"{name}: {title}"])
        figures, old = (one.figures if one else {} for one in (now, before))
        reason = incomparable(now, before) if now and before else None
        for each in dict.fromkeys([*figures, *old]):
            cells = _cells(figures.get(each))
            if earlier is not None:
                cells += _cells(old.get(each))
                cells += _change(figures.get(each), old.get(each), reason)
            rows.append([f"  {each}", *cells])
    return rows


def _measured(measured: Measured, letters: Mapping[str, str]) -> str:
    facts = measured.facts
    return f"{letters[surroundings(facts)]}, {measured.finished}, {release(facts)}"


def _cells(figure: Figure | None) -> list[str]:
    if figure is None:
        return ["-", ""]
    if figure.absent is not None:
        return ["absent", ""]
    value = f"{_number(figure.value)} {figure.unit}"
    if figure.error is not None:
        return [value, f"± {_number(figure.error)}"]
    if figure.spread is None:
        return [value, ""]
    least, greatest = figure.spread
    laps = len(figure.laps)
    return [value, f"{_number(least)} to {_number(greatest)} in {laps}"]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _change(
    now: Figure | None, before: Figure | None, incomparable: str | None
) -> list[str]:
    if now is None or before is None or not (now.laps and before.laps):
        return ["", ""]
    if now.unit in _SUBTRACTED or not before.value:
        change = f"{now.value - before.value:+.2g}"
    else:
        change = f"x {now.value / before.value:.3f}"
    return [change, incomparable or verdict(now, before)]


def print_absent(results: Results) -> None:
    """Say of each figure without a value why it has none."""
    for name, measured in results.items():
        for figure in measured.figures.values():
            if figure.absent is not None:
                print(f"Absent: {name}, {figure.name}: {figure.absent}")


def print_differences(results: Results, earlier: Results) -> None:
    """Say of which benchmarks the changes are not those of the package alone."""
    found: dict[str, list[str]] = {}
    machines = False
    for name in (name for name in results if name in earlier):
        machines |= incomparable(results[name], earlier[name]) == "another machine"
        for difference in differences(results[name], earlier[name]):
            found.setdefault(difference, []).append(name)
    for difference, names in found.items():
        print(f"Not measured alike: {difference} ({', '.join(sorted(names))})")
    if machines:
        print(
            "Where the machine differs, a ratio tells nothing of the release: measure "
            "both on one."
        )


def main() -> None:
    """Print the table, as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.summary", description=__doc__
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=RESULTS,
        help="where the benchmarks have written; benchmarks/results unless named",
    )
    parser.add_argument(
        "--compare", type=Path, metavar="FOLDER", help="results of an earlier release"
    )
    parser.add_argument(
        "--run", action="store_true", help="run what is missing before: hours for all"
    )
    arguments = parser.parse_args()
    if arguments.compare and not arguments.compare.is_dir():
        parser.error(f"there is no folder {arguments.compare}")
    if arguments.run:
        run_missing(arguments.folder)
    results = read(arguments.folder)
    earlier = read(arguments.compare) if arguments.compare else None
    both: Sequence[Measured] = [*results.values(), *(earlier or {}).values()]
    print_table(table(results, earlier, print_surroundings(both)))
    print(
        "\nThe spread is from the least to the greatest of so many laps, or a standard "
        "error.\n"
    )
    print_absent(results)
    if earlier is not None:
        print_differences(results, earlier)


if __name__ == "__main__":
    main()

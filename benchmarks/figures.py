"""The figures of a benchmark by which releases are compared."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import Lap, Result
from skresnet.backbone import PRECISIONS


@dataclass(frozen=True)
class Figure:
    """One answer of a benchmark, or why there is none.

    Parameters
    ----------
    name : str
        What is measured. No other figure of the benchmark has the same.
    unit : str
        Of the laps.
    laps : sequence of float
        All that were measured; a single one of what has no clock.
    error : float or None
        Standard error of the only lap, which is a mean.
    absent : str or None
        Why there are no laps.
    """

    name: str
    unit: str
    laps: Sequence[float] = ()
    error: float | None = None
    absent: str | None = None

    @property
    def value(self) -> float:
        """The median of the laps."""
        return statistics.median(self.laps)

    @property
    def spread(self) -> tuple[float, float] | None:
        """The least and greatest lap, or two errors either way; None for one lap."""
        if self.error is not None:
            return self.value - 2 * self.error, self.value + 2 * self.error
        return (min(self.laps), max(self.laps)) if len(self.laps) > 1 else None


def of_mean(name: str, unit: str, mean: float, error: float) -> Figure:
    """Make a figure of a mean; its error is not a number where it is of one value."""
    return Figure(name, unit, [mean], error=None if math.isnan(error) else error)


def of_result(
    name: str, unit: str, result: Result, number: Callable[[Lap], float]
) -> Figure:
    """Make a figure of what each lap gives."""
    laps = [number(lap) for lap in result.laps]
    return Figure(name, unit, laps, absent=result.absent)


def times_as_fast(name: str, ours: Result, theirs: Result) -> Figure:
    """Compare two ways within each round, as a table does."""
    for result in (ours, theirs):
        if result.absent is not None:
            return Figure(name, "x", absent=f"{result.name}: {result.absent}")
    pairs = zip(ours.laps, theirs.laps, strict=True)
    ratios = [their.seconds / our.seconds for our, their in pairs]
    return Figure(name, "x", ratios)


def beside_rivals(
    results: Sequence[Result], title: str, unit: str, n: int, ours: str
) -> Iterator[Figure]:
    """Give the rates of our ways, and how many times as fast as each rival one is.

    Parameters
    ----------
    results : sequence of Result
        Those whose names begin with skresnet are ours.
    title : str
        What all have in common.
    unit : str
        Of the rates.
    n : int
        How many of what is counted a lap has.
    ours : str
        The way that rivals of the same precision are compared with, whose name has
        braces for the precision.
    """
    by_name = {result.name: result for result in results}
    for result in results:
        precision = next((p for p in PRECISIONS if p in result.name), "float32")
        if result.name.startswith("skresnet"):
            name = f"{title}, {result.name}"
            yield of_result(name, unit, result, lambda lap: n / lap.seconds)
        elif own := by_name.get(ours.format(precision)):
            yield times_as_fast(f"{title}, ours beside {result.name}", own, result)


def of_programs(
    written: Mapping[str, Any],
    laps: Mapping[str, Sequence[Sequence[float]]],
    failures: Mapping[str, str],
    columns: Sequence[tuple[str, str, Callable[[float], float]]],
) -> Iterator[Figure]:
    """Give what fresh processes printed in each round.

    Parameters
    ----------
    written : mapping of str
        The names of all programs.
    laps : mapping of str to sequence
        The numbers that each has printed in each round.
    failures : mapping of str to str
        What went wrong with the others.
    columns : sequence of tuple
        For each number what it is, its unit, and what makes it that of the unit;
        programs may print fewer.
    """
    for name in written:
        if name in failures:
            what, unit, _ = columns[0]
            yield Figure(f"{name}{what}", unit, absent=failures[name])
            continue
        for (what, unit, number), each in zip(
            columns, zip(*laps[name], strict=True), strict=False
        ):
            yield Figure(f"{name}{what}", unit, [number(one) for one in each])

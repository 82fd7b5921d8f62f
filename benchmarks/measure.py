"""Timing contenders by turns, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

Run = Callable[[], Any]


class AbsentError(Exception):
    """A library is not installed, or does not work here; the text says why."""


@dataclass(frozen=True)
class Contender:
    """One way to do what is measured.

    Parameters
    ----------
    name : str
        What the table calls it.
    make : callable
        Prepares the work in a process of its own and returns a callable that does it.
        It has to be picklable, and raises AbsentError where it cannot run.
    """

    name: str
    make: Callable[[], Run]


class Lap(NamedTuple):
    """One run of a contender."""

    seconds: float
    cpu_seconds: float  # of all threads of its process
    peak_bytes: int  # most memory its process ever had resident
    value: Any


@dataclass
class Result:
    """The laps of a contender, or why there are none."""

    name: str
    laps: list[Lap] = field(default_factory=list)
    absent: str | None = None

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(lap.seconds for lap in self.laps)

    @property
    def best(self) -> float:
        """The least of the seconds."""
        return min(lap.seconds for lap in self.laps)

    @property
    def cpu_median(self) -> float:
        """The median of the processor seconds."""
        return statistics.median(lap.cpu_seconds for lap in self.laps)


def library(name: str) -> Any:
    """Import a library that may be missing.

    Raises
    ------
    AbsentError
        If it is not installed or its import fails.
    """
    if find_spec(name.partition(".")[0]) is None:
        raise AbsentError("not installed")
    try:
        return import_module(name)
    except Exception as error:
        # A library built for another version of a second one raises anything.
        raise AbsentError(f"import of {name} fails: {_in_short(error)}") from error


def interleaved(
    contenders: Sequence[Contender], *, rounds: int, warm_ups: int
) -> list[Result]:
    """Run contenders by turns (A B C, A B C, ...), so that noise hits all alike.

    Parameters
    ----------
    contenders : sequence of Contender
        Each stays in a fresh process of its own from its first round to its last: no
        library shares threads, memory or settings with another.
    rounds : int
        How many laps of each are kept.
    warm_ups : int
        How many rounds precede them and are thrown away; 0 keeps the cold one.

    Returns
    -------
    results : list of Result
        In the order of the contenders.
    """
    results = [Result(contender.name) for contender in contenders]
    with ExitStack() as stack:
        running: list[tuple[Result, Callable[[], Lap]]] = []
        for contender, result in zip(contenders, results, strict=True):
            try:
                running.append((result, stack.enter_context(_process(contender))))
            except AbsentError as error:
                result.absent = str(error)
        for number in range(warm_ups + rounds):
            for result, lap in running:
                if result.absent is not None:
                    continue
                try:
                    taken = lap()
                except AbsentError as error:
                    result.absent = str(error)
                    result.laps.clear()
                    continue
                if number >= warm_ups:
                    result.laps.append(taken)
    return results


@contextmanager
def _process(contender: Contender) -> Iterator[Callable[[], Lap]]:
    """Start the process of a contender; give what has it run once."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, contender.make))
    process.start()
    theirs.close()

    def answer() -> Any:
        try:
            value = ours.recv()
        except EOFError:
            process.join()
            raise AbsentError(f"its process died ({process.exitcode})") from None
        if isinstance(value, AbsentError):
            raise value
        return value

    def lap() -> Lap:
        ours.send("run")
        return Lap(*answer())

    try:
        answer()
        yield lap
    finally:
        ours.close()
        process.join()


def _serve(pipe: Connection, make: Callable[[], Run]) -> None:
    """Be the process of a contender until the pipe is closed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        run = make()
        pipe.send("ready")
        while True:
            pipe.recv()
            cpu, wall = time.process_time(), time.perf_counter()
            value = run()
            seconds = time.perf_counter() - wall
            cpu_seconds = time.process_time() - cpu
            # Linux counts in KiB.
            peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            pipe.send((seconds, cpu_seconds, peak, value))
    except (EOFError, BrokenPipeError):
        return
    except AbsentError as error:
        pipe.send(error)
    except Exception as error:
        pipe.send(AbsentError(f"fails: {_in_short(error)}"))


def paired_ratio(slower: Result, faster: Result) -> float:
    """Return the median over the rounds of how often ``faster`` fits in ``slower``."""
    return statistics.median(
        a.seconds / b.seconds for a, b in zip(slower.laps, faster.laps, strict=True)
    )


def _in_short(error: Exception) -> str:
    """Say what went wrong in a table's width."""
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first[:120]}"

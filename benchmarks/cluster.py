"""Features by the workers of a cluster: speed, kills at random moments, many names.

``speed`` lets the same command embed a folder by itself and by local workers, in turns.
``kills`` kills workers, the scheduler and the command at random moments, starts them
again, and compares what is there in the end with what one process makes. ``names``
has one picture under very many names, and measures what a picture costs beside the
network.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure
from benchmarks.photographs import paths, photographs
from benchmarks.report import (
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)

# Tell the workers what to do beside, or instead of, their work.
_LOG = "SKRESNET_BENCHMARK_LOG"
_IDLE = "SKRESNET_BENCHMARK_IDLE"
_DIFFERENT = 1024  # pictures, so that the first parts are computed as any
_NAMES_A_FILE = 10_000  # file systems allow some 65,000
_POLL = 0.02  # seconds


def dask_setup(worker: Any) -> None:
    """Log in each worker which parts are begun, or have nothing made of them.

    Dask calls this of the module that workers are told to preload.
    """
    from skresnet.cluster.parts import Made, PartMaker

    log, make = os.environ.get(_LOG), PartMaker.make

    def logged(maker: Any, part: Any) -> Any:
        if log:
            with Path(log).open("a") as file:
                file.write(f"{part.name}\n")
        return Made(0, 0) if _IDLE in os.environ else make(maker, part)

    PartMaker.make = logged  # type: ignore[assignment, method-assign]


class Cluster:
    """A scheduler and workers of one thread, all of which may be killed."""

    def __init__(self, n_workers: int, log: Path | None, *, idle: bool = False) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        dask = (sys.executable, "-m", "dask")
        self._commands = {
            "scheduler": [
                *(*dask, "scheduler", "--no-dashboard", "--host", "127.0.0.1"),
                *("--port", str(port)),
            ]
        } | {
            f"worker {number}": [
                *(*dask, "worker", self.address, "--nthreads", "1", "--no-nanny"),
                *("--no-dashboard", "--preload", "benchmarks.cluster"),
            ]
            for number in range(n_workers)
        }
        self._environment = os.environ | ({_LOG: str(log)} if log else {})
        self._environment |= {_IDLE: "yes"} if idle else {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Cluster:
        self.keep_up()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def keep_up(self) -> None:
        """Start what is not running: at first, and after it was killed or gave up."""
        for name, command in self._commands.items():
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                self._running[name] = _started(command, self._environment)

    def kill(self, kind: str) -> None:
        """Kill the scheduler or one of the workers."""
        process = self._running[
            random.choice([name for name in self._running if name.startswith(kind)])
        ]
        process.kill()
        process.wait()

    def scheduler(self) -> int:
        """Give the process number of the scheduler."""
        return self._running["scheduler"].pid


def embed_command(folder: Path, out: Path, *options: str) -> list[str]:
    """Write down the command that embeds a folder in parts."""
    return [
        *(sys.executable, "-m", "skresnet", "embed", str(folder)),
        *("--out", f"{out}/", *options),
    ]


def speed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Embed the same JPEGs by one process and by local clusters, in turns."""
    ways = {"one process": ()} | {
        f"--workers {n}": ("--workers", str(n)) for n in arguments.workers
    }
    commands: dict[str, list[float]] = {name: [] for name in ways}
    steady: dict[str, list[float]] = {name: [] for name in ways}
    settings = ("--weights", "distilled")
    same = True
    with photographs(64, (500, 375)) as few, TemporaryDirectory() as made:
        for name, options in ways.items():  # networks compiled for so many threads
            _checked(embed_command(few, Path(made, name), *settings, *options))
    with photographs(arguments.pictures, (500, 375)) as folder:
        for _ in range(arguments.rounds):
            with TemporaryDirectory(prefix="skresnet-benchmark-") as made:
                for number, (name, options) in enumerate(ways.items()):
                    out = Path(made, str(number))
                    begin = time.perf_counter()
                    _checked(embed_command(folder, out, *settings, *options))
                    seconds = time.perf_counter() - begin
                    commands[name].append(arguments.pictures / seconds)
                    steady[name].append(_steady_rate(out, arguments.pictures))
                    same &= contents(out) == contents(Path(made, "0"))
    first = next(iter(ways))
    print_table(
        [
            ["", "pictures/s, whole command", "is x", "once begun", "is x"],
            *(
                [
                    name,
                    *_with_ratio(commands[name], commands[first]),
                    *_with_ratio(steady[name], steady[first]),
                ]
                for name in ways
            ),
        ]
    )
    print(f"\nThe same bytes: {same}")
    return {"commands": commands, "once_begun": steady, "same_bytes": same}


def _steady_rate(out: Path, n_pictures: int) -> float:
    """Divide what was made after the first quarter of the parts by the time it took."""
    written = sorted(file.stat().st_mtime for file in out.glob("part-*.parquet"))
    begun = len(written) // 4
    share = (len(written) - 1 - begun) / len(written)
    return share * n_pictures / (written[-1] - written[begun])


def _with_ratio(rates: list[float], others: list[float]) -> list[str]:
    ratio = statistics.median(a / b for a, b in zip(rates, others, strict=True))
    return [f"{statistics.median(rates):.1f}", f"{ratio:.3f}"]


def kills(arguments: argparse.Namespace) -> dict[str, Any]:
    """Kill at random moments until all is done, and compare."""
    random.seed(arguments.seed)
    due = [
        kind
        for kind in ("worker", "scheduler", "client")
        for _ in range(getattr(arguments, f"{kind}s_killed"))
    ]
    random.shuffle(due)
    settings = ("--weights", "random", "--input-size", "128", "--part-size", "16")
    killed: Counter[str] = Counter()
    n_started = in_flight = 0
    with (
        photographs(arguments.pictures, (160, 120)) as folder,
        TemporaryDirectory(prefix="skresnet-benchmark-") as name,
    ):
        log, out, other = (Path(name, each) for each in ("log", "out", "other"))
        log.touch()
        begin = time.perf_counter()
        with Cluster(arguments.workers, log) as cluster:
            command = embed_command(
                folder, out, *settings, "--scheduler", cluster.address
            )
            done = False
            while not done:
                client = _started(command, dict(os.environ))
                n_started += 1
                next_kill = time.perf_counter() + random.uniform(*arguments.every)
                while client.poll() is None:
                    time.sleep(_POLL)
                    if due and time.perf_counter() > next_kill:
                        kind = due.pop()
                        in_flight += 1 if kind == "worker" else arguments.workers
                        killed[kind] += 1
                        if kind == "client":
                            client.send_signal(signal.SIGKILL)
                        else:
                            cluster.kill(kind)
                        next_kill += random.uniform(*arguments.every)
                    cluster.keep_up()
                done = client.returncode == 0
        seconds = time.perf_counter() - begin
        _checked(embed_command(folder, other, *settings))
        same = contents(out) == contents(other)
        begun = Counter(log.read_text().split())
    n_again = sum(begun.values()) - len(begun)
    told = ", ".join(f"{kind} {number}" for kind, number in killed.items())
    print(
        f"Killed: {told}; the command was started {n_started} times, {seconds:.0f} s."
    )
    print(
        f"{len(begun)} parts of 16 pictures, the same bytes as of one process: "
        f"{same}.\n"
        f"Begun again: {n_again} parts; in flight at the kills: at most {in_flight}."
    )
    return {
        "killed": killed,
        "n_started": n_started,
        "n_parts": len(begun),
        "begun_again": n_again,
        "in_flight": in_flight,
        "same_bytes": same,
        "seconds": seconds,
    }


def names(arguments: argparse.Namespace) -> dict[str, Any]:
    """List very many names; measure the first part, and all with idle workers."""
    found: dict[str, Any] = {"n_names": arguments.pictures}
    settings = ("--weights", "distilled", "--scheduler")
    with _names(arguments.pictures) as folder, TemporaryDirectory() as name:
        with Cluster(arguments.workers, None) as cluster:
            out = Path(name, "first")
            command = embed_command(folder, out, *settings, cluster.address)
            time.sleep(10)  # a cluster that is there already
            begin = time.perf_counter()
            client = _started(command, dict(os.environ))
            while not list(out.glob("part-*.parquet")) and client.poll() is None:
                time.sleep(_POLL)
            found["first_part_s"] = time.perf_counter() - begin
            client.kill()
            client.wait()
        with Cluster(arguments.workers, None, idle=True) as cluster:
            command = embed_command(folder, Path(name, "all"), *settings)
            time.sleep(10)
            before = _processor_seconds(cluster.scheduler())
            begin = time.perf_counter()
            client = _started([*command, cluster.address], dict(os.environ))
            peak = used = 0.0
            while client.poll() is None:
                with contextlib.suppress(OSError, ValueError):  # it ends at this moment
                    peak = max(peak, _peak_memory(client.pid))
                    used = _processor_seconds(client.pid)
                time.sleep(_POLL)
            seconds = time.perf_counter() - begin
            scheduler = _processor_seconds(cluster.scheduler()) - before
            memory = _peak_memory(cluster.scheduler())
    n = arguments.pictures
    found |= {
        "client_status": client.returncode,
        "seconds_idle": seconds,
        "client_peak_mb": peak / 1e6,
        "client_processor_s": used,
        "scheduler_peak_mb": memory / 1e6,
        "scheduler_processor_s": scheduler,
    }
    print(f"{n} names; the first part was there after {found['first_part_s']:.1f} s.")
    print(
        f"With workers that do nothing, status {client.returncode}, all took "
        f"{seconds:.1f} s, {1e3 * seconds / n:.3f} ms a picture.\n"
        f"Processor time a picture: client {1e3 * used / n:.3f} ms, scheduler "
        f"{1e3 * scheduler / n:.3f} ms.\n"
        f"Peak memory: client {peak / 1e6:.0f} MB, scheduler {memory / 1e6:.0f} MB."
    )
    return found


@contextlib.contextmanager
def _names(n: int) -> Iterator[Path]:
    """Make a folder of tiny pictures: those of the first parts, and names of others."""
    with photographs(_DIFFERENT, (32, 32)) as originals, TemporaryDirectory() as name:
        different = [Path(path) for path in paths(originals)]
        for number in range(n):
            folder = Path(name, f"class {number // _NAMES_A_FILE:02}")
            file = folder / f"{number:07}.jpg"
            if number % _NAMES_A_FILE == 0:
                folder.mkdir()
                first = file
            if number % _NAMES_A_FILE == 0 or number < _DIFFERENT:
                file.write_bytes(different[number % _DIFFERENT].read_bytes())
            else:
                os.link(first, file)
        yield Path(name)


def contents(out: Path) -> dict[str, bytes]:
    """Read all parts."""
    return {file.name: file.read_bytes() for file in out.glob("part-*.parquet")}


def _started(
    command: list[str], environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)


def _checked(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _peak_memory(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    [peak] = [line for line in lines if line.startswith("VmHWM")]
    return 1024.0 * int(peak.split()[1])


def _processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # of the user and of the system
    return ticks / os.sysconf("SC_CLK_TCK")


_QUESTIONS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "speed": speed,
    "kills": kills,
    "names": names,
}


def of_speed(found: dict[str, Any]) -> Iterator[Figure]:
    """Give the rates of all ways, and how many times that of one process they are."""
    for key, title in (("commands", "whole command"), ("once_begun", "once begun")):
        one_process, *others = found[key]
        for name, rates in found[key].items():
            yield Figure(f"{title}, {name}", "pictures/s", rates)
        for name in others:
            pairs = zip(found[key][name], found[key][one_process], strict=True)
            ratios = [rate / other for rate, other in pairs]
            yield Figure(f"{title}, {name} beside {one_process}", "x", ratios)
    yield Figure("the same bytes", "share", [float(found["same_bytes"])])


def of_kills(found: dict[str, Any]) -> Iterator[Figure]:
    """Give what kills leave, and what they cost."""
    yield Figure("the same bytes after kills", "share", [float(found["same_bytes"])])
    yield Figure("parts made again after kills", "count", [found["begun_again"]])


def of_names(found: dict[str, Any]) -> Iterator[Figure]:
    """Give what very many names cost."""
    n = found["n_names"]
    title = f"{n:,} names"
    yield Figure(f"{title}, until the first part", "s", [found["first_part_s"]])
    yield Figure(f"{title}, all, idle workers", "s", [found["seconds_idle"]])
    for who in ("client", "scheduler"):
        used = 1000 * found[f"{who}_processor_s"] / n
        yield Figure(f"{title}, processor time of a picture, {who}", "ms", [used])
        peak = found[f"{who}_peak_mb"]
        yield Figure(f"{title}, most memory, {who}", "MB", [peak])


_FIGURES: dict[str, Callable[[dict[str, Any]], Iterator[Figure]]] = {
    "speed": of_speed,
    "kills": of_kills,
    "names": of_names,
}


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("cluster", __doc__ or "", rounds="of speed")
    parser.add_argument("question", choices=list(_QUESTIONS))
    parser.add_argument("--pictures", type=int, help="2000, 8000 and 200000")
    parser.add_argument("--workers", type=int, nargs="+", help="[1, 2], else 2")
    parser.add_argument("--workers-killed", type=int, default=30)
    parser.add_argument("--schedulers-killed", type=int, default=5)
    parser.add_argument("--clients-killed", type=int, default=5)
    parser.add_argument(
        "--every", type=float, nargs=2, default=(1, 5), help="seconds between kills"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    arguments = parser.parse_args()
    question = arguments.question
    usual = {"speed": 2000, "kills": 8000, "names": 200_000}
    arguments.pictures = arguments.pictures or usual[question]
    if question == "speed":
        arguments.workers = arguments.workers or [1, 2]
    else:
        arguments.workers = arguments.workers[0] if arguments.workers else 2
    facts = machine()
    print_machine(facts)
    found = _QUESTIONS[question](arguments)
    write_json(
        arguments.json,
        facts,
        {"question": question, **found},
        _FIGURES[question](found),
    )


if __name__ == "__main__":
    main()

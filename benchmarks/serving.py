"""How fast `skresnet serve` answers clients, beside transform of the same pictures."""

from __future__ import annotations

import atexit
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import joblib
import numpy as np

from benchmarks.figures import Figure, of_result
from benchmarks.measure import Contender, Lap, Result, Run, interleaved
from benchmarks.photographs import paths, photographs
from benchmarks.report import (
    argument_parser,
    laps_of,
    machine,
    print_machine,
    print_table,
    write_json,
)

_BOUNDARY = "benchmark"
_TOLERANCE = 1e-3  # of probabilities, which rounding in batches of other sizes changes
_OF_REQUESTS: tuple[tuple[str, str, Callable[[Lap], float]], ...] = (
    ("the median request", "ms", lambda lap: 1000 * lap.value.median),
    ("the worst request", "ms", lambda lap: 1000 * lap.value.worst),
    ("lost requests", "count", lambda lap: lap.value.lost),
    ("memory after a lap", "MiB", lambda lap: lap.value.memory / 2**20),
)


class Served(NamedTuple):
    """What came of a lap of clients, or of transform."""

    n_pictures: int
    seconds: float
    cpu_seconds: float  # of the process that computes
    n_requests: int = 0
    lost: int = 0  # answers of another status, or with other probabilities
    memory: int = 0  # resident bytes of the server after the lap
    median: float = 0.0  # seconds of a request
    worst: float = 0.0

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.n_pictures / self.seconds


def make_transform(folder: Path, seconds: float) -> Run:
    """Embed the pictures over and over, in batches, for some seconds."""
    model = joblib.load(folder / "model.joblib")
    contents = [Path(path).read_bytes() for path in paths(folder)]
    embedder = model["embedder"].set_params(n_jobs=-1)
    embedder.transform(contents[:32])

    def run() -> Served:
        n_pictures, begin, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - begin < seconds:
            n_pictures += len(embedder.transform(contents))
        return Served(
            n_pictures, time.perf_counter() - begin, time.process_time() - cpu
        )

    return run


def make_served(
    folder: Path, seconds: float, n_clients: int, n_pictures: int, batch_size: int
) -> Run:
    """Start the command, and let clients ask it at the same time for some seconds."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "skresnet", "serve"),
            *(str(folder / "model.joblib"), "--port", "0"),
            *("--batch-size", str(batch_size)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.kill)
    assert process.stdout is not None
    port = urlsplit(process.stdout.readline().split()[1]).port
    assert port is not None
    files = paths(folder)
    expected = np.load(folder / "probabilities.npy")
    bodies = [
        (_form(files[start : start + n_pictures]), expected[start : start + n_pictures])
        for start in range(0, len(files), n_pictures)
    ]

    def run() -> Served:
        clients = [_Client(port, bodies, begin) for begin in range(n_clients)]
        begin, cpu = time.perf_counter(), _cpu_seconds(process.pid)
        threads = [
            threading.Thread(target=client.ask, args=(begin + seconds,))
            for client in clients
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = [second for client in clients for second in client.took]
        return Served(
            sum(client.n_pictures for client in clients),
            time.perf_counter() - begin,
            _cpu_seconds(process.pid) - cpu,
            len(took),
            sum(client.lost for client in clients),
            _memory(process.pid),
            statistics.median(took),
            max(took),
        )

    return run


class _Client:
    """One that asks again as soon as it has its answer."""

    def __init__(
        self, port: int, bodies: list[tuple[bytes, np.ndarray]], begin: int
    ) -> None:
        self._port = port
        self._bodies = bodies
        self._begin = begin
        self.n_pictures = 0
        self.lost = 0
        self.took: list[float] = []

    def ask(self, until: float) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=120)
        kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        for number in count(self._begin * 7):
            body, expected = self._bodies[number % len(self._bodies)]
            begin = time.perf_counter()
            if begin > until:
                break
            try:
                connection.request("POST", "/predict", body, kind)
                response = connection.getresponse()
                content = response.read()
                right = response.status == 200 and _is_right(content, expected)
            except OSError:
                right = False
                connection.close()
            self.took.append(time.perf_counter() - begin)
            self.n_pictures += len(expected) * right
            self.lost += not right
        connection.close()


def _is_right(content: bytes, expected: np.ndarray) -> bool:
    answers = json.loads(content)["pictures"]
    found = [
        [p["probability"] for p in sorted(a["predictions"], key=lambda p: p["class"])]
        for a in answers
    ]
    return bool(np.allclose(found, expected, atol=_TOLERANCE))


def _form(files: list[str]) -> bytes:
    parts: list[bytes] = []
    for file in files:
        head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name=pictures; "
        head += f'filename="{Path(file).name}"\r\n\r\n'
        parts += [head.encode(), Path(file).read_bytes(), b"\r\n"]
    return b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def fit(folder: Path, network: str, weights: str) -> None:
    """Train a model on the pictures, and keep what it says of them."""
    from sklearn.linear_model import LogisticRegression

    from skresnet import make_image_classifier

    model = make_image_classifier(
        network=network, weights=weights, classifier=LogisticRegression(max_iter=1000)
    )
    files = paths(folder)
    model.fit(files, [Path(file).parent.name for file in files])
    joblib.dump(model, folder / "model.joblib")
    np.save(folder / "probabilities.npy", model.predict_proba(files))


def _row(result: Result, transform: Result) -> list[str]:
    if result.absent is not None:
        return [result.name, result.absent]
    rate = statistics.median(lap.value.rate for lap in result.laps)
    if transform.absent is not None:
        return [result.name, f"{rate:.1f}", "-", "-"]
    rates = _of_transform(result, transform)
    cpu = [
        (other.value.cpu_seconds / other.value.n_pictures)
        / (one.value.cpu_seconds / one.value.n_pictures)
        for one, other in zip(result.laps, transform.laps, strict=True)
    ]
    return [
        result.name,
        f"{rate:.1f}",
        f"{statistics.median(rates):.2f} ({min(rates):.2f} to {max(rates):.2f})",
        f"{statistics.median(cpu):.2f}",
    ]


def _of_transform(result: Result, transform: Result) -> list[float]:
    """Give the share of transform's rate in each round."""
    pairs = zip(result.laps, transform.laps, strict=True)
    return [one.value.rate / other.value.rate for one, other in pairs]


def figures(network: str, transform: Result, servers: list[Result]) -> Iterator[Figure]:
    """Give the rates, and what requests and the server's memory come to."""
    for result in (transform, *servers):
        title = f"{network}, {result.name}"
        yield of_result(title, "pictures/s", result, lambda lap: lap.value.rate)
    for result in servers:
        if result.absent is not None:
            continue
        title = f"{network}, {result.name}"
        if transform.absent is None:
            rates = _of_transform(result, transform)
            yield Figure(f"{title}, of transform's rate", "x", rates)
        for what, unit, number in _OF_REQUESTS:
            yield of_result(f"{title}, {what}", unit, result, number)


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("serving", __doc__ or "")
    parser.set_defaults(rounds=6)
    parser.add_argument(
        "--seconds", type=float, default=10, help="of a lap: 6 of 10 are a minute"
    )
    parser.add_argument("--clients", type=int, default=8, help="that ask at once")
    parser.add_argument("--pictures", type=int, default=4, help="of a request")
    parser.add_argument(
        "--batch-size", type=int, nargs="+", default=[16], help="a server for each"
    )
    parser.add_argument("--files", type=int, default=128, help="different ones")
    parser.add_argument("--size", type=int, nargs=2, default=[640, 480])
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--weights", default="distilled")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    with photographs(arguments.files, tuple(arguments.size)) as pictures:
        fit(pictures, arguments.network, arguments.weights)
        contenders = [
            Contender(
                "transform", partial(make_transform, pictures, arguments.seconds)
            ),
            *(
                Contender(
                    f"served, {arguments.clients} clients, {arguments.pictures} a "
                    f"request, batches of {batch_size}",
                    partial(
                        make_served,
                        pictures,
                        arguments.seconds,
                        arguments.clients,
                        arguments.pictures,
                        batch_size,
                    ),
                )
                for batch_size in arguments.batch_size
            ),
        ]
        transform, *servers = results = interleaved(
            contenders, rounds=arguments.rounds, warm_ups=1
        )
    head = ["", "pictures/s", "of transform's rate", "of its work a processor second"]
    print_table([head, *(_row(result, transform) for result in results)])
    for served in servers:
        if served.laps:
            _print_requests(served)
    write_json(
        arguments.json,
        facts,
        {
            "laps": laps_of(results),
            "values": {
                r.name: [lap.value._asdict() for lap in r.laps] for r in results
            },
        },
        figures(arguments.network, transform, servers),
    )


def _print_requests(served: Result) -> None:
    laps: list[Served] = [lap.value for lap in served.laps]
    print(
        f"\n{served.name}: {sum(lap.n_requests for lap in laps):,} requests, "
        f"{sum(lap.lost for lap in laps)} lost; the median took "
        f"{1000 * statistics.median(lap.median for lap in laps):.0f} ms, the worst "
        f"{1000 * max(lap.worst for lap in laps):.0f} ms."
    )
    memories = " ".join(f"{lap.memory / 2**20:.0f}" for lap in laps)
    print(f"Resident memory of the server after each lap: {memories} MiB.")


if __name__ == "__main__":
    main()

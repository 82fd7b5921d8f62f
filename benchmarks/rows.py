"""Training on rows that memory does not hold: peak memory, time, accuracy.

``python -m benchmarks.rows`` writes a million rows of 2,048 float32, 8 GB, as Parquet
files, the rows in the order of their classes as those of folders are, and trains a
`DenseSGDClassifier` on them in a process of its own, to which the kernel gives no more
than 3 GB of memory (`prlimit --data`). The files are removed in the end.

The rows are normally distributed around a centre for each of 20 classes. 20,000 further
rows are the test. With ``--compare``, an array of the same rows is trained on as well,
without a limit, which takes memory for several copies of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure
from benchmarks.report import argument_parser, machine, print_machine, write_json

N_CLASSES = 20
N_TEST = 20_000
PART = 50_000  # rows a file
GROUP = 1024  # rows a row group


def drawn(codes: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Draw rows of some classes; classes overlap so that not all rows can be told."""
    centres = np.random.default_rng(0).standard_normal((N_CLASSES, width), np.float32)
    X = np.random.default_rng(seed).standard_normal((codes.size, width), np.float32)
    X += centres[codes] * np.float32(2.2 / np.sqrt(width / 2))
    return X


def write(folder: Path, n_rows: int, width: int) -> None:
    """Write rows in the order of their classes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    codes = np.arange(n_rows) * N_CLASSES // n_rows
    kind = pa.list_(pa.float32(), width)
    for start in range(0, n_rows, PART):
        part = codes[start : start + PART]
        rows = pa.array(drawn(part, width, 1 + start).reshape(-1))
        columns = {
            "class": pa.array([f"class {code:02}" for code in part]),
            "features": pa.FixedSizeListArray.from_arrays(rows, type=kind),
        }
        file = folder / f"{start:09}.parquet"
        pq.write_table(
            pa.table(columns), file, row_group_size=GROUP, compression="none"
        )


def train(folder: Path, width: int, epochs: int, as_array: bool) -> None:
    """Train on the files and print, as JSON, what came of it."""
    from skresnet import DenseSGDClassifier, load_features

    start = time.perf_counter()
    found = load_features(folder)
    listed = time.perf_counter() - start
    X = found.data.compute() if as_array else found.data
    start = time.perf_counter()
    model = DenseSGDClassifier(epochs=epochs, random_state=0).fit(X, found.target)
    seconds = time.perf_counter() - start
    codes = np.arange(N_TEST) % N_CLASSES
    X_test = drawn(codes, width, 0)
    accuracy = model.score(X_test, [f"class {code:02}" for code in codes])
    status = Path("/proc/self/status").read_text().splitlines()
    [peak_kb] = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
    print(
        json.dumps(
            {
                "rows": found.data.shape[0],
                "listing_s": round(listed, 1),
                "fit_s": round(seconds, 1),
                "passes": model.n_iter_ + model.best_epoch_ + 1,
                "val_loss": model.history_["val_loss"],
                "test_accuracy": accuracy,
                "peak_rss_mb": peak_kb // 1024,
            }
        )
    )


def in_a_process(command: list[str], limit_mb: int) -> dict[str, Any]:
    """Run a process that prints JSON, for which there is no more memory; 0 is no limit.

    The kernel refuses it memory of its own, touched or not (RLIMIT_DATA). Pages of
    files, such as TensorFlow's code, do not count there, but do in the peak. Arrow's
    own allocator would reserve 1 GB that it never touches; it takes the system's.
    """
    environment = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    if limit_mb:
        command = ["prlimit", f"--data={limit_mb * 1_000_000}", *command]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    return {"limit_mb": limit_mb, **json.loads(done.stdout.splitlines()[-1])}


def figures(found: dict[str, dict[str, Any]]) -> list[Figure]:
    """Give what training took from each kind of rows, and what came of it."""
    return [
        Figure(f"{kind}, {what}", unit, [numbers[key]])
        for kind, numbers in found.items()
        for key, what, unit in (
            ("fit_s", "training", "s"),
            ("peak_rss_mb", "most memory", "MiB"),
            ("test_accuracy", "test", "accuracy"),
        )
    ]


def main() -> None:
    """Write the rows, train on them, print the figures."""
    parser = argument_parser("rows", __doc__ or "", rounds="not used here")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--limit-mb", type=int, default=3000)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--as-array", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.train:
        train(args.train, args.width, args.epochs, args.as_array)
        return
    facts = machine()
    print_machine(facts)
    found = {}
    with tempfile.TemporaryDirectory(prefix="skresnet-rows-") as name:
        start = time.perf_counter()
        write(Path(name), args.rows, args.width)
        n_bytes = sum(file.stat().st_size for file in Path(name).iterdir())
        seconds = time.perf_counter() - start
        print(f"{n_bytes / 1e9:.1f} GB written in {seconds:.0f} s", flush=True)
        command = [sys.executable, "-m", "benchmarks.rows", "--train", name]
        command += ["--width", str(args.width), "--epochs", str(args.epochs)]
        found["blocks"] = in_a_process(command, args.limit_mb)
        print("blocks", found["blocks"], flush=True)
        if args.compare:
            found["array"] = in_a_process([*command, "--as-array"], 0)
            print("array", found["array"], flush=True)
    write_json(args.json, facts, found, figures(found))


if __name__ == "__main__":
    main()

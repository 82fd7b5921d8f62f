"""Count what a reader has to enter to follow one call: files, functions, depth.

``python tools/trace_calls.py`` runs ``ResNet50Embedder.transform`` on picture files by
TensorFlow, without and with an empty cache, then by OpenVINO if that is installed, and
``DenseSGDClassifier.fit``, each in a process of its own, with Python's profile hook in
all threads. It counts the files of the package of which a function is called, those
functions, and the most that are on the stack of one thread at once. Imports do not
count, nor does what waits for a fork, since importing OpenVINO forks. ``--list`` names
the files and functions.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PACKAGE = "skresnet"
CALLS = {
    "transform": "ResNet50Embedder.transform(paths)",
    "cached": "the same with an empty cache",
    "openvino": "the same by OpenVINO, without",
    "fit": "DenseSGDClassifier.fit",
}


_BEFORE_FORKS = {"_close_before_fork", "_note_tensorflow"}


class Trace:
    """Notes the functions of the package that are called while it is on."""

    def __init__(self, folder: Path) -> None:
        self.functions: dict[str, set[str]] = defaultdict(set)
        self.depth = 0
        self._folder = f"{folder}/"
        self._stacks: dict[int, list[str]] = defaultdict(list)

    def __enter__(self) -> Trace:
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]

    def _note(self, frame: Any, event: str, argument: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(
            self._folder
        ):
            return
        stack = self._stacks[threading.get_ident()]
        if event == "return":
            if stack:
                stack.pop()
            return
        stack.append(code.co_name)
        if "<module>" in stack or stack[0] in _BEFORE_FORKS:
            return
        self.depth = max(self.depth, len(stack))
        if not code.co_name.startswith("<"):  # lambdas and comprehensions
            file = code.co_filename.removeprefix(self._folder)
            self.functions[file].add(code.co_qualname)


def trace(call: str) -> Trace:
    """Run one of the calls and note what it enters."""
    import skresnet

    entered = Trace(Path(skresnet.__file__).parent)
    draw = np.random.default_rng(0)
    if call == "fit":
        X, y = draw.normal(size=(60, 8)).astype(np.float32), np.arange(60) % 3
        classifier = skresnet.DenseSGDClassifier(epochs=2, random_state=0)
        with entered:
            classifier.fit(X, y)
        return entered
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{number}.jpg")) for number in range(3)]
        for path in paths:
            pixels = draw.integers(0, 256, (300, 400, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
        embedder = skresnet.ResNet50Embedder(
            weights="distilled",
            cache=Path(folder, "cache") if call == "cached" else None,
            engine="openvino" if call == "openvino" else "tensorflow",
        ).fit(paths)
        with entered:
            embedder.transform(paths)
    return entered


def main() -> None:
    """Trace one call in this process, or each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--call", choices=CALLS)
    parser.add_argument("--list", action="store_true", help="name what is entered")
    options = parser.parse_args()
    if options.call is None:
        print(f"{'':36}  files  functions  depth", flush=True)
        for call in CALLS:
            if call == "openvino" and find_spec("openvino") is None:
                continue
            chosen = ["--call", call, *(["--list"] if options.list else [])]
            subprocess.run([sys.executable, __file__, *chosen], check=True)
        return
    entered = trace(options.call)
    n_functions = sum(map(len, entered.functions.values()))
    print(
        f"{CALLS[options.call]:36}  {len(entered.functions):5}  {n_functions:9}  "
        f"{entered.depth:5}"
    )
    if options.list:
        for file, functions in sorted(entered.functions.items()):
            print(f"    {PACKAGE}/{file}: {', '.join(sorted(functions))}")


if __name__ == "__main__":
    main()

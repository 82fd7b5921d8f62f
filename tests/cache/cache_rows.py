"""Rows whose truth can be computed anywhere from their number, and child processes."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

SETTINGS = "ResNet50 avg_pool 224x224"


def digest(number):
    return hashlib.sha256(str(number).encode()).digest()


def row(number, n_features=64):
    return np.random.default_rng(number).random(n_features, dtype=np.float32)


def rows(*numbers, n_features=64):
    return {digest(number): row(number, n_features) for number in numbers}


def count_right(cache, numbers, n_features=64):
    """Count the rows that are there; fail if one differs from the truth."""
    found = cache.get_many(SETTINGS, [digest(number) for number in numbers])
    for number, got in zip(numbers, found, strict=True):
        assert got is None or np.array_equal(got, row(number, n_features)), number
    return sum(got is not None for got in found)


def start_python(program, *arguments):
    """Run a program text in a fresh interpreter that can import this module."""
    here = Path(__file__).parent
    path = os.pathsep.join([str(here.parents[1]), str(here)])
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


def run_python(program, *arguments, timeout=60):
    """Run a program text to its end; return what it printed."""
    child = start_python(program, *arguments)
    printed, complaints = child.communicate(timeout=timeout)
    assert child.returncode == 0, (child.returncode, complaints)
    return printed.strip()

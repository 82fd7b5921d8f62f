"""Other processes and file systems for tests, and packages that may be missing."""

import os
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

needs_openvino = pytest.mark.skipif(
    find_spec("openvino") is None, reason="openvino is not installed"
)


def start_python(program, *arguments):
    """Run a program text in a fresh interpreter that can import what this one can."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def run_python(program, *arguments, timeout=60):
    """Run a program text to its end; return what it printed."""
    child = start_python(program, *arguments)
    try:
        printed, complaints = child.communicate(timeout=timeout)
    finally:
        child.kill()  # what hangs would slow down the tests that follow
    assert child.returncode == 0, (child.returncode, complaints)
    return printed.strip()


@contextmanager
def mounted(*arguments):
    """Mount a file system for a while, or skip where this user may not."""
    where = arguments[-1]
    try:
        done = subprocess.run(["mount", *map(str, arguments)], capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip("this user may not mount file systems")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)

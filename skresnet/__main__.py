"""The command in a process of its own, and in the workers that it starts."""

import atexit
import gc
from importlib import import_module
from typing import Any

from skresnet.cli import main


def run() -> None:
    """Run the command, as `skresnet` or ``python -m skresnet``."""
    _collect_rarely()
    main(prog_name="skresnet")


def dask_setup(worker: Any) -> None:
    """Prepare a worker; Dask calls this where it is told to preload this module."""
    _collect_rarely()
    import_module("skresnet.cluster.parts")  # while the command imports as much


def _collect_rarely() -> None:
    """Spend less on garbage where the process is ours.

    What is imported lives as long as the process. To look for garbage among it, time
    and again while it is imported and once more at the end, took a fourth of the time
    that the prediction of one picture took.
    """
    gc.set_threshold(10_000, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


if __name__ == "__main__":  # not where a process that it starts imports it
    run()

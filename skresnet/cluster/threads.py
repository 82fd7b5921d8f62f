"""How many threads the network of a worker computes with: those of the worker."""

from __future__ import annotations

import os
import sys

from skresnet.backbone import limit_threads


def limit_to_worker() -> None:
    """Let networks that are still to be built use no more threads than their worker.

    Several workers of a machine would otherwise each compute with all of its cores.
    Outside of a worker of dask.distributed, nothing is changed.
    """
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return
    try:
        threads = distributed.get_worker().state.nthreads
    except ValueError:  # in no worker
        return
    if threads < _cores():
        limit_threads(threads)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""The client of a cluster: of one that runs elsewhere, or of workers started here."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Final

ANSWER_WITHIN: Final = 10.0
"""Seconds that a scheduler has to answer."""

_INSTALL = (
    "Clusters are used by Dask, which is not installed: "
    'python -m pip install "skresnet[dask]".'
)

_FILE_READ_EVERY = 0.1  # seconds


class ClusterError(RuntimeError):
    """The cluster is not reached or cannot do its work; the text says what to do."""


@contextmanager
def connected(scheduler: str) -> Iterator[Any]:
    """Connect to the scheduler of a cluster.

    Parameters
    ----------
    scheduler : str
        Its address, or the path of the file that it has written.

    Raises
    ------
    ClusterError
        If Dask is not installed, or nobody answers in time.
    """
    distributed = _distributed()
    address = _address(scheduler)
    try:
        asyncio.run(asyncio.wait_for(_greet(address), ANSWER_WITHIN))
        client = distributed.Client(
            address, timeout=ANSWER_WITHIN, set_as_default=False
        )
    except ImportError:  # a scheduler has answered, with packages of other versions
        raise
    except Exception as error:  # whatever another server and Dask make of each other
        why = (
            f"{ANSWER_WITHIN:g} seconds were waited"
            if isinstance(error, TimeoutError)
            else f"{type(error).__name__}: {error}"
        )
        raise ClusterError(
            f"No scheduler answers at {address!r} ({why}). Start one with `dask "
            "scheduler`, and give the address that it says."
        ) from error
    with _closed(client):
        yield client


async def _greet(address: str) -> None:
    """Connect for a moment; a client would wait for ever where nobody speaks."""
    from distributed.comm import connect
    from distributed.security import Security

    arguments = Security().get_connection_args("client")
    comm = await connect(address, timeout=ANSWER_WITHIN, **arguments)
    comm.abort()


@contextmanager
def local_cluster(n_workers: int, preload: str) -> Iterator[Callable[[], Any]]:
    """Start workers on this machine, which share its cores.

    They start in the background.

    Parameters
    ----------
    n_workers : int
        Processes, each with a network of its own.

    preload : str
        A module that each worker imports first, and whose ``dask_setup`` Dask then
        calls with it.

    Yields
    ------
    connect : callable
        Waits for the workers, and returns a client of theirs; raises ClusterError if
        they did not start.

    Raises
    ------
    ClusterError
        If Dask is not installed.
    """
    import logging

    distributed = _distributed()
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
    with (
        ThreadPoolExecutor(1, initializer=_block_interrupts) as background,
        ExitStack() as stack,
    ):
        starting = background.submit(
            distributed.LocalCluster,
            n_workers=n_workers,
            threads_per_worker=max(1, cores // n_workers),
            dashboard_address=None,
            preload=[preload],
            # Looked at by nobody, and 2 % of the workers' time.
            env={"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"},
            silence_logs=logging.ERROR,
        )

        def close() -> None:
            if starting.exception() is None:
                starting.result().close()

        def connect() -> Any:
            try:
                client = distributed.Client(starting.result(), set_as_default=False)
            except Exception as error:  # whatever hinders a process or a port
                raise ClusterError(
                    "The workers could not be started on this machine "
                    f"({type(error).__name__}: {error}). Ask for fewer, or for none: "
                    "one process computes the same rows."
                ) from error
            return stack.enter_context(_closed(client))

        stack.callback(close)
        yield connect


def _block_interrupts() -> None:
    """Keep Ctrl-C, which a terminal sends to all, from what this thread starts.

    The command alone is interrupted, and closes its workers.
    """
    resource_tracker.ensure_running()  # to start it would let them through again
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


@contextmanager
def _closed(client: Any) -> Iterator[Any]:
    """Close a client in the end, whether or not its scheduler is still there."""
    try:
        yield client
    finally:
        with suppress(OSError, RuntimeError):
            client.close(timeout=5)


def _distributed() -> Any:
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise ClusterError(_INSTALL) from error
    return distributed


def _address(scheduler: str) -> str:
    path = Path(scheduler)
    if "://" in scheduler or (path.suffix != ".json" and not path.is_file()):
        return scheduler
    end = time.monotonic() + ANSWER_WITHIN
    while True:  # the scheduler may be starting at the same time
        try:
            return str(json.loads(path.read_text())["address"])
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            if time.monotonic() > end:
                raise ClusterError(
                    f"There is no file {scheduler}: start the scheduler with `dask "
                    f"scheduler --scheduler-file {scheduler}`, where this machine sees "
                    "it."
                    if isinstance(error, FileNotFoundError)
                    else f"{scheduler} is not what a scheduler has written; expected "
                    "the file of `dask scheduler --scheduler-file`."
                ) from error
        time.sleep(_FILE_READ_EVERY)

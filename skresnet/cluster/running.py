"""All parts of a listing made: by this process, or by the workers of a cluster."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from skresnet.cluster.clients import ClusterError
from skresnet.cluster.parts import UNREADABLE, Made, PartMaker, number_of
from skresnet.datasets.streaming import ListedAhead, Part

_GONE = (
    "The scheduler is gone. What was done is kept: once there is one again, the same "
    "command goes on."
)

# Parts that wait at the scheduler for a thread that is free, beside those in work.
_WAITING_A_THREAD = 3
_FEWEST_WAITING = 8
_ASKED_EVERY = 5.0  # seconds


@dataclass
class Counts:
    """What was done of a shard.

    Attributes
    ----------
    n_listed : int
        Parts of all shards.

    n_parts, n_pictures : int
        Parts of this one that were made or were there, and the pictures in them.

    n_parts_there, n_pictures_there : int
        Those that an earlier run has made.

    n_cached : int
        Rows from the cache.

    n_unreadable : int
        Pictures that cannot be read.

    failed : dict of str to str
        The parts that were given up, by name, and why.
    """

    n_listed: int = 0
    n_parts: int = 0
    n_pictures: int = 0
    n_parts_there: int = 0
    n_pictures_there: int = 0
    n_cached: int = 0
    n_unreadable: int = 0
    failed: dict[str, str] = field(default_factory=dict)


Report = Callable[[Counts, ListedAhead], None]
Make = Callable[[PartMaker, Iterator[Part]], Iterator[tuple[Part, Made | str]]]


def make_parts(
    maker: PartMaker,
    parts: Iterator[Part],
    make: Make,
    report: Report,
    shard: tuple[int, int] = (1, 1),
) -> Counts:
    """Make the parts that are not there, and remove those that are of another listing.

    Parameters
    ----------
    maker : PartMaker
        What makes a part.

    parts : iterator of Part
        All parts.

    make : callable
        Makes them: `one_by_one`, or what `on_cluster` gives.

    report : callable
        Told of each step, with what is listed so far.

    shard : tuple of int
        Which parts belong to this run, as `ListedAhead` has it.

    Returns
    -------
    counts : Counts
        What was done. Where nothing is listed, nothing is removed either: a disk may
        be missing.
    """
    counts = Counts()
    there = defaultdict(set)
    for name in maker.folder.parts():
        there[number_of(name)].add(name)
    unreadable = maker.folder.unreadable()
    listed = ListedAhead(parts, shard)

    def missing() -> Iterator[Part]:
        while (part := listed.take()) is not None:
            if part.name not in there[part.number]:
                yield part
                continue
            _forget(maker, there.pop(part.number) - {part.name})
            counts.n_parts += 1
            counts.n_parts_there += 1
            counts.n_pictures += len(part.pictures)
            counts.n_pictures_there += len(part.pictures)
            if part.name in unreadable:
                counts.n_unreadable += maker.folder.n_unreadable(part.name)
            report(counts, listed)

    try:
        for part, made in make(maker, missing()):
            if isinstance(made, str):
                counts.failed[part.name] = made
                continue
            counts.n_parts += 1
            counts.n_pictures += len(part.pictures)
            counts.n_cached += made.n_cached
            counts.n_unreadable += made.n_unreadable
            _forget(maker, there.pop(part.number, set()))
            report(counts, listed)
    finally:
        listed.stop()
    counts.n_listed = listed.n_parts
    for number, names in there.items():
        if counts.n_listed and number >= counts.n_listed and listed.is_own(number):
            _forget(maker, names)
    return counts


def _forget(maker: PartMaker, names: set[str]) -> None:
    """Remove parts of another listing, whose pictures are in other parts by now."""
    if names:
        maker.folder.remove(names)
        maker.folder.remove(names, UNREADABLE)


def one_by_one(
    maker: PartMaker, parts: Iterator[Part]
) -> Iterator[tuple[Part, Made | str]]:
    """Make parts in this process."""
    for part in parts:
        yield part, maker.make(part)


def on_cluster(client: Any) -> Make:
    """Give what makes parts by the workers of a cluster.

    No more of them are with the scheduler than keep the workers busy, so that neither
    it nor this process grows with the number of pictures.

    Parameters
    ----------
    client : distributed.Client
        The cluster.
    """

    def make(
        maker: PartMaker, parts: Iterator[Part]
    ) -> Iterator[tuple[Part, Made | str]]:
        from distributed import as_completed

        done = as_completed(loop=client.loop)
        under_way: dict[Any, Part] = {}
        run = os.urandom(4).hex()
        more, asked, at_most = True, -_ASKED_EVERY, 0
        while more or under_way:
            if time.monotonic() - asked > _ASKED_EVERY:  # workers come and go
                asked, at_most = time.monotonic(), _most_under_way(client)
            while more and len(under_way) < at_most:
                part = next(parts, None)
                if part is None:
                    more = False
                    break
                # Sent anew each time: it is small, and a worker may have come since.
                future = client.submit(
                    maker.make, part, key=f"{part.name}-{run}", pure=False, retries=2
                )
                under_way[future] = part
                done.add(future)
            if under_way:
                future = next(done)
                part = under_way.pop(future)
                yield part, _outcome(future, part)

    return make


def _most_under_way(client: Any) -> int:
    try:
        threads = sum(client.nthreads().values())
    except OSError as error:
        raise ClusterError(_GONE) from error
    return threads + max(_FEWEST_WAITING, _WAITING_A_THREAD * threads)


def _outcome(future: Any, part: Part) -> Made | str:
    """Return what became of a part, or why it was given up; raise if all would be."""
    from distributed import KilledWorker

    if future.status == "finished":
        made: Made = future.result()
        return made
    if future.status == "error":
        error = future.exception()
        if isinstance(error, KilledWorker):
            return "each worker that began it was killed, or ran out of memory"
        raise ClusterError(
            f"A worker could not make {part.name}: {type(error).__name__}: {error}"
        ) from error
    raise ClusterError(_GONE)

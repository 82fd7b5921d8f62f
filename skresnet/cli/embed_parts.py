"""`skresnet embed` into a folder of parts: by this process, a cluster, or a share."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from skresnet.cli.models import fitted
from skresnet.cli.options import option, together
from skresnet.cli.pictures import SOME_UNREADABLE, split_folders
from skresnet.cli.sources import SPOKEN
from skresnet.cli.terminal import pasteable, say
from skresnet.text import counted

if TYPE_CHECKING:
    from skresnet.cli.sources import Source
    from skresnet.cluster.running import Counts

Connect = Callable[[], Any]
"""Waits for a cluster, and returns a client of it."""

_READING = "import pyarrow.parquet; print(pyarrow.parquet.read_table({!r}))"


class Cluster(NamedTuple):
    """Who makes the parts, and which of them.

    Attributes
    ----------
    scheduler : str or None
        Address or file of a scheduler.
    workers : int or None
        Processes to be started on this machine.
    shard : tuple of int
        (3, 16) for the third of sixteen.
    part_size : int
        Pictures of a part.
    """

    scheduler: str | None
    workers: int | None
    shard: tuple[int, int]
    part_size: int


def shard(value: Any) -> Any:
    """Turn ``3/16`` into (3, 16)."""
    if not isinstance(value, str):
        return value
    first, slash, second = value.partition("/")
    if slash and first.isdecimal() and second.isdecimal():
        index, number = int(first), int(second)
        if 1 <= index <= number:
            return index, number
    raise click.BadParameter(
        f"{value!r} is no share: expected such as 3/16, the third of sixteen, from "
        "1/16 to 16/16."
    )


cluster_options = together(
    click.option(
        "--scheduler",
        metavar="ADDRESS_OR_FILE",
        help="A scheduler of Dask, whose workers make the parts of a folder: its "
        'address, or the file that it has written. Needs "skresnet[dask]".',
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Processes of Dask on this machine that make the parts of a folder.",
    ),
    option(
        "--shard",
        type=shard,
        metavar="I/N",
        default="1/1",
        show_default=False,
        help="Make every N-th part of a folder from the I-th on, such as 3/16; for job "
        "arrays.",
    ),
    option(
        "--part-size",
        type=click.IntRange(min=1),
        default=64,
        help="Pictures in a part of a folder.",
    ),
)


def check_cluster(cluster: Cluster, out: str) -> None:
    """Refuse options that exclude each other."""
    if cluster.scheduler is not None and cluster.workers is not None:
        raise click.UsageError("--scheduler and --workers exclude each other.")
    if not is_folder(out) and cluster[:3] != (None, None, (1, 1)):
        raise click.UsageError(
            f"--out {out} is a file: --scheduler, --workers and --shard make parts in "
            "a folder, such as --out features/."
        )
    computes_elsewhere = cluster.scheduler is not None or cluster.workers is not None
    if computes_elsewhere and out.startswith("memory://"):
        raise click.UsageError(
            f"--out {out} is the memory of each worker, and would end with it; name "
            "a folder or a place that all of them see."
        )
    if is_folder(out) and Path(out).is_file():
        raise click.UsageError(f"--out {out} is a file; expected the name of a folder.")


def is_folder(out: str) -> bool:
    """Tell whether a value of --out stands for a folder of parts, not for a file."""
    return (
        "://" in out
        or out.endswith(("/", "\\"))
        or not Path(out).suffix
        or Path(out).is_dir()
    )


@contextmanager
def reached(cluster: Cluster) -> Iterator[Connect | None]:
    """Give what connects to a cluster, if there is one; local workers start at once."""
    from skresnet.cluster.clients import ClusterError, connected, local_cluster

    try:
        with ExitStack() as stack:
            if cluster.workers is not None:
                yield stack.enter_context(
                    local_cluster(cluster.workers, "skresnet.__main__")
                )
            elif cluster.scheduler is not None:
                yield partial(stack.enter_context, connected(cluster.scheduler))
            else:
                yield None
    except ClusterError as error:
        raise click.ClickException(str(error)) from error


def embed_in_parts(
    source: Source,
    out: str,
    new_embedder: Callable[[], Any],
    cluster: Cluster,
    connect: Connect | None,
    *,
    group_by: str | None,
    on_error: str,
    force: bool,
) -> None:
    """Write the features of all pictures to a folder, and go on where it was left."""
    from skresnet.cluster.parts import PartMaker, PartsFolder
    from skresnet.cluster.running import make_parts
    from skresnet.datasets.streaming import in_parts
    from skresnet.stored_features import embedder_metadata

    folder = PartsFolder(_place(out))
    make, by_whom = _maker(cluster, connect)
    embedder = fitted(new_embedder(), computes=connect is None)
    settings = replace(embedder._settings(), verbose=0)
    stream = _stream(source, group_by)
    description = {
        "part_size": cluster.part_size,
        "pictures": str(_whole(source.place)),
        "rows": json.loads(settings.cache_key),
    }
    folder.describe(description, force=force)
    folder.remove_abandoned()
    say(f"Pictures: {source.text}, {by_whom}", err=True)
    with _bar() as report:
        counts = make_parts(
            PartMaker(settings, folder, embedder_metadata(embedder)),
            in_parts(stream, cluster.part_size),
            make,
            report,
            cluster.shard,
        )
    if left_out := stream.describe_left_out():
        say(f"Left out in {source.text}: {left_out}", err=True)
    if not counts.n_listed:
        raise ValueError(f"No pictures below {source.text!r}.")
    _tell(counts, out)
    if counts.n_unreadable and on_error == "raise":
        raise click.exceptions.Exit(SOME_UNREADABLE)


def _tell(counts: Counts, out: str) -> None:
    from skresnet.cluster.parts import UNREADABLE

    if counts.n_unreadable:
        say(
            f"Left out {counts.n_unreadable} of {counts.n_pictures} pictures, which "
            f"cannot be read; {out.rstrip('/')}/{UNREADABLE} names them and says why.",
            err=True,
        )
    there = f", {counts.n_parts_there} of them from before" * bool(counts.n_parts_there)
    say(
        f"{counted(counts.n_parts, 'part')} in {out}{there}; "
        f"{counted(counts.n_pictures, 'picture')}, {counts.n_cached} rows from a cache",
        err=True,
    )
    if counts.failed:
        name, why = next(iter(counts.failed.items()))
        raise click.ClickException(
            f"{counted(len(counts.failed), 'part')} could not be made, such as {name}: "
            f"{why}. Run the command again to try them once more, with fewer threads a "
            "worker if memory is short."
        )
    if "://" not in out:
        line = pasteable([sys.executable, "-c", _READING.format(out)])
        say(f"Next:\n  {line}", err=True, wrap=False)


def _place(out: str) -> Any:
    from skresnet.datasets.elsewhere import place_at

    try:
        return _whole(place_at(out))
    except ImportError as error:
        raise click.ClickException(str(error)) from error


def _whole(place: Any) -> Any:
    """Give a path that other processes understand, too."""
    return os.path.abspath(place) if isinstance(place, str) else place  # noqa: PTH100 - of links


def _stream(source: Source, group_by: str | None) -> Any:
    """Begin to list the pictures of a source, in the order of their paths."""
    from skresnet.datasets.groups import group_finder
    from skresnet.datasets.streaming import FolderStream, TableStream
    from skresnet.datasets.walk import existing_folder

    if source.columns is not None:
        root = source.columns["root"]
        chosen = source.chosen(group_by)
        return TableStream(source.place, chosen, root=root, spoken=SPOKEN)
    find_groups = group_finder(group_by)
    root = existing_folder(source.place)
    splits: dict[Any, str | None] = {**split_folders(root)} or {root: None}
    return FolderStream(splits.items(), find_groups)


def _maker(cluster: Cluster, connect: Connect | None) -> tuple[Any, str]:
    from skresnet.cluster.running import on_cluster, one_by_one

    share = "" if cluster.shard == (1, 1) else ", share {} of {}".format(*cluster.shard)
    if connect is None:
        return one_by_one, f"by this process{share}"
    client = connect()
    threads = client.nthreads()
    return (
        on_cluster(client),
        f"by {counted(len(threads), 'worker')} with "
        f"{counted(sum(threads.values()), 'thread')}{share}",
    )


@contextmanager
def _bar() -> Iterator[Any]:
    """Show how far all workers are, on one line, where standard error is a terminal."""
    from skresnet.progress import Bar

    with Bar(unit="picture", disable=None) as progress:

        def report(counts: Any, listed: Any) -> None:
            progress.initial = counts.n_pictures_there  # which the rate is not to count
            if listed.has_ended:
                progress.total = listed.n_pictures
            progress.update(counts.n_pictures - progress.n)

        yield report

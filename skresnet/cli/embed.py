"""`skresnet embed`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skresnet.cli.embed_parts import (
    Cluster,
    check_cluster,
    cluster_options,
    embed_in_parts,
    is_folder,
    reached,
)
from skresnet.cli.feature_files import npy_file, parquet_file
from skresnet.cli.models import fitted
from skresnet.cli.options import (
    cache_options,
    checked_embedder,
    chosen_cache,
    embedder_options,
    examples,
    files_in,
    force_option,
    group_option,
    on_error_option,
    random_state_option,
    table_options,
)
from skresnet.cli.outputs import beside, check_not_inputs, check_outputs, writing
from skresnet.cli.pictures import (
    check_headers,
    chunks,
    list_below,
    raise_unreadable,
    tell_unreadable,
)
from skresnet.cli.sources import source_of
from skresnet.cli.terminal import pasteable, say

if TYPE_CHECKING:
    from skresnet.reading import Failure

# How to go on with a file, whose name is to be put in.
_READING = {
    ".npy": "import numpy; print(numpy.load({!r}).shape)",
    ".parquet": "import pyarrow.parquet; print(pyarrow.parquet.read_table({!r}))",
}


@click.command(
    short_help="Write the features of a folder to a file, or to parts of a table.",
    epilog=examples(
        "skresnet embed photos --out features.parquet",
        "skresnet embed photos --out features.npy --precision float32",
        "skresnet embed photos --out features/ --workers 2",
        "skresnet embed photos --out features/ --shard 3/16",
    ),
)
@click.argument("place", metavar="FOLDER_OR_TABLE")
@table_options
@click.option(
    "--out",
    required=True,
    metavar="FILE_OR_FOLDER",
    help="File to write, .parquet or .npy, or folder or address for parts of Parquet.",
)
@force_option
@group_option
@on_error_option
@cluster_options
@random_state_option
@cache_options
@embedder_options
def embed(
    place: str,
    out: str,
    force: bool,
    group_by: str | None,
    on_error: str,
    scheduler: str | None,
    workers: int | None,
    shard: tuple[int, int],
    part_size: int,
    random_state: int,
    cache: Path | None,
    no_cache: bool,
    **params: Any,
) -> None:
    """Write the features of all pictures in FOLDER_OR_TABLE to a file or a folder.

    A Parquet file has the columns path, class (that of the table, or the folder that a
    picture lies in, in the folder or in a split), split and group where there are any,
    digest (the SHA-256 of the picture) and features, a list of float32. A .npy file
    has the rows alone; path and class are in a file beside it, features.paths.csv for
    features.npy.

    Memory does not grow with the number of pictures. Stopped and started again, it
    goes on where it was, with the rows from the cache; the file appears under its
    name once it is whole.

    A folder, such as features/ or s3://bucket/features, gets parts of Parquet with the
    columns of the file, in the order of the pictures' paths. The parts are made here,
    by --workers on this machine, or by those of a --scheduler of Dask, and are the same
    whoever makes them; with --shard 3/16, sixteen commands make a sixteenth each.
    Started again after whatever has stopped it, the same command makes the parts that
    are missing. Pictures that cannot be read are in a table of their own,
    features/_unreadable, with the cause; they end the command with status 3, or 0 with
    --on-error skip. Nothing is kept in a cache unless --cache names one.
    """
    cluster = Cluster(scheduler, workers, shard, part_size)
    check_cluster(cluster, out)
    if not is_folder(out):
        _embed_to_file(
            *(place, Path(out), force, group_by, on_error),
            *(random_state, chosen_cache(cache, no_cache), params),
        )
        return
    _check_parquet()
    with reached(cluster) as connect:
        source, params = source_of(place, params)
        params = checked_embedder(params)
        cache = chosen_cache(cache, no_cache) if cache else None
        embed_in_parts(
            *(source, out),
            partial(_new_embedder, cache and cache.absolute(), random_state, params),
            *(cluster, connect),
            group_by=group_by,
            on_error=on_error,
            force=force,
        )


def _embed_to_file(
    place: str,
    out: Path,
    force: bool,
    group_by: str | None,
    on_error: str,
    random_state: int,
    cache: Path | None,
    params: dict[str, Any],
) -> None:
    from skresnet.reading import as_pictures

    _check_kind(out)
    files = [out, beside(out, ".paths.csv")] if out.suffix == ".npy" else [out]
    check_outputs(files, force=force)
    source, params = source_of(place, params)
    params = checked_embedder(params)
    listed = list_below(source, group_by)
    paths = listed.paths
    check_not_inputs(files, [place, *paths, *files_in(cache, **params)])
    say(f"Pictures: {len(paths)}, cache: {cache or 'none'}", err=True)

    embedder = fitted(_new_embedder(cache, random_state, params))
    if on_error == "raise":
        check_headers(paths, embedder.n_jobs)
    failures: list[Failure] = []
    start = 0
    write = parquet_file if out.suffix == ".parquet" else npy_file
    with (
        writing(*files, force=force) as unfinished,
        write(unfinished, embedder) as append,
    ):
        for chunk in chunks(paths):
            embedded = embedder._embed(as_pictures(chunk), on_error="nan")
            failures += embedded.failures
            kept = embedded.readable.tolist()
            digests = [embedded.digests[row] for row in kept]
            pictures = listed.at([start + row for row in kept])
            append(pictures, digests, embedded.rows[kept])
            start += len(chunk)
        if failures and (on_error == "raise" or len(failures) == len(paths)):
            raise_unreadable(failures, may_skip=len(failures) < len(paths))
    tell_unreadable(failures, len(paths))
    written = " and ".join(map(str, files))
    say(f"{len(paths) - len(failures)} rows in {written}", err=True)
    line = pasteable([sys.executable, "-c", _READING[out.suffix].format(str(out))])
    say(f"Next:\n  {line}", err=True, wrap=False)


def _check_kind(out: Path) -> None:
    """Refuse a name that says no kind of file, or one that needs what is missing."""
    if out.suffix not in _READING:
        raise click.UsageError(
            f"--out {out}: the name must end in .parquet or .npy, which says what "
            "kind of file to write."
        )
    if out.suffix == ".parquet":
        _check_parquet()


def _check_parquet() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ModuleNotFoundError as error:
        raise click.ClickException(
            "Parquet files are written with pyarrow, which is not installed: "
            'python -m pip install "skresnet[parquet]". Or choose a name that '
            "ends in .npy, which needs nothing."
        ) from error


def _new_embedder(cache: Path | None, random_state: int, params: dict[str, Any]) -> Any:
    from skresnet import EmbeddingCache
    from skresnet.embedder import EMBEDDERS

    return EMBEDDERS[params.pop("network")](
        # One object for all chunks, so that the store is opened once.
        cache=EmbeddingCache(cache) if cache else None,
        random_state=random_state,
        **{name.removeprefix("embedder__"): value for name, value in params.items()},
    )

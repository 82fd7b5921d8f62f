"""`skresnet embed`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skresnet.cli.chunks import AT_ONCE, chunks
from skresnet.cli.examples import ExampleCommand
from skresnet.cli.feature_files import check_kind, opened, paths_beside
from skresnet.cli.options import (
    cache_options,
    check_embedder,
    chosen_cache,
    embedder_options,
    force_option,
    on_error_option,
    random_state_option,
)
from skresnet.cli.outputs import check_output
from skresnet.cli.pictures import list_below
from skresnet.cli.rows import fitted, rows_of, tell_skipped, unreadable

if TYPE_CHECKING:
    from skresnet.reading import Failure


@click.command(
    cls=ExampleCommand,
    short_help="Write the features of a folder to a file.",
    examples=[
        "skresnet embed photos --out features.parquet",
        "skresnet embed photos --out features.npy --precision float32",
    ],
)
@click.argument("folder")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write, .parquet or .npy.",
)
@force_option
@on_error_option
@random_state_option
@cache_options
@embedder_options
def embed(
    folder: str,
    out: Path,
    force: bool,
    on_error: str,
    random_state: int,
    cache: Path | None,
    no_cache: bool,
    **params: Any,
) -> None:
    """Write the features of all pictures below FOLDER to a file.

    A Parquet file has the columns path, class (the folder that a picture lies in, in
    FOLDER or in a split) and features, a list of float32. A .npy file has the rows
    alone; path and class are in a file beside it, features.paths.csv for features.npy.

    Memory does not grow with the number of pictures. Stopped and started again, it
    goes on where it was, with the rows from the cache; the file appears under its
    name once it is whole.
    """
    check_kind(out)
    check_output(out, force=force)
    if out.suffix == ".npy":
        check_output(paths_beside(out), force=force)
    check_embedder(params)
    folder_of_cache = chosen_cache(cache, no_cache)
    paths, classes = list_below(folder)
    click.echo(f"Pictures: {len(paths)}, cache: {folder_of_cache or 'none'}", err=True)

    embedder = fitted(_new_embedder(folder_of_cache, random_state, params), paths[:1])
    if on_error == "raise":
        _check_headers(paths, params["embedder__n_jobs"])
    failures: list[Failure] = []
    with opened(out, len(embedder.get_feature_names_out())) as file:
        for number, chunk in enumerate(chunks(paths)):
            start = number * AT_ONCE
            rows = rows_of(embedder, chunk)
            failures += [
                failure._replace(position=failure.position + start)
                for failure in rows.failures
            ]
            kept = rows.readable.nonzero()[0]
            file.append(
                [chunk[index] for index in kept],
                [classes[start + index] for index in kept],
                rows.features,
            )
        if failures and (on_error == "raise" or len(failures) == len(paths)):
            raise unreadable(failures)
    tell_skipped(failures, len(paths))
    beside = f" and {paths_beside(out)}" if out.suffix == ".npy" else ""
    click.echo(f"{len(paths) - len(failures)} rows in {out}{beside}", err=True)


def _new_embedder(cache: Path | None, random_state: int, params: dict[str, Any]) -> Any:
    from skresnet import EmbeddingCache, ResNet50Embedder

    return ResNet50Embedder(
        # One object for all chunks, so that the store is opened once.
        cache=EmbeddingCache(cache) if cache else None,
        random_state=random_state,
        **{name.removeprefix("embedder__"): value for name, value in params.items()},
    )


def _check_headers(paths: list[str], n_jobs: int | None) -> None:
    """Refuse what is certainly unreadable now, not after hours of the others."""
    from skresnet.embedding import unreadable_headers
    from skresnet.reading import as_pictures

    if failures := unreadable_headers(as_pictures(paths), n_jobs=n_jobs):
        raise unreadable(failures)

"""From pictures to rows of features, with what cannot be read told apart."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from skresnet.cli.pictures import Part
from skresnet.cli.start import start_tensorflow

if TYPE_CHECKING:
    from skresnet.reading import Failure


Paths = Sequence[str] | NDArray[np.object_]


class Rows(NamedTuple):
    """Features of the pictures that can be read.

    Attributes
    ----------
    features : ndarray of shape (n_readable, n_features), float32
    readable : ndarray of shape (n_pictures,), bool
    failures : list of Failure
        The other pictures, by their position, path and cause.
    """

    features: np.ndarray
    readable: np.ndarray
    failures: list[Failure]


def fitted(embedder: Any, paths: Paths) -> Any:
    """Fit an embedder, which looks for its weights."""
    from skresnet import WeightsUnavailableError

    start_tensorflow()
    try:
        return embedder.fit(paths)
    except WeightsUnavailableError as error:
        raise click.ClickException(
            f"{error}\nOn the command line that is --weights distilled, --weights FILE "
            "or --weights random."
        ) from error


def rows_of(embedder: Any, paths: Paths) -> Rows:
    """Embed pictures and find out why some cannot be read."""
    from skresnet import UnreadableImageError

    embedder.set_params(on_error="nan")
    # The embedder's report is news of progress, not part of a command's output.
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "A row of NaN stands for")
        features = embedder.transform(paths)
    suspects = np.flatnonzero(np.isnan(features).all(axis=1)).tolist()
    failures: list[Failure] = []
    if suspects:
        verbose = embedder.verbose
        embedder.set_params(on_error="raise", verbose=0)
        try:
            embedder.transform([paths[index] for index in suspects])
        except UnreadableImageError as error:
            failures = [
                failure._replace(position=suspects[failure.position])
                for failure in error.failures
            ]
        embedder.set_params(verbose=verbose)
    readable = np.ones(len(paths), bool)
    readable[[failure.position for failure in failures]] = False
    return Rows(features[readable], readable, failures)


def part_rows(embedder: Any, part: Part, on_error: str) -> tuple[np.ndarray, Part]:
    """Embed pictures and leave out, or refuse, those that cannot be read."""
    from skresnet import UnreadableImageError

    if on_error == "raise":
        # The embedder looks at all headers first, and so fails before the long part.
        embedder.set_params(on_error="raise")
        try:
            with redirect_stdout(sys.stderr):
                return embedder.transform(part.paths), part
        except UnreadableImageError as error:
            raise unreadable(error.failures) from error
    rows = rows_of(embedder, part.paths)
    tell_skipped(rows.failures, len(part.paths))
    if not rows.features.size:
        raise unreadable(rows.failures)
    return rows.features, Part(part.paths[rows.readable], part.classes[rows.readable])


def tell_skipped(failures: list[Failure], n_pictures: int) -> None:
    """Count and list the pictures that were left out."""
    if failures:
        click.echo(
            f"Left out {len(failures)} of {n_pictures} pictures, which cannot be "
            f"read:\n{_listed(failures)}",
            err=True,
        )


def unreadable(failures: list[Failure]) -> click.ClickException:
    """Make the error that names all pictures that cannot be read."""
    count = "1 picture" if len(failures) == 1 else f"{len(failures)} pictures"
    return click.ClickException(
        f"{count} cannot be read:\n{_listed(failures)}\n"
        "Mend or remove them, or leave them out with --on-error skip."
    )


def shown(path: str) -> str:
    """Write a path on one line, in characters that every terminal takes."""
    return path if path.isprintable() else repr(path)


def _listed(failures: list[Failure]) -> str:
    return "\n".join(
        f"  {shown(str(failure.path))}: {failure.cause}" for failure in failures
    )

"""`skresnet predict`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from skresnet.cli.chunks import chunks
from skresnet.cli.examples import ExampleCommand
from skresnet.cli.models import load_model
from skresnet.cli.options import (
    cache_options,
    chosen_cache,
    force_option,
    option,
    reading_options,
)
from skresnet.cli.outputs import check_output, replacing
from skresnet.cli.pictures import list_below
from skresnet.cli.predictions import FORMATS, Prediction
from skresnet.cli.rows import rows_of
from skresnet.cli.start import start_tensorflow


@click.command(
    cls=ExampleCommand,
    short_help="Predict the class of pictures.",
    examples=[
        "skresnet predict model.joblib photos",
        "skresnet predict model.joblib photos --top 2 --format csv --out classes.csv",
        'find photos -name "*.png" | skresnet predict model.joblib - --format jsonl',
    ],
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, metavar="IMAGE_OR_FOLDER...")
@option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    default="table",
    help="A table to read, CSV, or one JSON object a line.",
)
@option(
    "--top",
    type=click.IntRange(min=1),
    default=1,
    help="How many classes to name, the most probable first.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write to, not the screen."
)
@force_option
@cache_options
@reading_options
def predict(
    model: Path,
    images: tuple[str, ...],
    format_name: str,
    top: int,
    out: Path | None,
    force: bool,
    cache: Path | None,
    no_cache: bool,
    **params: Any,
) -> None:
    """Predict the class of pictures with the MODEL in a file.

    Folders are searched for pictures, however deep; - stands for paths on standard
    input, one a line. A picture that cannot be read gets a row that says why, and the
    exit status is then 1.

    A model is a pickle: loading it runs what it contains. Load only files from people
    you trust.
    """
    if out:
        check_output(out, force=force)
    classifier = load_model(model)
    paths = [path for image in images for path in _paths(image)]
    if not paths:
        raise click.ClickException("There are no pictures: standard input is empty.")
    classifier.set_params(
        embedder__cache=chosen_cache(cache, no_cache), embedder__verbose=0, **params
    )
    start_tensorflow()
    n_failures = 0
    style = FORMATS[format_name](classifier.classes_, top)
    with _written(out) as write:
        write(style.header())
        # A bar among the lines of a table on the same screen would tear both.
        for chunk in chunks(paths, silent=out is None and sys.stdout.isatty()):
            for prediction in _predictions(classifier, chunk, top):
                write(style.line(prediction))
                n_failures += prediction.error is not None
    if n_failures:
        click.echo(f"{n_failures} of {len(paths)} pictures cannot be read.", err=True)
        raise click.exceptions.Exit(1)


def _paths(image: str) -> Sequence[str]:
    if image == "-":
        # As bytes, since names of files need not be text.
        lines = sys.stdin.buffer.read().split(b"\n")
        return [os.fsdecode(line.rstrip(b"\r")) for line in lines if line.strip()]
    return list_below(image)[0] if Path(image).is_dir() else [image]


def _predictions(classifier: Any, paths: list[str], top: int) -> Iterator[Prediction]:
    rows = rows_of(classifier["embedder"], paths)
    causes = {failure.position: failure.cause for failure in rows.failures}
    known = rows.features
    probabilities = iter(classifier[1:].predict_proba(known) if len(known) else known)
    for position, path in enumerate(paths):
        if position in causes:
            yield Prediction(path, [], causes[position])
            continue
        row = next(probabilities)
        best = (-row).argsort(kind="stable")[:top]
        yield Prediction(
            path, [(str(classifier.classes_[i]), float(row[i])) for i in best], None
        )


@contextmanager
def _written(out: Path | None) -> Iterator[Callable[[str], None]]:
    """Write text to a file, or to standard output."""
    if out is None:
        yield lambda text: click.echo(_encoded(text), nl=False)
    else:
        with replacing(out) as unfinished, unfinished.open("wb") as file:
            yield lambda text: click.echo(_encoded(text), file, nl=False)


def _encoded(text: str) -> bytes:
    """Give back the bytes of file names that are not valid UTF-8."""
    return text.encode("utf-8", "surrogateescape")

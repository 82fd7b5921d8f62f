"""`skresnet predict`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import click

from skresnet.cli.models import load_model, start_tensorflow
from skresnet.cli.options import (
    cache_options,
    chosen_cache,
    chosen_format,
    examples,
    files_in,
    force_option,
    option,
    out_option,
    reading_options,
)
from skresnet.cli.outputs import check_not_inputs, check_outputs, csv_line, results
from skresnet.cli.pictures import SOME_UNREADABLE, chunks, list_below
from skresnet.cli.terminal import say
from skresnet.text import counted, listed, shown

_UNSURE = "unsure"


class _Prediction(NamedTuple):
    """The most probable classes of a picture, or why it cannot be read."""

    path: str
    best: list[tuple[str, float]]
    error: str | None


# Writes the header, given None, or a prediction.
_Line = Callable[[_Prediction | None], str]


def _table(classes: Sequence[str], top: int) -> _Line:
    """Write columns for people: classes with their probabilities, then the path."""
    width = max(len(shown(name)) for name in [*classes, _UNSURE, "UNREADABLE"])

    def line(prediction: _Prediction | None) -> str:
        if prediction is None:
            return f"{'class':{width}}  prob.  " * top + "picture\n"
        path = shown(prediction.path)
        if prediction.error is not None:
            columns = f"{'UNREADABLE':{(width + 9) * top}}"
            return f"{columns}{path}: {prediction.error}\n"
        pairs = (f"{shown(name):{width}}  {p:5.3f}  " for name, p in prediction.best)
        return f"{''.join(pairs)}{path}\n"

    return line


def _csv(classes: Sequence[str], top: int) -> _Line:
    """Write CSV with the columns path, class, probability, class_2, ... and error."""

    def line(prediction: _Prediction | None) -> str:
        if prediction is None:
            ranks = ["", *(f"_{rank}" for rank in range(2, top + 1))]
            pairs = [(f"class{rank}", f"probability{rank}") for rank in ranks]
            return csv_line(
                ["path", *(name for pair in pairs for name in pair), "error"]
            )
        cells = [cell for name, p in prediction.best for cell in (name, f"{p:.6g}")]
        cells += [""] * (2 * top - len(cells))
        return csv_line([prediction.path, *cells, prediction.error or ""])

    return line


def _json_lines(classes: Sequence[str], top: int) -> _Line:
    """Write a JSON object a picture, with path and either predictions or error."""

    def line(prediction: _Prediction | None) -> str:
        if prediction is None:
            return ""
        content: dict[str, object] = {"path": prediction.path}
        if prediction.error is None:
            content["predictions"] = [
                {"class": name, "probability": round(probability, 6)}
                for name, probability in prediction.best
            ]
        else:
            content["error"] = prediction.error
        return json.dumps(content) + "\n"

    return line


_FORMATS = {"table": _table, "csv": _csv, "jsonl": _json_lines}


@click.command(
    short_help="Predict the class of pictures.",
    epilog=examples(
        "skresnet predict model.joblib photos",
        "skresnet predict model.joblib photos --top 2 --format csv --out classes.csv",
        "skresnet predict model.joblib photos --threshold 0.8 --sort-into sorted",
        'find photos -name "*.png" | skresnet predict model.joblib - --format jsonl',
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, metavar="IMAGE_OR_FOLDER...")
@option(
    "--format",
    "format_name",
    type=click.Choice(list(_FORMATS)),
    help="A table to read, CSV, or one JSON object a line.  [default: what the name of "
    "--out ends in, or table]",
)
@option(
    "--top",
    type=click.IntRange(min=1),
    default=1,
    help="How many classes to name, the most probable first.",
)
@option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Probability of the best class below which it is called unsure.",
)
@click.option(
    "--sort-into",
    type=click.Path(file_okay=False, path_type=Path),
    help="New folder to copy the pictures to, into a folder for each class.",
)
@click.option("--link", is_flag=True, help="With --sort-into, link instead of copying.")
@out_option
@force_option
@cache_options
@reading_options
def predict(
    model: Path,
    images: tuple[str, ...],
    format_name: str | None,
    top: int,
    threshold: float,
    sort_into: Path | None,
    link: bool,
    out: Path | None,
    force: bool,
    cache: Path | None,
    no_cache: bool,
    **params: Any,
) -> None:
    """Predict the class of pictures with the MODEL in a file.

    Folders are searched for pictures, however deep; a CSV or Parquet file has a column
    of paths; - stands for paths on standard input, one a line. A picture that cannot be
    read gets a row that says why, and the exit status is then 3, or 1 if none can be
    read.

    A model is a pickle: loading it runs what it contains. Load only files from people
    you trust.
    """
    outputs = [out] if out else []
    check_outputs(outputs, force=force)
    paths = [path for image in images for path in _paths(image)]
    cache = chosen_cache(cache, no_cache)
    check_not_inputs(outputs, [model, *paths, *files_in(cache)])
    if not paths:
        raise click.ClickException("There are no pictures: standard input is empty.")
    classifier = load_model(model)
    if sort_into:
        _check_folder(sort_into, classifier.classes_)
    classifier.set_params(embedder__cache=cache, embedder__verbose=0, **params)
    start_tensorflow()
    n_failures = 0
    top = min(top, len(classifier.classes_))
    line = chosen_format(format_name, out, _FORMATS)(classifier.classes_, top)
    # A bar among the lines of a table on the same screen would tear both.
    silent = out is None and sys.stdout.isatty()
    with results(out, force=force) as write:
        write(line(None))
        for prediction in _predictions(classifier, paths, top, silent):
            if prediction.best and prediction.best[0][1] < threshold:
                prediction.best[0] = (_UNSURE, prediction.best[0][1])
            write(line(prediction))
            n_failures += prediction.error is not None
            if sort_into and prediction.best:
                _put(Path(prediction.path), sort_into / prediction.best[0][0], link)
    for written in (*outputs, sort_into):
        if written:
            say(f"Written: {written}", err=True)
    if n_failures == len(paths):
        raise click.ClickException(
            f"None of {counted(n_failures, 'picture')} can be read."
        )
    if n_failures:
        say(f"{n_failures} of {len(paths)} pictures cannot be read.", err=True)
        raise click.exceptions.Exit(SOME_UNREADABLE)


def _check_folder(folder: Path, classes: Sequence[str]) -> None:
    """Refuse to mix sorted pictures with others, or to sort them anywhere else."""
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(
            f"--sort-into {folder}: the folder is not empty; choose a new one."
        )
    if unfit := [name for name in map(str, classes) if Path(name).name != name]:
        raise click.ClickException(
            f"--sort-into {folder}: {listed(unfit)} cannot be the name of a folder."
        )
    folder.mkdir(parents=True, exist_ok=True)


def _put(picture: Path, folder: Path, link: bool) -> None:
    """Copy a picture, or a link to it, into a folder, over no other one."""
    folder.mkdir(exist_ok=True)
    for number in count(1):
        more = f"-{number}" if number > 1 else ""
        place = folder / f"{picture.stem}{more}{picture.suffix}"
        with suppress(FileExistsError):
            if link:
                place.symlink_to(picture.absolute())
            else:
                with picture.open("rb") as content, place.open("xb") as copy:
                    shutil.copyfileobj(content, copy)
            return


def _paths(image: str) -> Sequence[str]:
    from skresnet.datasets.columns import TABLE_ENDINGS, decoded

    if image == "-":
        lines = decoded(sys.stdin.buffer.read()).split("\n")
        return [line.rstrip("\r") for line in lines if line.strip()]
    is_table = image.lower().endswith(TABLE_ENDINGS)
    return list_below(image)[0] if is_table or Path(image).is_dir() else [image]


def _predictions(
    classifier: Any, paths: list[str], top: int, silent: bool
) -> Iterator[_Prediction]:
    from skresnet.evaluation import predict_readable

    classes = classifier.classes_
    for chunk in chunks(paths, silent=silent):
        predicted = predict_readable(classifier, chunk)
        of_picture: dict[int, _Prediction] = {}
        for row, probabilities in zip(
            predicted.rows, predicted.probabilities, strict=True
        ):
            best = (-probabilities).argsort(kind="stable")[:top]
            named = [(str(classes[i]), float(probabilities[i])) for i in best]
            of_picture[row] = _Prediction(chunk[row], named, None)
        for row, path, cause in predicted.failures:
            of_picture[row] = _Prediction(str(path), [], cause)
        yield from (of_picture[row] for row in range(len(chunk)))

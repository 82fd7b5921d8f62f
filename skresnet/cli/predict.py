"""`skresnet predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from skresnet.cli.models import load_model, start_tensorflow
from skresnet.cli.options import (
    cache_options,
    chosen_cache,
    chosen_format,
    examples,
    force_option,
    option,
    out_option,
    reading_options,
)
from skresnet.cli.outputs import (
    check_not_inputs,
    check_outputs,
    csv_line,
    results,
    say,
)
from skresnet.cli.pictures import SOME_UNREADABLE, chunks, decoded, list_below
from skresnet.text import counted, shown


class _Prediction(NamedTuple):
    """The most probable classes of a picture, or why it cannot be read."""

    path: str
    best: list[tuple[str, float]]
    error: str | None


# Writes the header, given None, or a prediction.
_Line = Callable[[_Prediction | None], str]


def _table(classes: Sequence[str], top: int) -> _Line:
    """Write columns for people: classes with their probabilities, then the path."""
    width = max(len(shown(name)) for name in [*classes, "UNREADABLE"])

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
@out_option
@force_option
@cache_options
@reading_options
def predict(
    model: Path,
    images: tuple[str, ...],
    format_name: str | None,
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
    exit status is then 3, or 1 if none can be read.

    A model is a pickle: loading it runs what it contains. Load only files from people
    you trust.
    """
    outputs = [out] if out else []
    check_outputs(outputs, force=force)
    paths = [path for image in images for path in _paths(image)]
    check_not_inputs(outputs, [model, *paths])
    if not paths:
        raise click.ClickException("There are no pictures: standard input is empty.")
    classifier = load_model(model)
    classifier.set_params(
        embedder__cache=chosen_cache(cache, no_cache), embedder__verbose=0, **params
    )
    start_tensorflow()
    n_failures = 0
    top = min(top, len(classifier.classes_))
    line = chosen_format(format_name, out, _FORMATS)(classifier.classes_, top)
    # A bar among the lines of a table on the same screen would tear both.
    silent = out is None and sys.stdout.isatty()
    with results(out, force=force) as write:
        write(line(None))
        for prediction in _predictions(classifier, paths, top, silent):
            write(line(prediction))
            n_failures += prediction.error is not None
    if out:
        say(f"Predictions: {out}", err=True)
    if n_failures == len(paths):
        raise click.ClickException(
            f"None of {counted(n_failures, 'picture')} can be read."
        )
    if n_failures:
        say(f"{n_failures} of {len(paths)} pictures cannot be read.", err=True)
        raise click.exceptions.Exit(SOME_UNREADABLE)


def _paths(image: str) -> Sequence[str]:
    if image == "-":
        lines = decoded(sys.stdin.buffer.read()).split("\n")
        return [line.rstrip("\r") for line in lines if line.strip()]
    return list_below(image)[0] if Path(image).is_dir() else [image]


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

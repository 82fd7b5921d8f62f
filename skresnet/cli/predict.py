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

from skresnet.cli.models import load_model, start_engine
from skresnet.cli.options import (
    cache_options,
    chosen_cache,
    chosen_format,
    examples,
    files_in,
    force_option,
    option,
    out_option,
    path_options,
    reading_options,
)
from skresnet.cli.outputs import check_not_inputs, check_outputs, csv_line, results
from skresnet.cli.pictures import SOME_UNREADABLE, chunks, list_below
from skresnet.cli.sources import source_of
from skresnet.cli.terminal import Fit, drawn, listed_classes, say
from skresnet.text import counted, shown

_UNSURE = "unsure"
_NONE_OF_THESE = "none of these"


class _Prediction(NamedTuple):
    """The most probable classes of a picture, or why it cannot be read.

    Above 1, ``novelty`` says that the picture is unlike all of the training; it is None
    where that is not known. A probability of None belongs to no class.
    """

    place: Any
    best: list[tuple[str, float | None]]
    error: str | None
    novelty: float | None = None

    @property
    def path(self) -> str:
        """Where the picture is, in words."""
        return str(self.place)


# Writes the header, given None, or a prediction.
_Line = Callable[[_Prediction | None], str]


def _table(names: Sequence[str], top: int, fit: Fit) -> _Line:
    """Write columns for people: classes below each other, novelty, then the path."""
    fitting_names = fit.names(map(str, names))
    width = max(map(len, ["class", *fitting_names.values()]))

    def line(prediction: _Prediction | None) -> str:
        if prediction is None:
            return f"{'class':{width}}  prob.  novelty  picture\n"
        path = shown(prediction.path)
        if prediction.error is not None:
            columns = f"{'UNREADABLE':{width + 18}}"
            told = f"{columns}{path}: {prediction.error}"
            return f"{fit.sentence(told, ' ' * len(columns))}\n"
        first, *others = (
            f"{fitting_names[name]:{width}}  {'-' if p is None else f'{p:5.3f}'}"
            for name, p in prediction.best
        )
        novelty = "-" if prediction.novelty is None else f"{prediction.novelty:.2f}"
        rows = [f"{first:{width + 7}}  {novelty:>7}  {path}", *others]
        return drawn("".join(f"{row}\n" for row in rows))

    return line


def _csv(names: Sequence[str], top: int, fit: Fit) -> _Line:
    """Write CSV with the columns path, class, probability, class_2, ..., novelty."""

    def line(prediction: _Prediction | None) -> str:
        if prediction is None:
            ranks = ["", *(f"_{rank}" for rank in range(2, top + 1))]
            pairs = [(f"class{rank}", f"probability{rank}") for rank in ranks]
            return csv_line(
                ["path", *(name for pair in pairs for name in pair), "novelty", "error"]
            )
        cells = [
            cell
            for name, p in prediction.best
            for cell in (name, "" if p is None else f"{p:.6g}")
        ]
        cells += [""] * (2 * top - len(cells))
        novelty = "" if prediction.novelty is None else f"{prediction.novelty:.6g}"
        return csv_line([prediction.path, *cells, novelty, prediction.error or ""])

    return line


def _json_lines(names: Sequence[str], top: int, fit: Fit) -> _Line:
    """Write a JSON object a picture, with predictions and novelty, or an error."""

    def line(prediction: _Prediction | None) -> str:
        if prediction is None:
            return ""
        content: dict[str, object] = {"path": prediction.path}
        if prediction.error is None:
            content["predictions"] = [
                {"class": name, "probability": None if p is None else round(p, 6)}
                for name, p in prediction.best
            ]
            if prediction.novelty is not None:
                content["novelty"] = round(prediction.novelty, 6)
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
@click.option(
    "--unsure",
    is_flag=True,
    help="Say 'none of these' where a picture is unlike all of the training.",
)
@option(
    "--false-alarms",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    help="The share of pictures like those of the training whose novelty may exceed 1.",
)
@out_option
@force_option
@path_options
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
    unsure: bool,
    false_alarms: float,
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

    Novelty tells how unlike the training a picture is: above 1, it lies farther from
    all training pictures than these, by all but --false-alarms, from each other.

    A model in a .joblib file is a pickle: loading it runs what it contains. Load only
    files from people you trust. One in a .skops file runs nothing.
    """
    outputs = [out] if out else []
    check_outputs(outputs, force=force)
    table = {name: params.pop(name) for name in list(params) if "table__" in name}
    if any(table.values()) and not any(map(_is_table, images)):
        raise click.UsageError(
            "--path-column and --root are about tables, and there is none among "
            f"{' '.join(images)}."
        )
    if out and sort_into and out.absolute() == sort_into.absolute():
        raise click.UsageError(f"--out and --sort-into are both {out}.")
    paths = [path for image in images for path in _paths(image, table)]
    cache = chosen_cache(cache, no_cache)
    check_not_inputs(outputs, [model, *images, *paths, *files_in(cache)])
    if not paths:
        raise click.ClickException("There are no pictures: standard input is empty.")
    classifier = load_model(model)
    if sort_into:
        if link and not all(isinstance(path, str) for path in paths):
            raise click.UsageError(
                "--link is for pictures on this disk; without it they are copied."
            )
        _check_folder(sort_into, classifier.classes_)
    if unsure and classifier["embedder"].seen_.detector is None:
        raise click.ClickException(
            f"{model} remembers no training pictures, which --unsure compares with: "
            "train it again, with `skresnet train` or fit of the whole Pipeline."
        )
    classifier.set_params(embedder__cache=cache, embedder__verbose=0, **params)
    start_engine(classifier["embedder"])
    n_failures = 0
    top = min(top, len(classifier.classes_))
    names = [
        *classifier.classes_,
        *([_UNSURE] if threshold else []),
        *([_NONE_OF_THESE] if unsure else []),
    ]
    line = chosen_format(format_name, out, _FORMATS)(names, top, Fit(out))
    # A bar among the lines of a table on the same screen would tear both.
    silent = out is None and sys.stdout.isatty()
    with results(out, force=force) as write:
        write(line(None))
        for prediction in _predictions(
            classifier, paths, top, silent, unsure, false_alarms
        ):
            _, best = (*prediction.best, (None, None))[0]
            if best is not None and best < threshold:
                prediction.best[0] = (_UNSURE, best)
            write(line(prediction))
            n_failures += prediction.error is not None
            if sort_into and prediction.best:
                _put(prediction.place, sort_into / prediction.best[0][0], link)
    for written in (*outputs, sort_into):
        if written:
            say(f"Written: {written}", err=True, wrap=False)
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
    names = [str(name) for name in classes]
    if unfit := [n for n in names if n in ("", "..") or Path(n).name != n]:
        raise click.ClickException(
            f"--sort-into {folder}: {listed_classes(unfit)} cannot be the name of "
            "a folder."
        )
    folder.mkdir(parents=True, exist_ok=True)


def _put(place: Any, folder: Path, link: bool) -> None:
    """Copy a picture, or a link to it, into a folder, over no other one."""
    picture = Path(place) if isinstance(place, str) else place
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


def _paths(image: str, table: dict[str, Any]) -> Sequence[Any]:
    """List the pictures that a word of the command line stands for."""
    from skresnet.datasets.columns import decoded
    from skresnet.datasets.elsewhere import ARCHIVE_ENDINGS

    if image == "-":
        lines = decoded(sys.stdin.buffer.read()).split("\n")
        return [line.rstrip("\r") for line in lines if line.strip()]
    if _is_table(image):
        return list_below(source_of(image, table)[0], paths_only=True).paths
    source, _ = source_of(image, {})
    is_folder = image.lower().endswith(ARCHIVE_ENDINGS) or _is_folder(source.place)
    return (
        list_below(source._replace(columns=None)).paths if is_folder else [source.place]
    )


def _is_table(image: str) -> bool:
    from skresnet.datasets.columns import TABLE_ENDINGS

    return image.lower().endswith(TABLE_ENDINGS)


def _is_folder(place: Any) -> bool:
    """Tell a folder; to a server of pages, a picture may be one as well."""
    from skresnet.reading.files import EXTENSIONS

    if isinstance(place, str):
        return Path(place).is_dir()
    return place.suffix.lower() not in EXTENSIONS and bool(place.is_dir())


def _predictions(
    classifier: Any,
    paths: list[Any],
    top: int,
    silent: bool,
    unsure: bool,
    false_alarms: float,
) -> Iterator[_Prediction]:
    from skresnet.evaluation import predict_readable

    classes = classifier.classes_
    for chunk in chunks(paths, silent=silent):
        predicted = predict_readable(classifier, chunk, false_alarm_rate=false_alarms)
        of_picture: dict[int, _Prediction] = {}
        novelties = predicted.novelty
        for row, probabilities, novelty in zip(
            predicted.rows,
            predicted.probabilities,
            [None] * len(predicted.rows) if novelties is None else novelties.tolist(),
            strict=True,
        ):
            best = (-probabilities).argsort(kind="stable")[:top]
            named: list[tuple[str, float | None]] = [
                (str(classes[i]), float(probabilities[i])) for i in best
            ]
            if unsure and novelty > 1:
                named = [(_NONE_OF_THESE, None)]
            of_picture[row] = _Prediction(chunk[row], named, None, novelty)
        for row, _, cause in predicted.failures:
            of_picture[row] = _Prediction(chunk[row], [], cause)
        yield from (of_picture[row] for row in range(len(chunk)))

"""`skresnet evaluate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skresnet.cli.features import load_test_features, refuse_options_of_pictures
from skresnet.cli.models import (
    check_drawing,
    class_names,
    confusion_lines,
    load_model,
    seen_lines,
    start_engine,
    tested,
    write_report,
)
from skresnet.cli.options import (
    cache_options,
    chosen_cache,
    chosen_format,
    examples,
    files_in,
    force_option,
    group_option,
    on_error_option,
    out_option,
    reading_options,
    report_option,
    table_options,
)
from skresnet.cli.outputs import check_not_inputs, check_outputs, csv_line, results
from skresnet.cli.pictures import Part, first_readable, load_test
from skresnet.cli.sources import source_of
from skresnet.cli.terminal import Fit, drawn, listed_classes, say, say_next
from skresnet.text import shown

if TYPE_CHECKING:
    from skresnet.comparison import Earlier
    from skresnet.evaluation import Predictions

_CONFUSIONS = 5


def _text(
    predictions: Predictions, model: Path, earlier: list[Earlier], fit: Fit
) -> str:
    """Write words, and a table of the classes."""
    from sklearn.metrics import classification_report

    names = class_names(predictions, fit)
    known = sorted({*predictions.y_true, *predictions.y_pred})
    lines = [
        *map(fit.sentence, seen_lines(predictions)),
        f"Pictures: {len(predictions.pictures)}",
        f"Loss: {predictions.loss:.4f}",
        f"Accuracy: {predictions.accuracy:.4f}\n",
        drawn(
            classification_report(
                predictions.y_true,
                predictions.y_pred,
                labels=known,
                target_names=[names[label] for label in known],
                digits=4,
                zero_division=0,
            )
        ),
        *confusion_lines("Confused", predictions, _CONFUSIONS, fit),
    ]
    lines += [
        fit.sentence(f"Compared with {shown(str(other))}", "  ") for other in earlier
    ]
    return "".join(f"{line}\n" for line in lines)


def _json(
    predictions: Predictions, model: Path, earlier: list[Earlier], fit: Fit
) -> str:
    """Write one object that has it all, and can be compared with later ones."""
    from skresnet.comparison import record

    content = {
        "pictures": len(predictions.pictures),
        "loss": predictions.loss,
        "accuracy": predictions.accuracy,
        **_known_again(predictions),
        "accuracy_on_others": predictions.others.accuracy
        if predictions.are_new.any()
        else None,
        "classes": list(_classes(predictions)),
        "confusions": [
            {"class": str(true), "taken_for": str(other), "pictures": n, "of": n_all}
            for true, other, n, n_all in predictions.confusions(_CONFUSIONS)
        ],
        "unreadable": [
            {"path": path, "error": cause} for _, path, cause in predictions.failures
        ],
        "compared": [
            other._asdict() | {"recalls": [*map(_recalls, other.recalls.items())]}
            for other in earlier
        ],
        **record(predictions, model.stem),
    }
    return json.dumps(content, indent=2) + "\n"


def _recalls(of_class: tuple[Any, tuple[float, float]]) -> dict[str, str | float]:
    label, (then, now) = of_class
    return {"class": str(label), "then": then, "now": now}


def _known_again(predictions: Predictions) -> dict[str, int | None]:
    """Count pictures that are related to the training, and those unlike it."""
    found, novelty = predictions.recognised, predictions.novelty
    counts = [None] * 3 if found is None else [int(values.sum()) for values in found]
    names = ("trained_on", "nearly_trained_on", "subjects_trained_on")
    unlike = None if novelty is None else int((novelty > 1).sum())
    return dict(zip(names, counts, strict=True)) | {"unlike_training": unlike}


def _csv(
    predictions: Predictions, model: Path, earlier: list[Earlier], fit: Fit
) -> str:
    """Write a line a class."""
    rows = list(_classes(predictions))
    return csv_line(rows[0]) + "".join(csv_line(row.values()) for row in rows)


def _classes(predictions: Predictions) -> Iterator[dict[str, str | float]]:
    import numpy as np
    from sklearn.metrics import precision_recall_fscore_support

    names = np.unique([*predictions.y_true, *predictions.y_pred])
    scores = precision_recall_fscore_support(
        predictions.y_true, predictions.y_pred, labels=names, zero_division=0
    )
    for name, precision, recall, f1, n_pictures in zip(names, *scores, strict=True):
        yield {
            "class": str(name),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "pictures": int(n_pictures),
        }


_FORMATS = {"text": _text, "json": _json, "csv": _csv}


@click.command(
    short_help="Test a model on a folder.",
    epilog=examples(
        "skresnet evaluate model.joblib photos",
        "skresnet evaluate model.joblib photos/val --report val.html",
        "skresnet evaluate model.joblib model.test.csv --out scores.json",
        "skresnet evaluate model.joblib model.test.csv --compare scores.json",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("place", metavar="FOLDER_OR_TABLE")
@table_options
@report_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(_FORMATS)),
    help="Words and a table, one JSON object, or CSV with a line a class.  [default: "
    "what the name of --out ends in, or text]",
)
@out_option
@click.option(
    "--compare",
    "scores",
    metavar="SCORES",
    type=click.Path(path_type=Path),
    multiple=True,
    help="JSON file that an earlier evaluation of the same pictures has written, to "
    "stand beside this one; may be given again.",
)
@force_option
@group_option
@on_error_option
@cache_options
@reading_options
def evaluate(
    model: Path,
    place: str,
    report: Path | None,
    format_name: str | None,
    out: Path | None,
    scores: tuple[Path, ...],
    force: bool,
    group_by: str | None,
    on_error: str,
    cache: Path | None,
    no_cache: bool,
    **params: Any,
) -> None:
    """Test the MODEL in a file on the pictures in FOLDER_OR_TABLE.

    A folder holds a test folder, or one folder a class. A table is a CSV or Parquet
    file with the columns path and class, as `skresnet train` writes beside a model, and
    perhaps one of splits, of which test is taken. Of a folder of features, as `skresnet
    embed` writes them, test or all are taken.

    A model in a .joblib file is a pickle: loading it runs what it contains. Load only
    files from people you trust. One in a .skops file runs nothing.
    """
    from skresnet.datasets.features import are_features

    outputs = [path for path in (out, report) if path]
    check_outputs(outputs, force=force)
    if report:
        check_drawing()
    records = _records(scores)
    made_of = chosen_format(format_name, out, _FORMATS)
    source, params = source_of(place, params)
    if are_features(source.place):
        refuse_options_of_pictures(place, "report", "scores", "group_by", "cache")
        check_not_inputs(outputs, [model, *Path(source.place).iterdir()])
        predictions = _tested_on_features(load_model(model), source.place)
        with results(out, force=force) as write:
            write(made_of(predictions, model, [], Fit(out)))
        for path in outputs:
            say(f"Written: {path}", err=True, wrap=False)
        return
    part = load_test(source, group_by)
    folder_of_cache = chosen_cache(cache, no_cache)
    check_not_inputs(
        outputs, [model, place, *scores, *part.paths, *files_in(folder_of_cache)]
    )
    classifier = load_model(model)
    _check_classes(part, classifier)
    classifier.set_params(
        embedder__cache=folder_of_cache,
        embedder__verbose=int(sys.stderr.isatty()),
        **params,
    )
    start_engine(classifier["embedder"])
    predictions = tested(classifier, part, on_error)
    earlier = _earlier(predictions, records)
    with results(out, force=force) as write:
        write(made_of(predictions, model, earlier, Fit(out)))
    if report:
        write_report(classifier, predictions, report, earlier=earlier, force=force)
    for path in outputs:
        say(f"Written: {path}", err=True, wrap=False)
    if not outputs and format_name in (None, "text"):
        again = ["--no-cache"] if no_cache else ["--cache", cache] if cache else []
        skip = ["--on-error", "skip"] if predictions.failures else []
        picture = first_readable(part.paths, predictions.failures)
        page = model.with_name(f"{model.stem}.html")
        say_next(
            *[("evaluate", model, *source.words, "--report", page, *again, *skip)]
            * (not page.exists()),
            ("predict", model, *source.words_for_picture(picture), *again),
        )


def _tested_on_features(classifier: Any, place: Any) -> Predictions:
    """Let the steps behind the embedder predict rows that such an embedder has made."""
    import numpy as np

    from skresnet.evaluation import Predictions
    from skresnet.stored_features import check_same_features

    features, described = load_test_features(place)
    check_same_features(described, classifier["embedder"], "in the model")
    _check_classes(features.pictures, classifier)
    probabilities = np.asarray(classifier[1:].predict_proba(features.rows))
    paths, classes, _ = features.pictures
    return Predictions.from_probabilities(
        paths, classes, probabilities, classifier.classes_
    )


def _records(scores: tuple[Path, ...]) -> list[dict[str, Any]]:
    """Read earlier evaluations, before any picture is."""
    if not scores:
        return []
    from skresnet.comparison import read_record

    return [read_record(path) for path in scores]


def _earlier(predictions: Predictions, records: list[dict[str, Any]]) -> list[Earlier]:
    if not records:
        return []
    from skresnet.comparison import compared

    return compared(predictions, records)


def _check_classes(part: Part, classifier: Any) -> None:
    known = [str(name) for name in classifier.classes_]
    if unknown := set(map(str, part.classes)) - set(known):
        raise ValueError(
            f"The model does not know the classes {listed_classes(unknown)}; it "
            f"was trained on {listed_classes(known)}. Take these "
            "classes away, rename them, or train again."
        )

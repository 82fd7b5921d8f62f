"""`skresnet evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from skresnet.cli.models import load_model, start_tensorflow, tested
from skresnet.cli.options import (
    cache_options,
    chosen_cache,
    examples,
    on_error_option,
    reading_options,
)
from skresnet.cli.pictures import Part, load_test

_CONFUSIONS = 5


@click.command(
    short_help="Test a model on a folder.",
    epilog=examples(
        "skresnet evaluate model.joblib photos",
        "skresnet evaluate model.joblib photos/val",
        "skresnet evaluate model.joblib model.test.csv",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("folder")
@on_error_option
@cache_options
@reading_options
def evaluate(
    model: Path,
    folder: str,
    on_error: str,
    cache: Path | None,
    no_cache: bool,
    **params: Any,
) -> None:
    """Test the MODEL in a file on the pictures in FOLDER.

    FOLDER holds a test folder, or one folder a class. It may also be a CSV file with
    the columns path and class, as `skresnet train` writes beside a model.

    A model is a pickle: loading it runs what it contains. Load only files from people
    you trust.
    """
    from sklearn.metrics import classification_report

    classifier = load_model(model)
    part = load_test(folder)
    _check_classes(part, classifier)
    classifier.set_params(
        embedder__cache=chosen_cache(cache, no_cache),
        embedder__verbose=int(sys.stderr.isatty()),
        **params,
    )
    start_tensorflow()
    predictions = tested(classifier, part, on_error)
    click.echo(f"Pictures: {len(predictions.pictures)}")
    click.echo(f"Loss: {predictions.loss:.4f}")
    click.echo(f"Accuracy: {predictions.accuracy:.4f}\n")
    click.echo(
        classification_report(
            predictions.y_true, predictions.y_pred, digits=4, zero_division=0
        )
    )
    for confusion in predictions.confusions(_CONFUSIONS):
        click.echo(f"Confused: {confusion}")


def _check_classes(part: Part, classifier: Any) -> None:
    from skresnet.text import listed

    known = [str(name) for name in classifier.classes_]
    if unknown := set(map(str, part.classes)) - set(known):
        raise ValueError(
            f"The model does not know the classes {listed(unknown)}; it "
            f"was trained on {listed(known)}. Take these "
            "folders away, rename them, or train again."
        )

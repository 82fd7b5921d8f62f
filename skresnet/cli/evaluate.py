"""`skresnet evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from skresnet.cli.examples import ExampleCommand
from skresnet.cli.models import load_model
from skresnet.cli.options import (
    cache_options,
    chosen_cache,
    on_error_option,
    reading_options,
)
from skresnet.cli.pictures import load_test
from skresnet.cli.rows import part_rows
from skresnet.cli.scores import scores_of, worst_confusions
from skresnet.cli.start import start_tensorflow

_CONFUSIONS = 5


@click.command(
    cls=ExampleCommand,
    short_help="Test a model on a folder.",
    examples=[
        "skresnet evaluate model.joblib photos",
        "skresnet evaluate model.joblib photos/val",
        "skresnet evaluate model.joblib model.test.csv",
    ],
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
    classifier.set_params(
        embedder__cache=chosen_cache(cache, no_cache),
        embedder__verbose=int(sys.stderr.isatty()),
        **params,
    )
    start_tensorflow()
    features, part = part_rows(classifier["embedder"], part, on_error)
    scores = scores_of(classifier[1:], features, part.classes)
    click.echo(f"Pictures: {len(part.paths)}")
    click.echo(f"Loss: {scores.loss:.4f}")
    click.echo(f"Accuracy: {scores.accuracy:.4f}\n")
    click.echo(
        classification_report(part.classes, scores.predicted, digits=4, zero_division=0)
    )
    for confusion in worst_confusions(part.classes, scores.predicted, _CONFUSIONS):
        click.echo(f"Confused: {confusion}")

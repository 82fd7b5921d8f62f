"""`skresnet train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from skresnet.cli.examples import ExampleCommand
from skresnet.cli.models import save_model
from skresnet.cli.options import (
    cache_options,
    check_embedder,
    chosen_cache,
    classifier_options,
    embedder_options,
    force_option,
    on_error_option,
    option,
    random_state_option,
)
from skresnet.cli.outputs import check_output, replacing
from skresnet.cli.pictures import Part, Parts, load_parts, write_list
from skresnet.cli.rows import fitted, part_rows
from skresnet.cli.scores import scores_of, worst_confusions
from skresnet.cli.search import search_head
from skresnet.cli.training import best_epoch, fit_head


@click.command(
    cls=ExampleCommand,
    short_help="Train a classifier on a folder and write it to a file.",
    examples=[
        "skresnet train photos --out model.joblib",
        "skresnet train photos --out best.joblib --search --report best.html",
        "skresnet train photos --out early.joblib --layer conv4_block6_out --epochs 40",
    ],
)
@click.argument("folder")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write the model to, for instance model.joblib.",
)
@force_option
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="HTML file to write a report on the test pictures to.",
)
@option(
    "--test-size",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.2,
    help="Share of each class that is set aside for the test, where FOLDER has no "
    "splits.",
)
@on_error_option
@click.option(
    "--search",
    is_flag=True,
    help="Choose learning rate and momentum among six candidates first.",
)
@click.option(
    "--scale", is_flag=True, help="Standardise the features in front of the head."
)
@random_state_option
@cache_options
@embedder_options
@classifier_options
def train(
    folder: str,
    out: Path,
    force: bool,
    report: Path | None,
    test_size: float,
    on_error: str,
    search: bool,
    scale: bool,
    random_state: int,
    cache: Path | None,
    no_cache: bool,
    **params: Any,
) -> None:
    """Train a classifier on the pictures in FOLDER and write it to a file.

    FOLDER holds train, val and test folders, or one folder a class. A val folder
    decides the best epoch; without one, a part of the training pictures does. Without
    splits, a part of each class is set aside for the test and listed beside the
    model, in model.test.csv for model.joblib.
    """
    check_output(out, force=force)
    if report:
        check_output(report, force=force)
        _check_drawing()
    check_embedder(params)
    cache = chosen_cache(cache, no_cache)
    parts = load_parts(folder, test_size, random_state)
    if report and parts.test is None:
        raise click.ClickException(
            "--report is about test pictures, and there are none: add a test folder, "
            "or set some aside with --test-size."
        )
    test_list = out.with_suffix(".test.csv")
    if parts.test_was_set_aside:
        check_output(test_list, force=force)
    _describe(folder, parts)
    click.echo(f"Cache: {cache or 'none'}")
    model = _new_model(cache, scale, random_state, params)

    embedder, head = model["embedder"], model[1:]
    fitted(embedder, parts.train.paths)
    features, train_part = part_rows(embedder, parts.train, on_error)
    validation = None
    if parts.val:
        val_features, val_part = part_rows(embedder, parts.val, on_error)
        validation = (val_features, val_part.classes)
    if search:
        search_head(head, features, train_part.classes, random_state)
    fit_head(head, features, train_part.classes, validation)
    click.echo(f"Best: {best_epoch(model['classifier'])}")

    test_part = None
    if parts.test:
        test_part = _test(embedder, head, parts.test, on_error)
    save_model(model, out)
    click.echo(f"Model: {out}")
    if test_part and parts.test_was_set_aside:
        with replacing(test_list) as unfinished:
            write_list(test_part, unfinished)
        click.echo(f"Test pictures: {test_list}")
    if test_part and report:
        _write_report(model.set_params(embedder__cache=cache), test_part, report)
        click.echo(f"Report: {report}")


def _new_model(
    cache: Path | None, scale: bool, random_state: int, params: dict[str, Any]
) -> Any:
    from sklearn.preprocessing import StandardScaler

    from skresnet import make_image_classifier

    model = make_image_classifier(
        cache=cache,
        random_state=random_state,
        embedder__verbose=int(sys.stderr.isatty()),
        **params,
    )
    if scale:
        model.steps.insert(1, ("scaler", StandardScaler()))
    return model


def _describe(folder: str, parts: Parts) -> None:
    from skresnet.text import listed

    counts = ", ".join(
        f"{name} {len(part.paths)}"
        for name, part in zip(("train", "val", "test"), parts, strict=False)
        if isinstance(part, Part)
    )
    names = set(parts.train.classes.tolist())
    click.echo(f"Pictures: {folder} ({counts})")
    click.echo(f"Classes: {len(names)} ({listed(names, 20)})")


def _test(embedder: Any, head: Any, part: Part, on_error: str) -> Part:
    """Print what the model makes of the test pictures; return those it could read."""
    features, part = part_rows(embedder, part, on_error)
    scores = scores_of(head, features, part.classes)
    click.echo(
        f"Test: accuracy {scores.accuracy:.4f}, loss {scores.loss:.4f} "
        f"({len(part.paths)} pictures)"
    )
    for confusion in worst_confusions(part.classes, scores.predicted, 1):
        click.echo(f"Confused most: {confusion}")
    return part


def _check_drawing() -> None:
    """Miss what reports need now, not after the training."""
    from skresnet.report import check_report_support

    try:
        check_report_support("--report")
    except ImportError as error:
        raise click.ClickException(str(error)) from error


def _write_report(model: Any, part: Part, path: Path) -> None:
    from skresnet.report import make_report

    report = make_report(model, part.paths, part.classes)
    with replacing(path) as unfinished:
        report.save(unfinished)

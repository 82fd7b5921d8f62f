"""`skresnet train`."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import click
import numpy as np

from skresnet.cli.models import (
    best_epoch,
    check_drawing,
    fitted,
    save_model,
    seen_lines,
    tested,
    write_report,
)
from skresnet.cli.options import (
    cache_options,
    checked_embedder,
    chosen_cache,
    classifier_options,
    embedder_options,
    examples,
    files_in,
    force_option,
    group_option,
    on_error_option,
    option,
    random_state_option,
    report_option,
)
from skresnet.cli.outputs import beside, check_not_inputs, check_outputs, writing
from skresnet.cli.pictures import (
    SOME_UNREADABLE,
    Part,
    Parts,
    check_headers,
    embed_part,
    list_writer,
    load_parts,
)
from skresnet.cli.terminal import say, say_next

_FOLDS = 3
_COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")


@click.command(
    short_help="Train a classifier on a folder and write it to a file.",
    epilog=examples(
        "skresnet train photos --out model.joblib",
        "skresnet train photos --out best.joblib --search --report best.html",
        "skresnet train photos --out early.joblib --layer conv4_block6_out --epochs 40",
    ),
)
@click.argument("source", metavar="FOLDER_OR_TABLE")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write the model to, for instance model.joblib; compressed where the "
    "name ends in .gz, .bz2, .xz, .lzma or .z.",
)
@force_option
@report_option
@option(
    "--test-size",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.2,
    help="Share of each class that is set aside for the test, where FOLDER has no "
    "splits.",
)
@group_option
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
    source: str,
    out: Path,
    force: bool,
    report: Path | None,
    test_size: float,
    group_by: str | None,
    on_error: str,
    search: bool,
    scale: bool,
    random_state: int,
    cache: Path | None,
    no_cache: bool,
    **params: Any,
) -> None:
    """Train a classifier on the pictures in FOLDER_OR_TABLE and write it to a file.

    A folder holds train, val and test folders, or one folder a class. A table is a CSV
    or Parquet file with columns for path and class, perhaps split and group, by their
    usual names. A val split decides the best epoch; without one, a part of the training
    pictures does. Without splits, a part of each class is set aside for the test and
    listed beside the model, in model.test.csv for model.joblib.
    """
    outputs = [out, report] if report else [out]
    check_outputs(outputs, force=force)
    if report:
        check_drawing()
    params = checked_embedder(params)
    folder_of_cache = chosen_cache(cache, no_cache)
    parts = load_parts(source, test_size, random_state, group_by)
    if report and parts.test is None:
        raise click.ClickException(
            "--report is about test pictures, and there are none: add a test folder, "
            "or set some aside with --test-size."
        )
    test_list = beside(out, ".test.csv") if parts.test_was_set_aside else None
    if test_list:
        outputs.append(test_list)
        check_outputs(outputs, force=force)
    check_not_inputs(
        outputs, [source, *parts.paths(), *files_in(folder_of_cache, **params)]
    )
    _describe(source, parts)
    say(f"Cache: {folder_of_cache or 'none'}")
    model = _new_model(folder_of_cache, scale, random_state, params)

    embedder, head = fitted(model["embedder"]), model[1:]
    if on_error == "raise" and parts.val:
        check_headers(parts.val.paths, embedder.n_jobs)
    rows, train_part, embedded = embed_part(embedder, parts.train, on_error)
    embedder._remember(embedded)
    metadata = {"groups": train_part.groups}
    if parts.val:
        val_rows, val_part, _ = embed_part(embedder, parts.val, on_error)
        metadata = {"X_val": val_rows, "y_val": val_part.classes}
    if search:
        _search(head, rows, train_part, random_state)
    _fit(head, rows, train_part.classes, metadata)
    # First of all that follows: nothing that fails from here on costs the model.
    save_model(model, out, force=force)
    say(f"Best: {best_epoch(model['classifier'])}")
    say(f"Model: {out}")
    again = ["--no-cache"] if no_cache else ["--cache", cache] if cache else []
    if parts.test is None:
        say_next(("predict", out, Path(parts.train.paths[0]), *again))
        return
    if test_list:
        with (
            writing(test_list, force=force) as (unfinished,),
            list_writer(unfinished) as append,
        ):
            paths = map(os.path.abspath, parts.test.paths)
            append(zip(paths, parts.test.classes, strict=True))
        say(f"Test pictures: {test_list}")
    predictions = tested(model, parts.test, "skip")
    for line in seen_lines(predictions):
        say(line)
    say(
        f"Test: accuracy {predictions.accuracy:.4f}, loss {predictions.loss:.4f} "
        f"({len(predictions.pictures)} pictures)"
    )
    for confusion in predictions.confusions(1):
        say(f"Confused most: {confusion}")
    if report:
        write_report(model, predictions, report, force=force)
        say(f"Report: {report}")
    readable = Path(str(predictions.pictures[0].path))
    predict = ("predict", out, readable, *again)
    if predictions.failures:
        again += ["--on-error", "skip"]
    tested_on = test_list or Path(source)
    say_next(("evaluate", out, tested_on, *again), predict)
    if predictions.failures and on_error == "raise":
        raise click.exceptions.Exit(SOME_UNREADABLE)


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


def _describe(source: str, parts: Parts) -> None:
    from skresnet.text import listed

    counts = ", ".join(
        f"{name} {len(part.paths)}"
        for name, part in zip(("train", "val", "test"), parts, strict=False)
        if isinstance(part, Part)
    )
    names = set(parts.train.classes.tolist())
    say(f"Pictures: {source} ({counts})")
    say(f"Classes: {len(names)} ({listed(names, 20)})")


def _search(head: Any, rows: np.ndarray, part: Part, seed: int) -> None:
    """Set the learning rate and the momentum to the best of six candidates.

    The learning rates are the given one, a third and three times as much, each without
    and with a momentum of 0.9, compared by their accuracy in 3 stratified folds.
    """
    from sklearn.exceptions import FitFailedWarning
    from sklearn.model_selection import (
        GridSearchCV,
        StratifiedGroupKFold,
        StratifiedKFold,
    )

    folds = StratifiedKFold if part.groups is None else StratifiedGroupKFold
    rate = head.get_params()["classifier__learning_rate"]
    search = GridSearchCV(
        head,
        {
            "classifier__learning_rate": [rate / 3, rate, rate * 3],
            "classifier__momentum": [0.0, 0.9],
        },
        cv=folds(_FOLDS, shuffle=True, random_state=seed),
        refit=False,
    )
    with warnings.catch_warnings():
        # A training that diverged has no score, which the table says.
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.filterwarnings("ignore", "One or more of the test scores")
        search.fit(rows, part.classes, groups=part.groups)
    say("learning rate  momentum  accuracy")
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        result = "diverged" if np.isnan(score) else f"{score:.4f}"
        best = "  <- best" if params == search.best_params_ else ""
        say(
            f"{params['classifier__learning_rate']:13.4g}  "
            f"{params['classifier__momentum']:8}  {result:>8}{best}"
        )
    head.set_params(**search.best_params_)


def _fit(
    head: Any, rows: np.ndarray, classes: np.ndarray, metadata: dict[str, Any]
) -> None:
    """Fit the steps behind the embedder and print a line an epoch."""
    import sklearn
    from keras.callbacks import LambdaCallback

    def print_epoch(epoch: int, logs: dict[str, float]) -> None:
        names = [name for name in _COLUMNS if name in logs]
        if epoch == 0:
            say("epoch" + "".join(f"  {name:>12}" for name in names))
        say(f"{epoch + 1:5}" + "".join(f"  {logs[n]:12.4f}" for n in names))

    head.set_params(classifier__callbacks=[LambdaCallback(on_epoch_end=print_epoch)])
    with sklearn.config_context(enable_metadata_routing=True):
        head.fit(rows, classes, **metadata)
    head.set_params(classifier__callbacks=None)

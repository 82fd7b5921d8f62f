"""`skresnet train`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from click.core import ParameterSource

from skresnet.cli.features import (
    FeatureParts,
    embedder_of,
    load_feature_parts,
    refuse_options_of_pictures,
)
from skresnet.cli.models import (
    best_epoch,
    check_drawing,
    check_safe_files,
    confusion_lines,
    fitted,
    save_model,
    seen_lines,
    start_tensorflow,
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
    table_options,
)
from skresnet.cli.outputs import beside, check_not_inputs, check_outputs, writing
from skresnet.cli.pictures import (
    SOME_UNREADABLE,
    Part,
    Parts,
    check_headers,
    embed_part,
    first_readable,
    list_writer,
    load_parts,
)
from skresnet.cli.sources import source_of
from skresnet.cli.terminal import Fit, listed_classes, say, say_next

if TYPE_CHECKING:
    from skresnet.evaluation import Predictions

_FOLDS = 3


@click.command(
    short_help="Train a classifier on a folder and write it to a file.",
    epilog=examples(
        "skresnet train photos --out model.joblib",
        "skresnet train photos --out model.skops",
        "skresnet train photos --out best.joblib --search --report best.html",
        "skresnet train photos --out early.joblib --layer conv4_block6_out",
    ),
)
@click.argument("place", metavar="FOLDER_OR_TABLE")
@table_options
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write the model to: model.skops, which runs no code when it is read, "
    "or model.joblib, compressed where the name ends in .gz, .bz2, .xz, .lzma or .z.",
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
@option(
    "--head",
    type=click.Choice(["dense", "logistic"]),
    default="dense",
    help="What is trained on the features: a dense network by SGD, or a logistic "
    "regression.",
)
@click.option(
    "--search",
    is_flag=True,
    help="Choose the head first, among dense networks of three learning rates and "
    "three logistic regressions.",
)
@click.option(
    "--scale", is_flag=True, help="Standardise the features in front of the head."
)
@random_state_option
@cache_options
@embedder_options
@classifier_options
def train(
    place: str,
    out: Path,
    force: bool,
    report: Path | None,
    test_size: float,
    group_by: str | None,
    on_error: str,
    head: str,
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

    A folder of features, as `skresnet embed` writes them to Parquet files, may take the
    place of pictures. They may be more than memory holds. The model predicts pictures.
    """
    from skresnet.datasets.features import are_features

    outputs = [out, report] if report else [out]
    check_outputs(outputs, force=force)
    check_safe_files(out)
    if report:
        check_drawing()
    source, params = source_of(place, params)
    stored = are_features(source.place)
    if stored:
        refuse_options_of_pictures(place, "network", "report", "group_by", "cache")
    params = checked_embedder(params)
    if head == "logistic":
        params = _without_dense(params, search)
    if stored:
        of_head = {n: v for n, v in params.items() if n.startswith("classifier__")}
        model = _new_model(head, None, scale, random_state, of_head)
        features = load_feature_parts(source.place, test_size, random_state)
        _train_on_features(place, features, model, search, random_state, out, force)
        return
    folder_of_cache = chosen_cache(cache, no_cache)
    parts = load_parts(source, test_size, random_state, group_by)
    if len(names := set(parts.train.classes.tolist())) < 2:
        raise click.ClickException(
            f"{place} has pictures of one class to train on, {listed_classes(names)}; "
            "expected a folder, or rows of a table, for each of two classes at least."
        )
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
        outputs, [place, *parts.paths(), *files_in(folder_of_cache, **params)]
    )
    _describe(place, parts)
    say(f"Cache: {folder_of_cache or 'none'}", wrap=False)
    model = _new_model(head, folder_of_cache, scale, random_state, params)

    embedder, behind = fitted(model["embedder"]), model[1:]
    if on_error == "raise" and parts.val:
        check_headers(parts.val.paths, embedder.n_jobs)
    rows, train_part, embedded = embed_part(embedder, parts.train, on_error)
    embedder._remember(embedded, parts.train.groups)
    metadata = {"groups": train_part.groups}
    if parts.val:
        val_rows, val_part, _ = embed_part(embedder, parts.val, on_error)
        metadata = {"X_val": val_rows, "y_val": val_part.classes}
    if search:
        behind = _searched(behind, rows, train_part, random_state)
        model.steps[1:] = behind.steps
    _fit(behind, rows, train_part.classes, metadata)
    # First of all that follows: nothing that fails from here on costs the model.
    save_model(model, out, force=force)
    say(f"Model: {out}", wrap=False)
    again = ["--no-cache"] if no_cache else ["--cache", cache] if cache else []
    if parts.test is None:
        first = source.words_for_picture(parts.train.paths[0])
        say_next(("predict", out, *first, *again))
        return
    if test_list:
        _list_test(
            test_list, source.listed(parts.test.paths), parts.test.classes, force
        )
    predictions = tested(model, parts.test, "skip")
    for line in seen_lines(predictions):
        say(line)
    _tell_test(predictions)
    if report:
        write_report(model, predictions, report, force=force)
        say(f"Report: {report}", wrap=False)
    picture = first_readable(parts.test.paths, predictions.failures)
    predict = ("predict", out, *source.words_for_picture(picture), *again)
    if predictions.failures:
        again += ["--on-error", "skip"]
    tested_on = [test_list, *source.words_for_list] if test_list else source.words
    say_next(("evaluate", out, *tested_on, *again), predict)
    if predictions.failures and on_error == "raise":
        raise click.exceptions.Exit(SOME_UNREADABLE)


def _train_on_features(
    place: str,
    parts: FeatureParts,
    model: Any,
    search: bool,
    random_state: int,
    out: Path,
    force: bool,
) -> None:
    """Train what is behind the embedder on stored rows, and test it on others."""
    from skresnet.evaluation import Predictions
    from skresnet.head.blocks import BUFFER_BYTES

    rows, pictures = parts.train
    test_list = beside(out, ".test.csv") if parts.test_was_set_aside else None
    outputs = [path for path in (out, test_list) if path]
    check_outputs(outputs, force=force)
    check_not_inputs(outputs, [place, *Path(place).iterdir()])
    if out.suffix == ".parquet":
        raise click.ClickException(
            f"{out}: features have such names; choose one that ends in .joblib or "
            ".skops for the model."
        )
    if not isinstance(rows, np.ndarray) and (search or len(model) > 2):
        if rows.nbytes > BUFFER_BYTES:
            raise click.UsageError(
                f"{rows.nbytes / 1e9:.1f} GB of features are trained on block by "
                "block, which only the dense network can: leave out --search, --scale "
                "and --head logistic."
            )
        rows = rows.compute()
    _describe(place, parts.pictures)
    model.steps[0] = ("embedder", embedder_of(parts.embedder))
    metadata: dict[str, Any] = {"groups": pictures.groups}
    if parts.val:
        metadata = {"X_val": parts.val.rows, "y_val": parts.val.pictures.classes}
    behind = model[1:]
    if search:
        behind = _searched(behind, rows, pictures, random_state)
        model.steps[1:] = behind.steps
    _fit(behind, rows, pictures.classes, metadata)
    save_model(model, out, force=force)
    say(f"Model: {out}", wrap=False)
    if parts.test is None:
        return
    tested_on: list[Any] = [Path(place)]
    paths, classes, _ = parts.test.pictures
    if test_list:
        _list_test(test_list, paths.tolist(), classes.tolist(), force)
        tested_on = [test_list]
    probabilities = np.asarray(model[1:].predict_proba(parts.test.rows))
    _tell_test(
        Predictions.from_probabilities(paths, classes, probabilities, model.classes_)
    )
    say_next(("evaluate", out, *tested_on))


def _list_test(
    path: Path, places: Iterable[Any], classes: Iterable[str], force: bool
) -> None:
    """Write which pictures were set aside for the test."""
    with (
        writing(path, force=force) as (unfinished,),
        list_writer(unfinished) as append,
    ):
        append(zip(places, classes, strict=True))
    say(f"Test pictures: {path}", wrap=False)


def _tell_test(predictions: Predictions) -> None:
    say(
        f"Test: accuracy {predictions.accuracy:.4f}, loss {predictions.loss:.4f} "
        f"({len(predictions.pictures)} pictures)"
    )
    for line in confusion_lines("Confused most", predictions, 1, Fit(None)):
        say(line)


def _without_dense(params: dict[str, Any], search: bool) -> dict[str, Any]:
    """Leave out the parameters of the dense network; refuse those that were given."""
    if search:
        raise click.UsageError(
            "--search chooses the head itself: leave out --head logistic."
        )
    context = click.get_current_context()
    dense = [name for name in params if name.startswith("classifier__")]
    dense.remove("classifier__class_weight")
    for name in dense:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            [option] = (o for o in context.command.params if o.name == name)
            raise click.UsageError(
                f"{option.opts[0]} is of the dense network: leave it out, or "
                "--head logistic."
            )
    return {name: value for name, value in params.items() if name not in dense}


def _new_model(
    head: str,
    cache: Path | None,
    scale: bool,
    random_state: int,
    params: dict[str, Any],
) -> Any:
    from sklearn.preprocessing import StandardScaler

    from skresnet import make_image_classifier

    model = make_image_classifier(
        classifier=_logistic(0.01) if head == "logistic" else None,
        cache=cache,
        random_state=random_state,
        embedder__verbose=int(sys.stderr.isatty()),
        **params,
    )
    if scale or head == "logistic":
        model.steps.insert(1, ("scaler", StandardScaler()))
    return model


def _describe(source: str, parts: Parts) -> None:
    counts = ", ".join(
        f"{name} {len(part.paths)}"
        for name, part in zip(("train", "val", "test"), parts, strict=False)
        if isinstance(part, Part)
    )
    names = set(parts.train.classes.tolist())
    say(f"Pictures: {source} ({counts})")
    say(f"Classes: {len(names)} ({listed_classes(names, 20)})")


def _logistic(C: float, class_weight: Any = None) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, class_weight=class_weight, max_iter=1000)


class _FitsShown:
    """Moves a bar at each fit of a search, as a callback of scikit-learn's."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing: the bar is there."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing: only the end of a fit moves the bar."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Count the fit; the tasks around it are no fits."""
        if context.task_name == "candidate-split-evaluation":
            self._bar.update()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing: the bar goes with the search."""


def _searched(behind: Any, rows: np.ndarray, part: Part, seed: int) -> Any:
    """Return what is behind the embedder with the best of six heads.

    They are the given one with its learning rate, a third and three times as much, and
    logistic regressions of three strengths on standardised features, compared by their
    accuracy in 3 stratified folds. Of equal ones, that of the least loss is the best.
    """
    from sklearn.exceptions import FitFailedWarning
    from sklearn.model_selection import (
        GridSearchCV,
        ParameterGrid,
        StratifiedGroupKFold,
        StratifiedKFold,
    )
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    from skresnet.progress import Bar

    start_tensorflow()
    *scaler, (_, dense) = behind.steps
    behind = Pipeline([*(scaler or [("scaler", "passthrough")]), ("classifier", dense)])
    folds = StratifiedKFold if part.groups is None else StratifiedGroupKFold
    rate = dense.learning_rate
    logistic = [_logistic(C, dense.class_weight) for C in (0.001, 0.01, 0.1)]
    heads = [
        {"classifier__learning_rate": [rate / 3, rate, rate * 3]},
        {"scaler": [StandardScaler()], "classifier": logistic},
    ]
    search = GridSearchCV(
        behind,
        heads,
        scoring=["accuracy", "neg_log_loss"],
        cv=folds(_FOLDS, shuffle=True, random_state=seed),
        refit=False,
    )
    n_fits = len(ParameterGrid(heads)) * _FOLDS
    with (
        warnings.catch_warnings(),
        Bar(total=n_fits, desc="search", unit="fit", disable=None, leave=False) as bar,
    ):
        search.set_callbacks(_FitsShown(bar))
        # A training that diverged has no score, which the table says.
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.filterwarnings("ignore", "One or more of the test scores")
        search.fit(rows, part.classes, groups=part.groups)
    candidates = search.cv_results_["params"]
    accuracies, negative_losses = (
        search.cv_results_[f"mean_test_{score}"] for score in search.scoring
    )
    best = max(
        range(len(candidates)),
        key=lambda i: (
            np.nan_to_num(accuracies[i], nan=-1),
            np.nan_to_num(negative_losses[i], nan=-np.inf),
        ),
    )
    titles = [_title(params) for params in candidates]
    width = max(map(len, titles))
    say(f"{'head':{width}}  accuracy      loss")
    for i, title in enumerate(titles):
        result = (
            " diverged"
            if np.isnan(accuracies[i])
            else f"{accuracies[i]:8.4f}  {-negative_losses[i]:8.4f}"
        )
        marked = "  <- best" if i == best else ""
        say(f"{title:{width}}  {result}{marked}")
    behind.set_params(**candidates[best])
    say(f"Head: {titles[best]}")
    return Pipeline([step for step in behind.steps if step[1] != "passthrough"])


def _title(params: dict[str, Any]) -> str:
    if "classifier" in params:
        return f"logistic regression, C={params['classifier'].C:g}"
    return f"dense, learning rate {params['classifier__learning_rate']:.4g}"


def _fit(
    behind: Any, rows: np.ndarray, classes: np.ndarray, metadata: dict[str, Any]
) -> None:
    """Fit the steps behind the embedder and say which epoch was the best."""
    import sklearn

    from skresnet.progress import shown_by_command

    classifier = behind[-1]
    if not hasattr(classifier, "epochs"):
        if "X_val" in metadata:
            say(f"The val pictures are of no use to a {type(classifier).__name__}.")
        behind.fit(rows, classes)
        return
    start_tensorflow()
    classifier.set_params(verbose=1)
    # What a bar leaves is said below to all, also where there was none.
    with (
        shown_by_command(lines=False),
        sklearn.config_context(enable_metadata_routing=True),
    ):
        behind.fit(rows, classes, **metadata)
    classifier.set_params(verbose=0)  # which is of the run, not of the model
    say(f"Best: {best_epoch(classifier)}")
    if classifier.refit and classifier.validation_indices_ is not None:
        say(
            f"Trained again on all {len(rows)} pictures, for "
            f"{classifier.best_epoch_ + 1} epochs"
        )

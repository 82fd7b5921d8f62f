"""Models in files, and what is said about them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from skresnet.cli.outputs import writing
from skresnet.cli.pictures import Part, embed_part

if TYPE_CHECKING:
    from skresnet.cli.terminal import Fit
    from skresnet.comparison import Earlier
    from skresnet.evaluation import Predictions

_OF_THE_RUN = ("cache", "n_jobs", "on_error", "verbose")


def start_tensorflow() -> None:
    """Import TensorFlow without the lines that it logs while it starts.

    Version 2.21 writes them straight to the file of standard error whatever
    ``TF_CPP_MIN_LOG_LEVEL`` says, among them an error that there is no GPU. An
    import that fails raises as ever.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # what is logged later
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs, and says what it finds
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def start_engine(embedder: Any) -> None:
    """Import what computes the network of a fitted embedder, quietly.

    Where that is OpenVINO, nothing here needs TensorFlow, whose import takes seconds.
    """
    if embedder._backbone.on_this_machine().engine == "tensorflow":
        start_tensorflow()


def fitted(embedder: Any, *, computes: bool = True) -> Any:
    """Fit an embedder, which looks for its weights, and start what computes it here."""
    from skresnet import ResNet50Embedder, WeightsUnavailableError
    from skresnet.weights.imagenet import imagenet_path

    is_published = isinstance(embedder, ResNet50Embedder)
    if is_published and embedder.weights == "imagenet" and not imagenet_path().exists():
        start_tensorflow()  # Keras downloads them
    try:
        embedder.fit(["any.png"])
    except WeightsUnavailableError as error:
        raise click.ClickException(
            f"{error}\nOn the command line that is --network efficientnet_lite0, "
            "--weights distilled, --weights FILE or --weights random."
        ) from error
    if computes:
        start_engine(embedder)
    return embedder


def is_safe(path: Path) -> bool:
    """Tell by its name whether a file of a model runs no code when it is read."""
    return path.suffix.lower() == ".skops"


def load_model(path: Path) -> Any:
    """Load a Pipeline from a file, one of skops by its ending and else of joblib.

    Raises
    ------
    click.ClickException
        If there is no file, nothing that can be loaded, or no classifier of pictures.
    """
    if not path.is_file():
        raise click.ClickException(
            f"There is no model {path}: expected a file that `skresnet train`, "
            "save_model or joblib.dump has written."
        )
    if is_safe(path):
        check_safe_files(path)
        from skresnet import load_model as load_safely

        return _classifier_in(load_safely(path), path)  # its errors name the file
    import joblib

    try:
        model = joblib.load(path)
    except Exception as error:
        # Bytes that are no pickle make it raise nearly anything, which may quote them.
        missing = f": {error}" if isinstance(error, ImportError) else ""
        raise click.ClickException(
            f"{path} cannot be loaded as a model ({type(error).__name__}{missing}). "
            "Expected a file that `skresnet train` or joblib.dump has written, with "
            "the versions of skresnet and scikit-learn that are installed here; "
            "otherwise train again."
        ) from error
    return _classifier_in(model, path)


def check_safe_files(path: Path) -> None:
    """Miss skops where a file of it is read or written, before any work is done."""
    if is_safe(path) and find_spec("skops") is None:
        raise click.ClickException(
            f"{path} is a file of skops, which is not installed: python -m pip install "
            "'skresnet[skops]', or use a name that ends in .joblib."
        )


def _classifier_in(model: Any, path: Path) -> Any:
    """Return the Pipeline that a model is, or that a search has found."""
    from skresnet.image_embedder import ImageEmbedder

    model = getattr(model, "best_estimator_", model)
    steps = getattr(model, "named_steps", {})
    if not (
        isinstance(steps.get("embedder"), ImageEmbedder)
        and hasattr(steps["embedder"], "weights_")
        and hasattr(model, "predict_proba")
        and hasattr(model, "classes_")
    ):
        raise click.ClickException(
            f"{path} holds a {type(model).__name__}, expected a fitted Pipeline as "
            "make_image_classifier makes it, whose first step is called 'embedder' "
            "and whose last one predicts probabilities."
        )
    return model


def tested(model: Any, part: Part, on_error: str) -> Predictions:
    """Let a fitted Pipeline predict pictures whose classes are known."""
    from skresnet.evaluation import Predictions

    embedder = model["embedder"]
    given = part
    rows, part, embedded = embed_part(embedder, given, on_error)
    predictions = Predictions.from_probabilities(
        part.paths, part.classes, model[1:].predict_proba(rows), model.classes_
    )
    seen, readable = embedder.seen_, embedded.readable
    return replace(
        predictions,
        failures=embedded.failures,
        recognised=seen.recognise(embedded, given.groups).at(readable),
        novelty=None
        if seen.detector is None
        else seen.novelty(embedded, false_alarm_rate=0.01)[readable],
        digests=[embedded.digests[position] for position in readable],
    )


def seen_lines(predictions: Predictions) -> list[str]:
    """Name the test pictures that were trained on, and give the accuracy without."""
    from skresnet.text import counted, listed

    found = predictions.recognised
    n_pictures = len(predictions.pictures)

    def line(are_meant: np.ndarray, words: str) -> str:
        pairs = zip(predictions.pictures, are_meant, strict=True)
        names = {str(picture.path) for picture, is_meant in pairs if is_meant}
        return (
            f"{np.count_nonzero(are_meant)} of {counted(n_pictures, 'picture')} "
            f"{words}: {listed(names, 5)}"
        )

    lines = []
    if found is not None:
        for are_meant, words in (
            (found.are_copies, "were trained on, byte for byte"),
            (found.are_near, "are nearly the same as one that was trained on"),
            (found.are_related, "show a subject that was trained on"),
        ):
            if are_meant.any():
                lines.append(line(are_meant, words))
    others = predictions.others
    if lines and others.pictures:
        lines.append(
            f"Accuracy on the others: {others.accuracy:.4f} "
            f"({counted(len(others.pictures), 'picture')})"
        )
    if predictions.novelty is not None and (predictions.novelty > 1).any():
        unlike = "are unlike all that was trained on (1% would be so by chance)"
        lines.append(line(predictions.novelty > 1, unlike))
    return lines


def class_names(predictions: Predictions, fit: Fit) -> dict[Any, str]:
    """Write the names of all classes as tables have them."""
    return fit.names(np.unique([*predictions.classes, *predictions.y_true]).tolist())


def confusion_lines(
    what: str, predictions: Predictions, at_most: int, fit: Fit
) -> list[str]:
    """Say which classes were taken for which other ones, by the names in tables."""
    from skresnet.evaluation import Confusion

    names = class_names(predictions, fit)
    return [
        fit.row(f"{what}: {Confusion(names[true], names[predicted], *counts)}", "  ")
        for true, predicted, *counts in predictions.confusions(at_most)
    ]


def check_drawing() -> None:
    """Miss what reports need now, not after the work."""
    from skresnet.report import check_report_support

    try:
        check_report_support("--report")
    except ImportError as error:
        raise click.ClickException(str(error)) from error


def write_report(
    model: Any,
    predictions: Predictions,
    path: Path,
    *,
    earlier: Sequence[Earlier] = (),
    force: bool,
) -> None:
    """Write a page of HTML on what a model makes of the test pictures."""
    from skresnet.report import report_on

    with writing(path, force=force) as (unfinished,):
        report_on(model, predictions, earlier=earlier).save(unfinished)


def save_model(model: Any, path: Path, *, force: bool) -> None:
    """Write a Pipeline, without what only concerned the run that made it.

    The ending of the name decides whether skops or joblib writes it, and how joblib
    compresses it.

    Raises
    ------
    click.ClickException
        If the model had to be written elsewhere; the message says where.
    """
    dump: Callable[[Any, Path], Any]
    if is_safe(path):
        from skresnet import save_model

        dump = save_model
    else:
        import joblib

        dump = joblib.dump
    embedder = model["embedder"]
    of_the_run = {name: getattr(embedder, name) for name in _OF_THE_RUN}
    defaults = type(embedder)().get_params()
    embedder.set_params(**{name: defaults[name] for name in _OF_THE_RUN})
    try:
        with writing(path, force=force) as (unfinished,):
            dump(model, unfinished)
    except OSError as error:
        # The disk is full by now, or the folder is gone.
        elsewhere = Path(tempfile.mkdtemp(prefix="skresnet-")) / path.name
        dump(model, elsewhere)
        raise click.ClickException(
            f"{path} cannot be written: {error}. The model lies in {elsewhere}; move "
            "it to where there is room."
        ) from error
    finally:
        embedder.set_params(**of_the_run)


def best_epoch(classifier: Any) -> str:
    """Describe the epoch whose weights were kept."""
    history, best = classifier.history_, classifier.best_epoch_
    kind = "validation" if "val_accuracy" in history else "training"
    accuracy = history["val_accuracy" if kind == "validation" else "accuracy"][best]
    return f"epoch {best + 1} of {len(history['loss'])}, {kind} accuracy {accuracy:.4f}"

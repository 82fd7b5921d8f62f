"""The numbers of a report: plain values, which the template puts into words."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from skresnet.base import installed_version
from skresnet.classifier import DenseSGDClassifier
from skresnet.displays.thumbnails import thumbnails
from skresnet.evaluation import Predictions, label_issues
from skresnet.image_embedder import ImageEmbedder
from skresnet.inspection import known_layers, maps_of
from skresnet.reading import Failure, Picture, Resizing, read_all
from skresnet.report.charts import EmbeddedPicture, under_map
from skresnet.text import picture_names, shared_folder

_MOST_EXAMPLES = 60
_EXAMPLES_A_CLASS = 6
_EXAMPLE_SIDE = 144
_MISTAKE_SIDE = 360
_MOST_FAILURES = 50
_MOST_NAMED = 8
_MOST_IN_MATRIX = 20
_MOST_CONFUSIONS = 25
N_BINS = 10

_PACKAGES = ("skresnet", "scikit-learn", "tensorflow", "keras", "numpy", "pillow")
_EMBEDDER_PARAMS = (
    "layer",
    "pooling",
    "input_size",
    "interpolation",
    "aspect",
    "preprocessing",
    "precision",
)
_HEAD_PARAMS = (
    "hidden_layer_sizes",
    "activation",
    "dropout",
    "learning_rate",
    "momentum",
    "batch_size",
    "class_weight",
    "random_state",
)
_WEIGHTS = {
    "imagenet": "ImageNet, as Keras publishes them",
    "distilled": "distilled, as they come with skresnet",
    "lite0": "ImageNet, as they are installed with skresnet",
    "file": "from a file",
    "random": "random, never trained",
}


# Maps what in a picture speaks for a label.
Explain = Callable[[Picture, Any], np.ndarray]


class Fact(NamedTuple):
    """A line of a list of facts; code is set in the letters of code."""

    term: str
    value: Any
    is_code: bool = False


def accuracy(predictions: Predictions) -> dict[str, Any]:
    """Count what is right, and what always guessing the same would be."""
    right, n_pictures = int(predictions.is_right.sum()), len(predictions.pictures)
    labels, counts = np.unique(predictions.y_true, return_counts=True)
    low, high = accuracy_interval(right, n_pictures)
    return {
        "right": right,
        "share": right / n_pictures,
        "low": low,
        "high": high,
        "most_frequent": labels[counts.argmax()],
        "baseline": counts.max() / n_pictures,
        "others": predictions.others.is_right,
        "recognised": _recognised(predictions),
    }


def _recognised(predictions: Predictions) -> list[tuple[str, int, list[str]]]:
    """Count and name the pictures that are related to the training, by kind."""
    if predictions.recognised is None:
        return []
    names = np.array(picture_names(predictions.pictures), object)
    return [
        (kind, int(are_meant.sum()), names[are_meant][:_MOST_NAMED].tolist())
        for kind, are_meant in predictions.recognised._asdict().items()
        if are_meant.any()
    ]


def accuracy_interval(right: int, n_pictures: int) -> tuple[float, float]:
    """Compute the 95% Wilson score interval of an accuracy.

    Parameters
    ----------
    right : int
        Pictures that were given their label.

    n_pictures : int
        All pictures.

    Returns
    -------
    low, high : float
        Between 0 and 1 (Wilson, 1927).
    """
    interval = binomtest(right, n_pictures).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def data(
    predictions: Predictions, random_state: Any, resizing: Resizing | None
) -> dict[str, Any]:
    """Count the pictures of each class, and choose some to look at."""
    labels, counts = np.unique(predictions.y_true, return_counts=True)
    n_examples = min(_EXAMPLES_A_CLASS, max(1, _MOST_EXAMPLES // len(labels)))
    generator = check_random_state(random_state)
    classes: list[tuple[Any, int, float, list[EmbeddedPicture]]] = []
    for label, count in zip(labels, counts, strict=True):
        rows = np.flatnonzero(predictions.y_true == label)
        chosen = np.sort(generator.permutation(rows)[:n_examples])
        if len(classes) >= _MOST_EXAMPLES:
            chosen = chosen[:0]
        pictures = [predictions.pictures[row] for row in chosen]
        examples = [
            EmbeddedPicture.of(made)
            for made in thumbnails(pictures, _EXAMPLE_SIDE, resizing)
            if not isinstance(made, Failure)
        ]
        classes.append((label, int(count), count / counts.max(), examples))
    known, given = predictions.classes.tolist(), labels.tolist()
    unlike = _unlike(predictions.novelty)
    names = picture_names(predictions.pictures)
    failures = predictions.failures
    return {
        "classes": classes,
        "unknown": [label for label in given if label not in known],
        "missing": [label for label in known if label not in given],
        "n_unlike": len(unlike),
        "unlike": [names[row] for row in unlike[:_MOST_NAMED]],
        "n_failures": len(failures),
        "failures": [
            (called, failure.cause)
            for called, failure in zip(picture_names(failures), failures, strict=True)
        ][:_MOST_FAILURES],
    }


def _unlike(novelty: np.ndarray | None) -> np.ndarray:
    """Find the pictures that are unlike all of the training, the most unlike first."""
    if novelty is None:
        return np.empty(0, np.intp)
    order = np.argsort(-novelty, kind="stable")
    return order[novelty[order] > 1]


def scores(predictions: Predictions) -> dict[str, Any]:
    """Compute precision, recall and F1 of each class, and which are confused."""
    labels = np.unique(np.concatenate([predictions.classes, predictions.y_true]))
    precision, recall, f1, counts = precision_recall_fscore_support(
        predictions.y_true, predictions.y_pred, labels=labels, zero_division=np.nan
    )
    matrix = None
    if len(labels) <= _MOST_IN_MATRIX:
        cells = confusion_matrix(predictions.y_true, predictions.y_pred, labels=labels)
        shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
        matrix = [
            (label, list(zip(row.tolist(), row_shares.tolist(), strict=True)))
            for label, row, row_shares in zip(labels, cells, shares, strict=True)
        ]
    return {
        "rows": list(zip(labels, precision, recall, f1, counts.tolist(), strict=True)),
        "means": [np.nanmean(values) for values in (precision, recall, f1)],
        "labels": labels,
        "matrix": matrix,
        "confusions": predictions.confusions(_MOST_CONFUSIONS),
    }


def mistakes(
    predictions: Predictions,
    n_mistakes: int,
    resizing: Resizing | None,
    explain: Explain | None = None,
) -> dict[str, Any]:
    """Take the most confident mistakes, with the pictures as the network saw them.

    With ``explain``, each has a map of what speaks for its predicted class.
    """
    rows = predictions.most_confident_mistakes(n_mistakes)
    columns = {label: i for i, label in enumerate(predictions.classes.tolist())}
    shown = []
    for row, known in zip(
        rows, _looks(predictions, rows, resizing, explain), strict=True
    ):
        column = columns.get(predictions.y_true[row])
        known |= {
            "confidence": float(predictions.confidence[row]),
            "own": None
            if column is None
            else float(predictions.probabilities[row, column]),
        }
        shown.append(known)
    return {
        "n_all": int((~predictions.is_right).sum()),
        "shown": shown,
        "explained": explain is not None,
    }


def doubts(
    predictions: Predictions, n_doubts: int, resizing: Resizing | None
) -> dict[str, Any]:
    """Take the labels that confident learning doubts, the most doubtful first."""
    if find_spec("cleanlab") is None:
        return {"are_known": False, "n_all": 0, "shown": []}
    # Of pictures that were trained on, the model says what it was told.
    rows = np.flatnonzero(
        predictions.are_new & np.isin(predictions.y_true, predictions.classes)
    )
    present = np.unique(predictions.y_true[rows])
    if len(present) < 2:
        return {"are_known": True, "n_all": 0, "shown": []}
    columns = np.searchsorted(predictions.classes, present)
    probabilities = predictions.probabilities[np.ix_(rows, columns)]
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    found = label_issues(predictions.y_true[rows], probabilities)
    chosen = found[:n_doubts]
    positions = rows[[issue.position for issue in chosen]] if chosen else rows[:0]
    shown = [
        known | {"suggested": issue.suggested, "own": issue.probability}
        for issue, known in zip(
            chosen, _looks(predictions, positions, resizing), strict=True
        )
    ]
    return {"are_known": True, "n_all": len(found), "shown": shown}


def explanation(model: Any) -> Explain | None:
    """Find how to map what speaks for a class, where it costs one pass a picture."""
    steps = [step for _, step in steps_of(model)]
    if not (isinstance(model, Pipeline) and isinstance(steps[0], ImageEmbedder)):
        return None
    layers = known_layers(model)
    if layers is None:
        return None
    places = {label: place for place, label in enumerate(model.classes_.tolist())}

    def explain(picture: Picture, label: Any) -> np.ndarray:
        image = read_all([picture], steps[0]._resizing)
        return maps_of(model, image, np.array([places[label]]), layers)[0][0]

    return explain


def _looks(
    predictions: Predictions,
    rows: np.ndarray,
    resizing: Resizing | None,
    explain: Explain | None = None,
) -> list[dict[str, Any]]:
    """Name some pictures, and take them as the network saw them."""
    pictures = [predictions.pictures[row] for row in rows]
    made_of = thumbnails(pictures, _MISTAKE_SIDE, resizing)
    looks = []
    for row, name, picture, made in zip(
        rows, picture_names(pictures), pictures, made_of, strict=True
    ):
        known: dict[str, Any] = {
            "name": name,
            "picture": None,
            "cause": None,
            "map": None,
            "true": predictions.y_true[row],
            "predicted": predictions.y_pred[row],
        }
        if isinstance(made, Failure):
            known["cause"] = made.cause
        else:
            known["picture"] = EmbeddedPicture.of(made)
            if explain:
                mapped = under_map(made, explain(picture, known["predicted"]))
                known["map"] = EmbeddedPicture.of(mapped)
        looks.append(known)
    return looks


def reliability(
    is_right: np.ndarray, confidence: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort predictions into bins of equal width by their confidence.

    Parameters
    ----------
    is_right : ndarray of bool of shape (n_samples,)
        Whether the predicted label is the true one.

    confidence : ndarray of shape (n_samples,)
        Probability of the predicted label.

    Returns
    -------
    right, mean, counts : ndarray of shape (n_filled_bins,)
        Share that is right, mean confidence, and number of predictions of each bin
        that is not empty, as of `sklearn.calibration.calibration_curve`.
    """
    right, mean = calibration_curve(is_right, confidence, n_bins=N_BINS)
    edges = np.linspace(0, 1, N_BINS + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], confidence))
    return right, mean, counts[counts > 0]


def calibration_error(is_right: np.ndarray, confidence: np.ndarray) -> float:
    """Compute the expected calibration error of the predicted labels.

    The mean over the bins of `reliability` of the distance between the share that is
    right and the mean confidence, weighted by the number of predictions (Naeini,
    Cooper and Hauskrecht, 2015).
    """
    right, mean, counts = reliability(is_right, confidence)
    return float(np.average(np.abs(right - mean), weights=counts))


def steps_of(model: Any) -> list[tuple[str, Any]]:
    """List the steps of a Pipeline, or a model as its only step."""
    return model.steps if isinstance(model, Pipeline) else [("model", model)]


def resizing_of(model: Any) -> Resizing | None:
    """Find how a model brings pictures to size; None where it does not say."""
    for _, step in steps_of(model):
        if isinstance(step, ImageEmbedder):
            return step._resizing
    return None


def subject(model: Any, predictions: Predictions) -> str:
    """Name the model, by its first and last step, and the pictures."""
    steps = [step for _, step in steps_of(model)]
    names = [network_of(step) for step in dict.fromkeys((steps[0], steps[-1]))]
    # The whole path would tell strangers how the owner's folders are called.
    folder = "/".join(Path(shared_folder(predictions.pictures)).parts[-2:])
    pictures = "picture" if len(predictions.pictures) == 1 else "pictures"
    on = folder.strip("/") or f"{len(predictions.pictures):,} {pictures}"
    return f"{' and '.join(names)} on {on}"


def network_of(step: Any) -> str:
    """Name the network of an embedder, or the class of another estimator."""
    return type(step).__name__.removesuffix("Embedder")


def training(model: Any) -> dict[str, list[Fact]]:
    """Say what each step is and how it was trained, and with which versions."""
    facts = {}
    for name, step in steps_of(model):
        if isinstance(step, ImageEmbedder):
            facts[name] = _embedder_facts(step)
        elif isinstance(step, DenseSGDClassifier):
            facts[name] = _head_facts(step)
        else:
            facts[name] = [Fact("estimator", repr(step), is_code=True)]
    facts["software"] = [
        Fact("Python", platform.python_version()),
        *(Fact(package, installed_version(package)) for package in _PACKAGES),
    ]
    return facts


def _embedder_facts(embedder: ImageEmbedder) -> list[Fact]:
    weights = embedder.weights_
    return [
        Fact("network", network_of(embedder)),
        Fact("weights", _WEIGHTS.get(weights.name, weights.name)),
        Fact("seed", weights.seed, is_code=True)
        if weights.name == "random"
        else Fact("SHA-256 of the weights", weights.digest, is_code=True),
        *_params(embedder, _EMBEDDER_PARAMS),
    ]


def _head_facts(head: DenseSGDClassifier) -> list[Fact]:
    # Without validation rows, the classifier reads val_accuracy as accuracy.
    monitor = head.monitor
    monitor = monitor if monitor in head.history_ else monitor.removeprefix("val_")
    facts = [
        Fact("network", "dense layers and a softmax, trained with SGD"),
        Fact(
            "best epoch",
            f"{head.best_epoch_ + 1} of {len(head.history_['loss'])}, with a "
            f"{monitor} of {head.best_score_:.4f}",
        ),
    ]
    if head.validation_indices_ is not None:
        n_rows = len(head.validation_indices_)
        pictures = "picture" if n_rows == 1 else "pictures"
        facts.append(Fact("set aside for validation", f"{n_rows:,} {pictures}"))
    return facts + _params(head, _HEAD_PARAMS)


def _params(estimator: Any, names: tuple[str, ...]) -> list[Fact]:
    params = estimator.get_params(deep=False)
    return [Fact(name.replace("_", " "), params[name]) for name in names]

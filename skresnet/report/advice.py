"""What to try next: advice that the numbers of a report give reason for."""

from __future__ import annotations

from typing import Any

import numpy as np

from skresnet.evaluation import Predictions
from skresnet.report.numbers import accuracy, accuracy_interval, steps_of

_MOST = 3  # pairs of classes, or classes, to give advice on
_CONFUSED = 0.1  # of the pictures of two classes
_SURE = 0.9
_GAP = 0.15  # between the accuracy of training and of validation
_STANDSTILL = 0.98  # of a validation loss; above this share of it, nothing improves
_WIDE = 0.1  # interval of the accuracy


def advice(model: Any, predictions: Predictions) -> dict[str, Any]:
    """Find what the numbers advise.

    Returns
    -------
    found : dict
        What there may be reason to advise, with the numbers that it rests on or what
        is false; empty if there is reason for none of it. The template puts it into
        words, in its order.
    """
    known = accuracy(predictions)
    width = known["high"] - known["low"]
    first, last = (steps_of(model)[i][1] for i in (0, -1))
    weights = getattr(first, "weights_", None)
    found = {
        "untrained": getattr(weights, "name", None) == "random",
        "no_better": known["low"] <= known["baseline"] < 1,
        "sure": int((predictions.confidence[~predictions.is_right] >= _SURE).sum()),
        "confused": _confused(predictions),
        "weak": _weak(predictions),
        **_learning(last),
        "overconfident": predictions.confidence.mean() > known["high"],
        "uncertain": f"{100 * width:.0f}" if width > _WIDE else None,
    }
    return found if any(found.values()) else {}


def _confused(predictions: Predictions) -> list[tuple[Any, Any, int, int]]:
    """Find pairs of classes of which many pictures are taken for the other one."""
    labels, counts = np.unique(predictions.y_true, return_counts=True)
    totals = dict(zip(labels.tolist(), counts.tolist(), strict=True))
    # A class that the model does not know asks for other advice.
    pairs: dict[tuple[Any, Any], int] = {}
    for confusion in predictions.confusions(len(predictions.pictures)):
        if confusion.true in predictions.classes:
            pair = tuple(sorted((confusion.true, confusion.predicted)))
            pairs[pair] = pairs.get(pair, 0) + confusion.n_taken
    found = [
        (*pair, n_taken, totals.get(pair[0], 0) + totals.get(pair[1], 0))
        for pair, n_taken in sorted(pairs.items(), key=lambda item: -item[1])[:_MOST]
    ]
    return [one for one in found if one[2] > 1 and one[2] >= _CONFUSED * one[3]]


def _weak(predictions: Predictions) -> list[tuple[Any, float]]:
    """Find classes that are recognised less often than chance would explain."""
    found = []
    for label in predictions.classes:
        is_right = predictions.is_right[predictions.y_true == label]
        if is_right.size:
            high = accuracy_interval(int(is_right.sum()), is_right.size)[1]
            if high < predictions.accuracy:
                found.append((label, float(is_right.mean())))
    return sorted(found, key=lambda one: one[1])[:_MOST]


def _learning(last: Any) -> dict[str, Any]:
    """Tell a training that was too short, or that learned its pictures by heart."""
    history = getattr(last, "history_", {})
    if "val_accuracy" not in history:
        return {"overfitted": None, "too_short": None}
    n_epochs, best = len(history["loss"]), last.best_epoch_
    training, validation = history["accuracy"][best], history["val_accuracy"][best]
    overfitted = training - validation > _GAP
    # What still got better in the last quarter would have gone on.
    loss = history["val_loss"]
    improving = loss[best] < _STANDSTILL * min(loss[: max(1, 3 * n_epochs // 4)])
    too_short = best == n_epochs - 1 and improving and not overfitted
    return {
        "overfitted": (training, validation) if overfitted else None,
        "too_short": n_epochs if too_short else None,
    }

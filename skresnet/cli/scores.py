"""How good predictions are, in words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Scores(NamedTuple):
    """What a model says about pictures whose classes are known."""

    loss: float
    accuracy: float
    predicted: np.ndarray


def scores_of(head: Any, features: np.ndarray, classes: np.ndarray) -> Scores:
    """Compute the mean cross-entropy (natural logarithm) and the accuracy."""
    from sklearn.metrics import accuracy_score, log_loss

    from skresnet.text import listed

    known = [str(name) for name in head.classes_]
    unknown = set(map(str, classes)) - set(known)
    if unknown:
        raise ValueError(
            f"The model does not know the classes {listed(unknown)}; it "
            f"was trained on {listed(known)}. Take these "
            "folders away, rename them, or train again."
        )
    probabilities = head.predict_proba(features)
    predicted = head.classes_[probabilities.argmax(axis=1)]
    return Scores(
        log_loss(classes, probabilities, labels=head.classes_),
        float(accuracy_score(classes, predicted)),
        predicted,
    )


def worst_confusions(
    classes: np.ndarray, predicted: np.ndarray, at_most: int
) -> list[str]:
    """Describe which class was taken for which other one the most often."""
    from sklearn.metrics import confusion_matrix

    names = np.unique([*classes, *predicted])
    counts = confusion_matrix(classes, predicted, labels=names)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    worst = np.argsort(-counts, axis=None, kind="stable")[:at_most]
    return [
        f"{names[true]} taken for {names[taken]}: {counts[true, taken]} of "
        f"{totals[true]}"
        for true, taken in zip(*np.unravel_index(worst, counts.shape), strict=True)
        if counts[true, taken]
    ]

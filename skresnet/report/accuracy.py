"""The sections on how often the model is right, over all and by class."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from skresnet.evaluation import Predictions
from skresnet.report.markup import (
    counted,
    name,
    paragraph,
    percent,
    section,
    table,
)

_MOST_IN_MATRIX = 20
_MOST_CONFUSIONS = 25
_MATRIX_CAPTION = "Rows: true class. Columns: predicted class."


def accuracy_section(predictions: Predictions) -> str:
    """Show the accuracy with its confidence interval."""
    right = int(predictions.is_right.sum())
    n_pictures = len(predictions.pictures)
    low, high = accuracy_interval(right, n_pictures)
    labels, counts = np.unique(predictions.y_true, return_counts=True)
    most = counts.argmax()
    return section(
        "accuracy",
        "Accuracy",
        '<div class="headline">'
        f'<p class="figure">{percent(right / n_pictures)}</p>'
        f"<p>{right:,} of {counted(n_pictures, 'picture', 'pictures')} were predicted "
        f"right.<br>95% confidence interval: "
        f"<strong>{percent(low)} to {percent(high)}</strong></p></div>",
        f'<div class="interval" style="--low: {low:.4f}; --high: {high:.4f}; '
        f'--value: {right / n_pictures:.4f}" aria-hidden="true">'
        "<span></span><i></i></div>"
        '<div class="scale" aria-hidden="true"><span>0%</span><span>50%</span>'
        "<span>100%</span></div>",
        paragraph(
            f"Always answering <strong>{name(labels[most])}</strong>, the most "
            f"frequent class, would be right for {percent(counts[most] / n_pictures)}."
        ),
        '<p class="small">The interval is the Wilson score interval (E. B. Wilson, '
        "<cite>Probable inference, the law of succession, and statistical "
        "inference</cite>, Journal of the American Statistical Association 22, 1927). "
        "It takes the pictures for independent of each other; several shots of one "
        "scene make the truth less certain than it says.</p>",
    )


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


def classes_section(predictions: Predictions) -> str:
    """Show precision, recall and F1 of each class, and which are confused."""
    labels = np.unique(np.concatenate([predictions.classes, predictions.y_true]))
    scores = precision_recall_fscore_support(
        predictions.y_true, predictions.y_pred, labels=labels, zero_division=np.nan
    )
    rows = [
        [name(label), *(_score(value) for value in row[:3]), f"{int(row[3]):,}"]
        for label, *row in zip(labels, *scores, strict=True)
    ]
    means = [_score(float(np.nanmean(values))) for values in scores[:3]]
    rows.append(["mean", *means, f"{len(predictions.pictures):,}"])
    return section(
        "classes",
        "Class by class",
        paragraph(
            "Precision is the share of the pictures predicted as a class that are of "
            "it, recall the share of the pictures of a class that are predicted as it, "
            "F1 their harmonic mean. A dash stands where there is nothing to divide by."
        ),
        table(
            "Scores of each class",
            ["class", "precision", "recall", "F1", "pictures"],
            rows,
            "scores",
        ),
        _confusions(predictions, labels),
    )


def _score(value: float) -> str:
    return "&ndash;" if np.isnan(value) else f"{value:.3f}"


def _confusions(predictions: Predictions, labels: np.ndarray) -> str:
    counts = confusion_matrix(predictions.y_true, predictions.y_pred, labels=labels)
    if len(labels) <= _MOST_IN_MATRIX:
        return "<h3>Confusion matrix</h3>" + _matrix(counts, labels)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    pairs = [np.unravel_index(index, counts.shape) for index in order]
    return "<h3>Most frequent confusions</h3>" + table(
        "The most frequent first",
        ["true class", "predicted class", "pictures"],
        [
            [name(labels[true]), name(labels[given]), f"{counts[true, given]:,}"]
            for true, given in pairs
            if counts[true, given]
        ],
    )


def _matrix(counts: np.ndarray, labels: np.ndarray) -> str:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = [
        [name(label)]
        + [
            f'<td class="{"right" if i == j else "wrong"}" '
            f'style="--share: {shares[i, j]:.3f}">{counts[i, j]:,}</td>'
            for j in range(len(labels))
        ]
        for i, label in enumerate(labels)
    ]
    kind = "matrix upright" if len(labels) > 6 else "matrix"
    head = ["true class", *(name(label) for label in labels)]
    return table(_MATRIX_CAPTION, head, rows, kind)

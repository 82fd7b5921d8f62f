"""The section on the pictures: how many of each class, and some to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skresnet.displays.thumbnails import thumbnails
from skresnet.evaluation import Predictions
from skresnet.reading import Failure, as_pictures
from skresnet.report.markup import counted, name, paragraph, picture, section, text
from skresnet.text import picture_names, shown

_MOST_EXAMPLES = 60
_EXAMPLES_A_CLASS = 6
_SIDE = 144
_MOST_FAILURES = 50


def data_section(predictions: Predictions, X: Any, random_state: Any) -> str:
    """Show the pictures that the report is about."""
    labels, counts = np.unique(predictions.y_true, return_counts=True)
    n_examples = min(_EXAMPLES_A_CLASS, max(1, _MOST_EXAMPLES // len(labels)))
    generator = check_random_state(random_state)
    items = []
    for index, (label, count) in enumerate(zip(labels, counts, strict=True)):
        rows = np.flatnonzero(predictions.y_true == label)
        chosen = np.sort(generator.permutation(rows)[:n_examples])
        examples = "" if index >= _MOST_EXAMPLES else _examples(predictions, chosen)
        items.append(
            f"<li><h3>{name(label)}</h3>"
            f"<p>{counted(int(count), 'picture', 'pictures')}</p>"
            f'<div class="bar" style="--share: {count / counts.max():.3f}"></div>'
            f'<div class="strip">{examples}</div></li>'
        )
    return section(
        "data",
        "The pictures",
        paragraph(
            f"{counted(len(predictions.pictures), 'picture', 'pictures')} of "
            f"{counted(len(labels), 'class', 'classes')} were given to this report. "
            "What follows holds for new pictures of the same kind only if the model "
            "was not trained on them."
        ),
        _unknown(predictions, labels.tolist()),
        _left_out(predictions.failures, X),
        '<ul class="classes">',
        *items,
        "</ul>",
    )


def _examples(predictions: Predictions, rows: np.ndarray) -> str:
    pictures = [predictions.pictures[row] for row in rows]
    return "".join(
        picture(made, f"a picture of class {shown(predictions.y_true[row])}")
        for row, made in zip(
            rows, thumbnails(pictures, _SIDE, square=True), strict=True
        )
        if not isinstance(made, Failure)
    )


def _unknown(predictions: Predictions, labels: list[Any]) -> str:
    """Say where the classes of the pictures and of the model differ."""
    known = predictions.classes.tolist()
    parts = []
    if unknown := [label for label in labels if label not in known]:
        parts.append(
            "The model does not know the class "
            f"<strong>{', '.join(map(name, unknown))}</strong>: "
            "its pictures count as mistakes."
        )
    if missing := [label for label in known if label not in labels]:
        parts.append(
            f"Of the model's classes there is no picture of "
            f"<strong>{', '.join(map(name, missing))}</strong>."
        )
    return f'<p class="notice">{" ".join(parts)}</p>' if parts else ""


def _left_out(failures: list[Failure], X: Any) -> str:
    if not failures:
        return ""
    pictures = as_pictures(X)
    names = picture_names([pictures[failure.position] for failure in failures])
    items = [
        f"<li>{name(called)}: {text(failure.cause)}</li>"
        for called, failure in zip(names, failures, strict=True)
    ][:_MOST_FAILURES]
    if len(failures) > _MOST_FAILURES:
        items.append(f"<li>and {len(failures) - _MOST_FAILURES:,} more</li>")
    return (
        '<div class="notice"><p>'
        f"{counted(len(failures), 'picture', 'pictures')} cannot be read and "
        f"{'is' if len(failures) == 1 else 'are'} left out of every number here:</p>"
        f"<ul>{''.join(items)}</ul></div>"
    )

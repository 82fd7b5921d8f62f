"""The section on the most confident mistakes."""

from __future__ import annotations

from skresnet.displays.thumbnails import thumbnails
from skresnet.evaluation import Predictions
from skresnet.reading import Failure
from skresnet.report.markup import (
    counted,
    name,
    paragraph,
    percent,
    picture,
    section,
    text,
)
from skresnet.text import picture_names, shown

_SIDE = 360


def mistakes_section(predictions: Predictions, n_mistakes: int) -> str:
    """Show the pictures that the model is most confidently wrong about."""
    total = int((~predictions.is_right).sum())
    if total == 0:
        return section(
            "mistakes",
            "Mistakes",
            paragraph("There is none: every picture was predicted right."),
        )
    rows = predictions.most_confident_mistakes(n_mistakes)
    pictures = [predictions.pictures[row] for row in rows]
    figures = []
    for row, called, made in zip(
        rows, picture_names(pictures), thumbnails(pictures, _SIDE), strict=True
    ):
        true, given = predictions.y_true[row], predictions.y_pred[row]
        if isinstance(made, Failure):
            image = f'<p class="unreadable">cannot be read: {text(made.cause)}</p>'
        else:
            image = picture(
                made, f"a picture of class {shown(true)}, predicted {shown(given)}"
            )
        figures.append(
            f'<figure><div class="frame">{image}</div><figcaption>'
            f'<span class="predicted">predicted <strong>{name(given)}</strong> '
            f"{percent(float(predictions.confidence[row]))}</span><br>"
            f"true <strong>{name(true)}</strong> {_own(predictions, row)}<br>"
            f'<span class="small">{name(called)}</span></figcaption></figure>'
        )
    return section(
        "mistakes",
        "Most confident mistakes",
        paragraph(
            f"{len(rows)} of {counted(total, 'mistake', 'mistakes')}: the predicted "
            "and the true class, each with the probability that the model gave it. "
            "Wrong labels in the data show up here too."
        ),
        '<div class="mistakes">',
        *figures,
        "</div>",
    )


def _own(predictions: Predictions, row: int) -> str:
    """Write the probability of the true class, if the model knows it."""
    column = (predictions.classes == predictions.y_true[row]).nonzero()[0]
    if column.size == 0:
        return "(unknown to the model)"
    return percent(float(predictions.probabilities[row, column[0]]))

"""make_report: how good a classifier is, on one page of HTML."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import Any

from sklearn.utils._optional_dependencies import check_matplotlib_support

from skresnet.evaluation import Predictions
from skresnet.report.accuracy import accuracy_section, classes_section
from skresnet.report.data import data_section
from skresnet.report.markup import text
from skresnet.report.mistakes import mistakes_section
from skresnet.report.reliability import reliability_section
from skresnet.report.style import CSS
from skresnet.report.training import (
    curves_section,
    loading_section,
    training_section,
)


class Report:
    """A page of HTML that needs nothing but itself.

    Notebooks show it as it is.

    Parameters
    ----------
    html : str
        The whole page.
    """

    def __init__(self, html: str) -> None:
        self.html = html

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file.

        Parameters
        ----------
        path : str or path-like
            Where to; a file that is there is replaced. A leading ``~`` is the home
            folder.

        Returns
        -------
        path : pathlib.Path
            The file.
        """
        path = Path(path).expanduser()
        path.write_text(self.html, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        # In a frame of its own, so that its style does not reach the notebook's.
        return (
            '<iframe sandbox="" title="report" style="width: 100%; height: 40rem; '
            f'border: 0" srcdoc="{html.escape(self.html)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Report of {len(self.html.encode()) / 1000:,.0f} kB>"


def make_report(
    model: Any,
    X: Any,
    y: Any,
    *,
    title: str | None = None,
    n_mistakes: int = 12,
    random_state: Any = 0,
) -> Report:
    """Say on one page how good a classifier is, and at what it fails.

    The page shows the pictures, the accuracy with its confidence interval, the scores
    of each class, the confusion matrix, the most confident mistakes, how far the
    probabilities can be believed, the learning curves, how the model was trained and
    how to load it. It is a single file without scripts, for screens and paper.

    Parameters
    ----------
    model : Pipeline
        A fitted classifier of pictures with ``predict_proba``: what
        `make_image_classifier` made, a Pipeline with another classifier at its end
        (the page then has no learning curves), or a search over one of these.

    X : pictures
        As of `ResNet50Embedder`, of which the model was not trained. Those that cannot
        be read are left out, with a warning, and listed.

    y : array-like of shape (n_samples,)
        True labels.

    title : str, default=None
        Title of the page.

    n_mistakes : int, default=12
        Most mistakes to show.

    random_state : int, RandomState instance or None, default=0
        Decides which pictures are shown as examples of their class.

    Returns
    -------
    report : Report
        The page: ``report.html``, ``report.save("report.html")``.

    Raises
    ------
    TypeError
        If the model has no ``predict_proba``.

    ValueError
        If the lengths of X and y differ, or the model knows none of the labels.

    UnreadableImageError
        If none of the pictures can be read.

    Examples
    --------
    >>> from skresnet import make_image_classifier, make_report
    >>> model = make_image_classifier()
    >>> model.fit(X_train, y_train)  # doctest: +SKIP
    >>> make_report(model, X_test, y_test).save("report.html")  # doctest: +SKIP
    """
    check_matplotlib_support("make_report")
    model = getattr(model, "best_estimator_", model)
    predictions = Predictions.from_model(model, X, y)
    sections = [
        accuracy_section(predictions),
        data_section(predictions, X, random_state),
        classes_section(predictions),
        mistakes_section(predictions, n_mistakes),
        reliability_section(predictions),
        curves_section(model),
        training_section(model),
        loading_section(model),
    ]
    return Report(_page("Image classifier" if title is None else title, sections))


def _page(title: str, sections: list[str]) -> str:
    main = "\n".join(sections)
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{text(title)}</title>
<style>
{CSS}</style>
</head>
<body>
<header>
<h1>{text(title)}</h1>
<p>How good it is, and at what it fails.</p>
</header>
<main>
{main}
</main>
</body>
</html>
"""

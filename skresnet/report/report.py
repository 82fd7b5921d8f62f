"""make_report: how good a classifier is, on one page of HTML."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from skresnet.base import installed_version
from skresnet.comparison import Earlier, compared, read_record
from skresnet.evaluation import Predictions
from skresnet.report import charts, numbers
from skresnet.report.advice import advice
from skresnet.text import shown
from skresnet.validation import user_path

_PACKAGES = ("matplotlib", "jinja2")


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
        path = user_path(path)
        path.write_text(self.html, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        # In a frame of its own, so that its style does not reach the notebook's; links
        # within the page would lead that frame to the notebook.
        framed = self.html.replace("<head>", '<head>\n<base href="about:srcdoc">', 1)
        return (
            '<iframe sandbox="" title="report" style="width: 100%; height: 40rem; '
            f'border: 0" srcdoc="{html.escape(framed)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Report of {len(self.html.encode()) / 1000:,.0f} kB>"


def make_report(
    model: Any,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    compare: Iterable[str | os.PathLike[str]] = (),
    title: str | None = None,
    n_mistakes: int = 12,
    activation_maps: bool = True,
    random_state: Any = 0,
) -> Report:
    """Say on one page how good a classifier is, and at what it fails.

    The page shows the pictures, which of them are related to the training or unlike
    it, the accuracy with its confidence interval, the scores of each class, the
    confusion matrix, the most confident mistakes and where the model looked, labels
    that are probably wrong (where cleanlab is installed), how far the probabilities can
    be believed, the learning curves, how the model was trained, how to load it and what
    to try next. Pictures are shown as the network saw them. It is a single file without
    scripts, for screens and paper.

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

    groups : array-like of shape (n_samples,), default=None
        What subject each picture shows, as in `fit`: those that were trained on are
        told.

    compare : iterable of path-like, default=()
        Files that ``skresnet evaluate --format json`` has written of the same pictures
        with earlier models, to stand beside this one. Pictures are the same if their
        contents are.

    title : str, default=None
        Title of the page. None names the model and the folder of the pictures. The
        date and the version of skresnet stand on the page in either case.

    n_mistakes : int, default=12
        Most mistakes, and most doubtful labels, to show.

    activation_maps : bool, default=True
        Whether each of the mistakes that are shown has a map of what in it speaks for
        the predicted class, by Grad-CAM (see `class_activation_maps`). That is one more
        pass for each; classifiers whose gradient is not known have no maps.

    random_state : int, RandomState instance or None, default=0
        Decides which pictures are shown as examples of their class.

    Returns
    -------
    report : Report
        The page: ``report.html``, ``report.save("report.html")``.

    Raises
    ------
    ImportError
        If matplotlib or Jinja2 is not installed.

    TypeError
        If the model has no ``predict_proba``.

    ValueError
        If the lengths of X, y and groups differ, the model knows none of the labels, a
        parameter is not possible, or a file to compare with holds something else.

    FileNotFoundError
        If a file to compare with is not there.

    UnreadableImageError
        If none of the pictures can be read.

    Examples
    --------
    >>> from skresnet import make_image_classifier, make_report
    >>> model = make_image_classifier()
    >>> model.fit(X_train, y_train)  # doctest: +SKIP
    >>> make_report(model, X_test, y_test).save("report.html")  # doctest: +SKIP
    """
    check_report_support("make_report")
    validate_parameter_constraints(
        {
            "title": [str, None],
            "n_mistakes": [Interval(Integral, 0, None, closed="left")],
            "activation_maps": ["boolean"],
            "random_state": ["random_state"],
        },
        {
            "title": title,
            "n_mistakes": n_mistakes,
            "activation_maps": activation_maps,
            "random_state": random_state,
        },
        "make_report",
    )
    records = [read_record(path) for path in compare]
    predictions = Predictions.from_model(model, X, y, groups=groups)
    return report_on(
        model,
        predictions,
        earlier=compared(predictions, records),
        title=title,
        n_mistakes=n_mistakes,
        activation_maps=activation_maps,
        random_state=random_state,
    )


def report_on(
    model: Any,
    predictions: Predictions,
    *,
    earlier: Sequence[Earlier] = (),
    title: str | None = None,
    n_mistakes: int = 12,
    activation_maps: bool = True,
    random_state: Any = 0,
) -> Report:
    """Make the report of predictions that are there already; see `make_report`."""
    model = getattr(model, "best_estimator_", model)
    subject = numbers.subject(model, predictions)
    confidence = np.clip(predictions.confidence, 0, 1)  # softmax may round above 1
    is_right = predictions.is_right
    resizing = numbers.resizing_of(model)
    explain = numbers.explanation(model) if activation_maps else None
    first, last = (numbers.steps_of(model)[i][1] for i in (0, -1))
    curves = None
    if hasattr(last, "history_"):
        curves = charts.learning_curves(last.history_, last.best_epoch_)
    page = page_template().render(
        title=title,
        subject=subject,
        n_pictures=len(predictions.pictures),
        accuracy=numbers.accuracy(predictions),
        data=numbers.data(predictions, random_state, resizing),
        earlier=earlier,
        scores=numbers.scores(predictions),
        mistakes=numbers.mistakes(predictions, n_mistakes, resizing, explain),
        doubts=numbers.doubts(predictions, n_mistakes, resizing),
        resizing=resizing,
        diagram=charts.reliability_diagram(is_right, confidence, numbers.N_BINS),
        bins=list(zip(*numbers.reliability(is_right, confidence), strict=True)),
        calibration_error=numbers.calibration_error(is_right, confidence),
        mean_confidence=confidence.mean(),
        curves=curves,
        last=last,
        training=numbers.training(model),
        network=numbers.network_of(first),
        weights=getattr(first, "weights_", None),
        advice=advice(model, predictions),
    )
    return Report(page.strip() + "\n")


def check_report_support(caller: str) -> None:
    """Raise if a package is missing that only reports need.

    Raises
    ------
    ImportError
        If matplotlib or Jinja2 is not installed.
    """
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise ImportError(
            f"{caller} needs {' and '.join(missing)}, not installed here: "
            f"python -m pip install {' '.join(missing)}."
        )


def percent(share: float) -> str:
    """Write a share between 0 and 1, and 100% or 0% only where it is exactly that."""
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{100 * share:.1f}%"


def _change(earlier: Earlier) -> str:
    """Write a difference in percentage points, with its standard error."""
    error = 100 * earlier.standard_error
    return f"{100 * earlier.difference:+.1f}" + (
        "" if np.isnan(error) else f" ± {error:.1f}"
    )


def _recalled(earlier: Sequence[Earlier]) -> list[Any]:
    """Name the classes that were compared, in their order."""
    return list(dict.fromkeys(label for other in earlier for label in other.recalls))


def _recalls(earlier: Sequence[Earlier], label: Any) -> list[str]:
    pairs = [other.recalls.get(label) for other in earlier]
    return [
        "\N{EN DASH}"
        if pair is None
        else " \N{RIGHTWARDS ARROW} ".join(map(percent, pair))
        for pair in pairs
    ]


def _counted(number: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def page_template(name: str = "template.html") -> Any:
    """Find the template of a page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("skresnet", "report"),
        autoescape=True,
        # What comes from outside can be encoded, and hides nothing.
        finalize=lambda value: value if isinstance(value, Markup) else shown(value),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "percent": percent,
        "change": _change,
        "recalled": _recalled,
        "recalls": _recalls,
        "counted": _counted,
        "score": lambda value: "\N{EN DASH}" if np.isnan(value) else f"{value:.3f}",
        "grouped": "{:,}".format,
    }
    made = {"date": date.today().isoformat(), "version": installed_version("skresnet")}
    return environment.get_template(name, globals={"made": made})

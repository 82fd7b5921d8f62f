"""The section on whether probabilities can be believed."""

from __future__ import annotations

import numpy as np
from sklearn.calibration import CalibrationDisplay, calibration_curve

from skresnet.evaluation import Predictions
from skresnet.report.charts import chart_style, new_figure, svg
from skresnet.report.markup import paragraph, percent, section, table

_N_BINS = 10


def reliability_section(predictions: Predictions) -> str:
    """Compare the confidence of predictions with how often they are right."""
    confidence = np.clip(predictions.confidence, 0, 1)  # softmax may round above 1
    is_right = predictions.is_right
    right, mean, counts = reliability(is_right, confidence)
    error = calibration_error(is_right, confidence)
    with chart_style():
        figure = new_figure()
        ax, below = figure.subplots(2, height_ratios=[3, 1], sharex=True)
        CalibrationDisplay.from_predictions(
            is_right, confidence, n_bins=_N_BINS, name="this model", ax=ax
        )
        ax.set(xlabel="", ylabel="share that is right")
        ax.legend(loc="upper left")
        below.hist(confidence, bins=np.linspace(0, 1, _N_BINS + 1), rwidth=0.9)
        below.set(xlabel="confidence", ylabel="pictures")
        drawn = svg(figure, "Reliability diagram; its numbers are in the table below")
    return section(
        "reliability",
        "Can the probabilities be believed?",
        f'<div class="beside"><figure class="chart">{drawn}</figure><div>',
        f'<p><span class="figure">{error:.3f}</span><br>expected calibration error</p>',
        paragraph(
            "Of the pictures that are given a label with a probability (confidence) of "
            "80%, 80% should be right: the curve should lie on the dotted line. Below "
            "it the model is too sure of itself, above it too modest."
        ),
        '<p class="small">Predictions are sorted into 10 bins of equal width by their '
        "confidence. The expected calibration error is the mean distance between the "
        "share that is right and the mean confidence of a bin, weighted by the "
        "pictures in it (M. P. Naeini et al., <cite>Obtaining well calibrated "
        "probabilities using Bayesian binning</cite>, AAAI 2015).</p></div></div>",
        "<details><summary>The numbers</summary>",
        table(
            "Predictions by confidence",
            ["mean confidence", "share right", "pictures"],
            [
                [percent(m), percent(r), f"{n:,}"]
                for m, r, n in zip(mean, right, counts, strict=True)
            ],
        ),
        "</details>",
    )


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
    right, mean = calibration_curve(is_right, confidence, n_bins=_N_BINS)
    edges = np.linspace(0, 1, _N_BINS + 1)
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

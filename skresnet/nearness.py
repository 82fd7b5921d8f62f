"""How near two pictures must be to be taken for copies, learnt from a data set."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

_SUSPECTED: Final = 0.001
_UNCERTAINTY: Final = 6.0  # of the tail, see `_rarer`


def near_threshold(
    first: NDArray[Any], second: NDArray[Any], false_alarm_rate: float
) -> float:
    """Estimate the distance below which that share of pictures has its nearest other.

    The logarithms of the distances are taken to fall off as a normal distribution does
    from its lower 16 % to its lower 2 %.

    Parameters
    ----------
    first, second : ndarray of shape (n_pictures,)
        The distances from each picture to its nearest two others.

    false_alarm_rate : float
        The share of pictures without a copy.

    Returns
    -------
    distance : float
        Negative where the pictures are too few to tell.
    """
    share = _rarer(false_alarm_rate, len(first))
    if share == 0:
        return -1.0
    first, second = np.log(np.stack([first, second]).clip(1e-6))
    # What is suspiciously near would be no example of how near pictures are that are no
    # copies; the next one is.
    suspects = first < _low_tail(second, _SUSPECTED)
    return float(np.exp(_low_tail(np.where(suspects, second, first), share)))


def _rarer(share: float, n_pictures: int) -> float:
    """Lower a share as far as the tail of that many pictures may be misjudged.

    Two quantiles of n values, carried on to z standard deviations, vary by some
    z ** 2 / n, so that more than the share lies beyond on average. By how much was
    found with sets of 50 to 800 pictures drawn from two data sets.
    """
    z2 = float(ndtri(share)) ** 2
    certain = 1 - _UNCERTAINTY * z2 / max(n_pictures, 1)
    return float(ndtr(-np.sqrt(z2 / certain))) if certain > 0 else 0.0


def _low_tail(logarithms: NDArray[Any], share: float) -> float:
    """Go on from one and two standard deviations below the middle as a normal would."""
    one, two = np.quantile(logarithms, [ndtr(-1), ndtr(-2)])
    return float(two + (ndtri(share) + 2) * (one - two))

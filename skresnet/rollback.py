"""A fit that fails leaves an estimator as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def restored_on_failure(estimator: Any) -> Iterator[None]:
    """Put an estimator's attributes back if the block raises, Ctrl-C included.

    Without this, scikit-learn's own ``validate_data`` would leave the new
    ``n_features_in_`` beside the old fit's results.
    """
    before = dict(estimator.__dict__)
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise

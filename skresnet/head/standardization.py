"""Standardised rows for the training, and weights that need none afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from skresnet.head.rows import Rows
from skresnet.validation import ClassifierSettings

# Length of a standardised row, as the root of its mean square. With ImageNet weights
# centred features have lengths of 12 to 27; learning_rate then means the same
# whatever the features, and however many.
_LENGTH: Final = 16.0

# Below this share of its mean, what a float32 varies by is its rounding.
_LEAST_SHARE: Final = 1e-5


@dataclass(frozen=True)
class Standardization:
    """What is taken from each feature, and what it is then divided by.

    Training is faster and depends less on the learning rate where the inputs are
    centred and vary alike (LeCun et al., "Efficient BackProp", 1998, section 4.3).
    A first layer with kernel W and bias b that has learned on (x - mean) / scale does
    the same on x with the kernel W / scale and the bias b - (mean / scale) W, so that
    the fitted network takes features as they are.
    """

    mean: np.ndarray  # float64, of each feature
    scale: np.ndarray  # float64, above 0

    @classmethod
    def of(cls, rows: Rows, settings: ClassifierSettings) -> Self:
        """Measure rows that train, each by its weight, if the settings ask for it."""
        n_features = rows.X.shape[1]
        if not settings.standardize:
            return cls(np.zeros(n_features), np.ones(n_features))
        shares = rows.weights / rows.weights.sum()
        mean = shares @ rows.X
        variance = (shares @ np.square(rows.X - mean)).astype(np.float64)
        deviation = np.sqrt(variance)
        deviation[deviation <= _LEAST_SHARE * np.abs(mean)] = 1.0
        return cls(mean.astype(np.float64), deviation * (np.sqrt(n_features) / _LENGTH))

    def applied(self, rows: Rows) -> Rows:
        """Return the rows standardised."""
        X = (rows.X - self.mean.astype(np.float32)) / self.scale.astype(np.float32)
        return rows._replace(X=X)

    def folded(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Turn weights that want standardised rows into such for rows as they are."""
        kernel, bias, *others = weights
        kernel = kernel / self.scale[:, np.newaxis]
        return [*_floats(kernel, bias - self.mean @ kernel), *others]

    def unfolded(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Undo `folded`, to go on training."""
        kernel, bias, *others = weights
        bias = bias + self.mean @ kernel.astype(np.float64)
        return [*_floats(kernel * self.scale[:, np.newaxis], bias), *others]


def _floats(*arrays: np.ndarray) -> list[np.ndarray]:
    return [array.astype(np.float32) for array in arrays]

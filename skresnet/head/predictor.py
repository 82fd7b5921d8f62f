"""What a classifier can do once it has a trained network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skresnet.base import VersionedEstimator
from skresnet.head.network import FittedHead, Standardization
from skresnet.head.rows import as_features, check_weights, encode
from skresnet.lazy import DaskCollection, lazy_method
from skresnet.validation import check_labels, check_same_length


class HeadPredictor(ClassifierMixin, VersionedEstimator):
    """The predicting half of `DenseSGDClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.

    model_ : keras.Model
        The compiled network with the best weights.
    """

    classes_: np.ndarray
    _head: FittedHead
    _plain_in_files: ClassVar[dict[str, type]] = {
        "_head": FittedHead,
        "_standardization": Standardization,
    }

    def predict_proba(self, X: Any) -> np.ndarray:
        """Compute the probability of each class.

        Parameters
        ----------
        X : array-like or Dask array of shape (n_samples, n_features)
            Features; used as float32.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), float32
            Columns in the order of ``classes_``. A row does not depend on the
            other rows of the call. Of a Dask array, a lazy one.
        """
        check_is_fitted(self)
        if isinstance(X, DaskCollection):
            return lazy_method(self, X, "predict_proba")
        return self._head.probabilities(as_features(self, X))

    def predict(self, X: Any) -> np.ndarray:
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : array-like or Dask array of shape (n_samples, n_features)
            Features; used as float32.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Labels from ``classes_``. Of a Dask array, a lazy one.
        """
        check_is_fitted(self)
        if isinstance(X, DaskCollection):
            return lazy_method(self, X, "predict")
        most_probable = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most_probable]

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Compute the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features; used as float32.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), float32
            Natural logarithms of what `predict_proba` gives, -inf of a probability
            of 0.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Compute the loss and the accuracy.

        Parameters
        ----------
        X : array-like or Dask array of shape (n_samples, n_features)
            Features; used as float32.

        y : array-like of shape (n_samples,)
            Class labels that training knew.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; only their ratios matter.

        Returns
        -------
        result : dict
            ``"loss"``, the weighted mean of the categorical cross-entropy (natural
            logarithm), and ``"accuracy"``.
        """
        check_is_fitted(self)
        labels = check_labels(y)
        check_same_length(X, labels)
        codes = encode(labels, self.classes_, "y")
        weights = None
        if sample_weight is not None:
            weights = check_weights(sample_weight, codes)
        probabilities = np.asarray(self.predict_proba(X)).astype(float)
        own = probabilities[np.arange(codes.size), codes]
        losses = -np.log(np.maximum(own, np.finfo(np.float32).tiny))
        right = probabilities.argmax(axis=1) == codes
        return {
            "loss": float(np.average(losses, weights=weights)),
            "accuracy": float(np.average(right, weights=weights)),
        }

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print the layers of the fitted network, as Keras' ``Model.summary`` does.

        Parameters
        ----------
        print_fn : callable, default=None
            What to print with, instead of standard output.
        """
        check_is_fitted(self)
        self._head.model.summary(print_fn=print_fn)

    @property
    def model_(self) -> Any:
        """The compiled Keras model with the best weights."""
        check_is_fitted(self)
        return self._head.model

    def __dir__(self) -> list[str]:
        # scikit-learn lists what hasattr finds and notebooks show the value of each;
        # for this one, that would import TensorFlow and build the network.
        return [
            name
            for name in object.__dir__(self)
            if name != "model_" and hasattr(self, name)
        ]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_head")

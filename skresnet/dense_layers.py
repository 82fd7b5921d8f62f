"""Heads as dense layers, which every runtime knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skresnet.head.predictor import HeadPredictor

# What scikit-learn's MLPClassifier calls them, and what Keras does.
_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """A dense layer: ``activation(rows @ kernel + bias)``.

    Parameters
    ----------
    kernel : ndarray of shape (n_inputs, n_units)
        One column a unit.
    bias : ndarray of shape (n_units,)
        One number a unit.
    activation : str
        By its name in Keras.
    """

    kernel: NDArray[Any]
    bias: NDArray[Any]
    activation: str


def flat_steps(estimators: Sequence[Any]) -> Iterator[Any]:
    """List what rows go through, with the steps of Pipelines in their place."""
    for estimator in estimators:
        if isinstance(estimator, Pipeline):
            yield from flat_steps([step for _, step in estimator.steps])
        elif estimator is not None and estimator != "passthrough":
            yield estimator


def dense_layers(steps: Sequence[Any]) -> list[DenseLayer] | None:
    """Write a classifier, and what rows go through before it, as dense layers.

    Parameters
    ----------
    steps : sequence of estimators
        Fitted, as `flat_steps` lists them: any number of `StandardScaler` and `PCA`,
        and last a `DenseSGDClassifier`, `LogisticRegression` or `MLPClassifier`.

    Returns
    -------
    layers : list of DenseLayer or None
        The last gives probabilities, one column a class. What comes before the
        classifier is part of the first. None where a step is none of these, or the
        Keras layers of a `DenseSGDClassifier` are not those of its parameters any more.
    """
    *before, classifier = steps
    layers = _layers_of(classifier)
    for step in reversed(before):
        affine = _affine(step)
        if layers is None or affine is None:
            return None
        matrix, shift = affine
        kernel, bias = layers[0].kernel.astype(np.float64), layers[0].bias
        layers[0] = replace(
            layers[0],
            # A vector stands for the matrix that has it on its diagonal.
            kernel=matrix[:, np.newaxis] * kernel
            if matrix.ndim == 1
            else matrix @ kernel,
            bias=bias + shift @ kernel,
        )
    return layers and [
        replace(x, kernel=x.kernel.astype("f4"), bias=x.bias.astype("f4"))
        for x in layers
    ]


def _layers_of(classifier: Any) -> list[DenseLayer] | None:
    if isinstance(classifier, HeadPredictor):
        head = classifier._head
        weights = head.folded_weights()
        if head._config is not None:  # its Keras layers were changed by hand
            return None
        kernels, biases = weights[::2], weights[1::2]
        activation, last = head.architecture.activation, "softmax"
    elif isinstance(classifier, MLPClassifier):
        if classifier.out_activation_ == "logistic" and classifier.n_outputs_ > 1:
            return None  # several labels a row, each with a sigmoid of its own
        kernels, biases = list(classifier.coefs_), list(classifier.intercepts_)
        activation = classifier.activation
        activation, last = _ACTIVATIONS.get(activation, activation), "softmax"
    elif isinstance(classifier, LogisticRegression):
        kernels, biases = [classifier.coef_.T], [classifier.intercept_]
        activation, last = "linear", "softmax"
    else:
        return None
    if kernels[-1].shape[1] == 1:
        # The sigmoid of z is the second of the softmax of 0 and z.
        kernels[-1] = np.pad(kernels[-1], ((0, 0), (1, 0)))
        biases[-1] = np.pad(biases[-1], (1, 0))
    activations = [activation] * (len(kernels) - 1) + [last]
    return list(map(DenseLayer, kernels, biases, activations))


def _affine(step: Any) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Write a step as ``rows @ matrix + shift``, in float64."""
    if isinstance(step, StandardScaler):
        n_features = step.n_features_in_
        scale = np.ones(n_features) if step.scale_ is None else step.scale_
        # What is not taken off is known all the same.
        mean = step.mean_ if step.with_mean else np.zeros(n_features)
        return 1 / scale, -mean / scale
    if isinstance(step, PCA):
        matrix = step.components_.T.astype(np.float64)
        if step.whiten:
            matrix = matrix / np.sqrt(step.explained_variance_)
        return matrix, -step.mean_ @ matrix
    return None

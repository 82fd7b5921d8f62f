"""DenseSGDClassifier: a small dense network trained with SGD."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import _fit_context
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skresnet.base import restored_on_failure
from skresnet.head.architecture import Architecture, dropout_rates, initial_weights
from skresnet.head.checks import (
    check_same_layers,
    checked_checkpoint_path,
    checked_classes,
    encode,
)
from skresnet.head.fitted import FittedHead
from skresnet.head.inputs import checked_rows, checked_validation_rows
from skresnet.head.predictor import HeadPredictor
from skresnet.head.rows import set_aside, total_weights
from skresnet.head.tasks import EpochTasks

_LARGEST_SEED = np.iinfo(np.int32).max


class DenseSGDClassifier(CallbackSupportMixin, HeadPredictor):
    """A small dense network, trained with SGD, that keeps its best epoch.

    Dense layers with ReLU, one Dropout layer and a softmax, trained on one-hot
    labels with categorical cross-entropy. A shuffled, stratified part of the
    training data is set aside; the weights of the epoch with the best accuracy on
    it are the fitted ones. Keras trains the network, through scikeras'
    ``KerasClassifier``.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(500, 250, 200)
        Units of each hidden layer.

    activation : str, default="relu"
        Activation of the hidden layers, by its Keras name.

    dropout : float or array-like of float, default=0.2
        Dropout rate, at least 0 and below 1. One number puts a single Dropout layer
        in front of the last hidden layer (behind the only one); an array gives the
        rate after each hidden layer.

    learning_rate : float, default=0.01
        Learning rate of SGD, Keras' default.

    momentum : float, default=0.0
        Momentum of SGD, at least 0 and at most 1.

    nesterov : bool, default=False
        Whether the momentum is Nesterov's.

    epochs : int, default=20
        Passes over the training rows.

    batch_size : int, default=32
        Rows a gradient step.

    validation_fraction : float or None, default=0.2
        Share of each class that is set aside to find the best epoch. Each class
        gives at least one row, a class with a single row none. None trains on all
        rows and lets the training rows decide. Unused when `fit` is given ``X_val``.

    monitor : {"val_accuracy", "val_loss", "accuracy", "loss"}, \
            default="val_accuracy"
        What decides the best epoch; the first of equals wins. Without validation
        rows, ``"val_accuracy"`` is read as ``"accuracy"`` and ``"val_loss"`` as
        ``"loss"``.

    patience : int or None, default=None
        Epochs without a better ``monitor`` after which training stops. None trains
        every epoch.

    class_weight : dict, "balanced" or None, default=None
        Weight of each class in the loss, as in
        `sklearn.utils.class_weight.compute_sample_weight`. Multiplied with
        ``sample_weight``.

    checkpoint_path : str, path-like or None, default=None
        Where Keras' ``ModelCheckpoint`` writes the best weights as well, a name that
        ends with ``.weights.h5``. None keeps them in memory alone.

    callbacks : list, dict, keras.callbacks.Callback or None, default=None
        Keras callbacks in any form that scikeras takes. Each fit works on copies.
        A batch hook is called once for some 4,000 rows, not once for
        ``batch_size``.

    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the previous call.

    random_state : int, RandomState instance or None, default=None
        Decides the validation rows, the initial weights, the order of the rows and
        the dropout. An int gives the same weights each time on one machine.

    verbose : {0, 1, 2}, default=0
        As in Keras: silent, a progress bar, or one line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.

    n_features_in_ : int
        Features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had names that are all strings.

    history_ : dict of list of float
        ``loss`` and ``accuracy``, and with validation rows ``val_loss`` and
        ``val_accuracy``: one number an epoch. Those of the training rows are
        running means over the epoch, with dropout, as Keras reports them.

    best_epoch_ : int
        Index into the lists of ``history_`` of the epoch whose weights were kept.

    best_score_ : float
        The monitored number at that epoch.

    validation_indices_ : ndarray of int or None
        Rows of X that were set aside; None if there were none.

    model_ : keras.Model
        The compiled network with the best weights.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skresnet import DenseSGDClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = DenseSGDClassifier(epochs=10, random_state=0).fit(X / 16, y)
    >>> bool(classifier.score(X / 16, y) > 0.8)
    True
    """

    history_: dict[str, list[float]]
    best_epoch_: int
    best_score_: float
    validation_indices_: np.ndarray | None

    # What a Pipeline or a search hands on without being asked, once metadata routing
    # is enabled. Weights that `score` did not want would make its results NaN.
    __metadata_request__fit: ClassVar[dict[str, bool]] = {
        "X_val": True,
        "y_val": True,
        "sample_weight": True,
    }
    __metadata_request__score: ClassVar[dict[str, bool]] = {"sample_weight": True}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like"],
        "activation": [str],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterov": ["boolean"],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "monitor": [StrOptions({"val_accuracy", "val_loss", "accuracy", "loss"})],
        "patience": [Interval(Integral, 0, None, closed="left"), None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "checkpoint_path": [str, PathLike, None],
        "callbacks": "no_validation",  # scikeras does it
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        hidden_layer_sizes: Sequence[int] = (500, 250, 200),
        activation: str = "relu",
        dropout: float | Sequence[float] = 0.2,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        epochs: int = 20,
        batch_size: int = 32,
        validation_fraction: float | None = 0.2,
        monitor: str = "val_accuracy",
        patience: int | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        checkpoint_path: Any = None,
        callbacks: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.monitor = monitor
        self.patience = patience
        self.class_weight = class_weight
        self.checkpoint_path = checkpoint_path
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train the network and keep the weights of the best epoch.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features; used as float32.

        y : array-like of shape (n_samples,)
            Class labels, strings or integers.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss. Rows of weight 0 are left out.

        X_val : array-like of shape (n_val, n_features), default=None
            Rows that decide the best epoch; nothing is then set aside of X.

        y_val : array-like of shape (n_val,), default=None
            Labels of ``X_val``.

        Returns
        -------
        self : DenseSGDClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, y is no vector of class labels or has one
            class only, the lengths differ, or the training diverges. The classifier
            is then what it was before the call.
        """
        context = self._init_callback_context(max_subtasks=self.epochs)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        with restored_on_failure(self):
            if not self.warm_start:
                self.__dict__.pop("_head", None)
            first = not hasattr(self, "_head")
            X, y = checked_rows(self, X, y, reset=first)
            trained = None if first else self.classes_
            self.classes_ = checked_classes(np.unique(y), trained)
            random_state = check_random_state(self.random_state)
            weights = total_weights(X, y, sample_weight, self.class_weight)
            rows = np.arange(y.size) if weights is None else np.flatnonzero(weights)
            rows, validation = self._validation(X, y, X_val, y_val, rows, random_state)
            self._train(
                X[rows],
                y[rows],
                None if weights is None else weights[rows],
                validation,
                random_state,
                epochs=self.epochs,
                context=context,
            )
            self.__dict__.pop("_partial_fit_state", None)
            context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Go over X once more, from the weights there are.

        Nothing is set aside and the weights after the pass are kept. A momentum
        starts at zero in each call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features; used as float32.

        y : array-like of shape (n_samples,)
            Class labels, all of them among the classes.

        classes : array-like of shape (n_classes,), default=None
            All classes of all calls; the first call needs them if its y lacks some.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss.

        Returns
        -------
        self : DenseSGDClassifier
            The classifier after one more pass.
        """
        with restored_on_failure(self):
            first = not hasattr(self, "_head")
            X, y = checked_rows(self, X, y, reset=first)
            if first or classes is not None:
                given = np.unique(y) if classes is None else np.unique(classes)
                trained = None if first else self.classes_
                self.classes_ = checked_classes(given, trained)
            if not hasattr(self, "_partial_fit_state"):
                self._partial_fit_state = check_random_state(self.random_state)
            weights = total_weights(X, y, sample_weight, self.class_weight)
            earlier = {} if first else self.history_
            self._train(X, y, weights, None, self._partial_fit_state, epochs=1)
            self.history_ = {
                name: earlier.get(name, []) + values
                for name, values in self.history_.items()
            }
            self.best_epoch_ = len(self.history_["loss"]) - 1
            if first:
                self.validation_indices_ = None
        return self

    def _validation(
        self,
        X: np.ndarray,
        y: np.ndarray,
        X_val: Any,
        y_val: Any,
        rows: np.ndarray,
        random_state: np.random.RandomState,
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
        """Choose among ``rows`` those that train; give the data that validates."""
        self.validation_indices_ = None
        if X_val is not None or y_val is not None:
            X_val, y_val = checked_validation_rows(self, X_val, y_val)
            return rows, (X_val, encode(y_val, self.classes_, "y_val"))
        if self.validation_fraction is None:
            return rows, None
        chosen = set_aside(y[rows], self.validation_fraction, random_state)
        if chosen.size == 0:
            return rows, None
        held_out = self.validation_indices_ = rows[chosen]
        return (
            np.delete(rows, chosen),
            (X[held_out], encode(y[held_out], self.classes_, "y")),
        )

    def _train(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        validation: tuple[np.ndarray, np.ndarray] | None,
        random_state: np.random.RandomState,
        *,
        epochs: int,
        context: Any = None,
    ) -> None:
        """Train from the fitted weights, or from new ones where there are none."""
        from skresnet.head.training import Schedule, Seeds, train

        monitor = self.monitor if validation else self.monitor.removeprefix("val_")
        init_seed, dropout_seed = random_state.randint(_LARGEST_SEED, size=2)
        architecture = self._architecture()
        head = getattr(self, "_head", None)
        if head is None:
            initial = initial_weights(architecture, init_seed)
        else:
            check_same_layers(architecture, head.architecture)
            initial = head.weights

        def attributes(weights: list[np.ndarray]) -> dict[str, Any]:
            return {"_head": FittedHead(architecture, weights, self._sgd())}

        result = train(
            architecture,
            Schedule(
                **self._sgd(),
                batch_size=self.batch_size,
                epochs=epochs,
                monitor=monitor,
                patience=self.patience,
                checkpoint_path=checked_checkpoint_path(self.checkpoint_path),
                verbose=int(self.verbose),
            ),
            Seeds(shuffle=random_state, dropout=int(dropout_seed)),
            initial,
            (X, encode(y, self.classes_, "y"), sample_weight),
            validation,
            copy.deepcopy(self.callbacks),
            context and EpochTasks(self, context, X, y, sample_weight, attributes),
        )
        self.__dict__.update(attributes(result.weights))
        self.history_ = result.history
        self.best_epoch_ = result.best_epoch
        self.best_score_ = result.history[monitor][result.best_epoch]

    def _architecture(self) -> Architecture:
        sizes = tuple(int(units) for units in self.hidden_layer_sizes)
        return Architecture(
            self.n_features_in_,
            sizes,
            self.activation,
            dropout_rates(self.dropout, len(sizes)),
            self.classes_.size,
        )

    def _sgd(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
        }

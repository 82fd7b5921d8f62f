"""DenseSGDClassifier: a small dense network trained with SGD."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _num_samples

from skresnet.base import restored_on_failure
from skresnet.head.network import Architecture, FittedHead, initial_weights
from skresnet.head.predictor import HeadPredictor
from skresnet.head.rows import FitRequest, Rows, as_features, check_fit, split

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
        "groups": True,
        "sample_weight": True,
    }
    __metadata_request__score: ClassVar[dict[str, bool]] = {"sample_weight": True}

    # Of the others, skresnet.validation says more than scikit-learn's constraints.
    _parameter_constraints: ClassVar[dict[str, Any]] = {
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
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        groups: Any = None,
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

        groups : array-like of shape (n_samples,), default=None
            Which rows belong together, as pictures of one subject do: what is set aside
            are whole groups, stratified as far as they allow. A class keeps a group
            to train on.

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
        request = self._check_fit(
            y, sample_weight, X_val, y_val, groups, n_samples=_num_samples(X)
        )
        context = self._init_callback_context(max_subtasks=request.settings.epochs)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        with restored_on_failure(self):
            if not self.warm_start:
                self.__dict__.pop("_head", None)
            X = as_features(self, X, reset=not hasattr(self, "_head"))
            if X_val is not None:
                X_val = as_features(self, X_val, name="X_val")
            random_state = check_random_state(self.random_state)
            training, validation, self.validation_indices_ = split(
                request, X, X_val, random_state
            )
            self._train(request, training, validation, random_state, context)
            self.__dict__.pop("_partial_fit_state", None)
            context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _check_fit(
        self,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        groups: Any = None,
        *,
        n_samples: int,
    ) -> FitRequest:
        """Check all that `fit` is given but the features, as a Pipeline does first."""
        return check_fit(
            self,
            y,
            n_samples=n_samples,
            sample_weight=sample_weight,
            X_val=X_val,
            y_val=y_val,
            groups=groups,
            goes_on=self.warm_start and hasattr(self, "_head"),
        )

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
        first = not hasattr(self, "_head")
        request = check_fit(
            self,
            y,
            n_samples=_num_samples(X),
            sample_weight=sample_weight,
            classes=self.classes_ if classes is None and not first else classes,
            goes_on=not first,
        )
        with restored_on_failure(self):
            X = as_features(self, X, reset=first)
            if first:
                self.validation_indices_ = None
            if not hasattr(self, "_partial_fit_state"):
                self._partial_fit_state = check_random_state(self.random_state)
            earlier = {} if first else self.history_
            request = replace(request, settings=replace(request.settings, epochs=1))
            weights = request.weights
            if weights is None:
                weights = np.ones(request.codes.size)
            # Scaled by all classes, not by those of this call.
            rows = Rows(X, request.codes, weights.astype(np.float32))
            self._train(request, rows, None, self._partial_fit_state)
            self.history_ = {
                name: earlier.get(name, []) + values
                for name, values in self.history_.items()
            }
            self.best_epoch_ = len(self.history_["loss"]) - 1
        return self

    def _train(
        self,
        request: FitRequest,
        training: Rows,
        validation: Rows | None,
        random_state: np.random.RandomState,
        context: Any = None,
    ) -> None:
        """Train from the fitted weights, or from new ones where there are none."""
        from skresnet.head.callbacks import EpochTasks
        from skresnet.head.training import Seeds, train

        settings = request.settings
        if validation is None:
            monitor = settings.monitor.removeprefix("val_")
            settings = replace(settings, monitor=monitor)
        init_seed, dropout_seed = random_state.randint(_LARGEST_SEED, size=2)
        architecture = Architecture(
            self.n_features_in_,
            settings.hidden_layer_sizes,
            settings.activation,
            settings.dropout,
            request.classes.size,
        )
        if hasattr(self, "_head"):
            initial = self._head.weights
        else:
            initial = initial_weights(architecture, init_seed)
            self.classes_ = request.classes

        def attributes(weights: list[np.ndarray]) -> dict[str, Any]:
            return {"_head": FittedHead(architecture, weights, settings.sgd)}

        result = train(
            architecture,
            settings,
            Seeds(shuffle=random_state, dropout=int(dropout_seed)),
            initial,
            training,
            validation,
            copy.deepcopy(self.callbacks),
            context
            and EpochTasks(
                self,
                context,
                training.X,
                request.classes[training.codes],
                None if request.weights is None else training.weights,
                attributes,
            ),
        )
        self.__dict__.update(attributes(result.weights))
        self.history_ = result.history
        self.best_epoch_ = result.best_epoch
        self.best_score_ = result.history[settings.monitor][result.best_epoch]

"""DenseSGDClassifier: a small dense network trained with SGD."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import Parameter, Signature, signature
from numbers import Integral, Real
from os import PathLike
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

import numpy as np
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skresnet.base import restored_on_failure
from skresnet.head.blocks import Rows
from skresnet.head.network import Standardization
from skresnet.head.predictor import HeadPredictor
from skresnet.head.rows import (
    FitRequest,
    all_rows,
    as_features,
    check_fit,
    number_of_rows,
    rows_of_a_call,
    split,
)
from skresnet.validation import refuse_uncopyable

ORIGINAL_SETTINGS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "hidden_layer_sizes": (500, 250, 200),
        "dropout": 0.2,
        "standardize": False,
        "learning_rate": 0.01,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "epochs": 20,
        "batch_size": 32,
        "monitor": "val_accuracy",
        "patience": None,
        "refit": False,
    }
)
"""Parameters of the network that this package comes from, and of its training."""


class DenseSGDClassifier(CallbackSupportMixin, HeadPredictor):
    """A small dense network, trained with SGD, that keeps its best epoch.

    Dense layers with ReLU, one Dropout layer and a softmax, trained with categorical
    cross-entropy. A shuffled, stratified part of the training data is set aside and
    decides which epoch is the best; up to that one, the network is then trained
    again, on all rows.

    The defaults were chosen beside a logistic regression on the same features;
    ``python -m benchmarks.accuracy`` compares them.
    ``DenseSGDClassifier(**ORIGINAL_SETTINGS)`` is the network of the system that this
    package comes from, trained as there.

    A compiled TensorFlow loop trains what Keras would; with ``callbacks``, Keras itself
    does, through scikeras. A fit depends on its arguments alone, whatever earlier fits,
    other threads, or Keras' global types and seeds are. NumPy predicts, without Keras.

    The labels are integer codes inside, which is the mathematics of one-hot rows
    without their memory; ``model_`` takes one-hot rows.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(500,)
        Units of each hidden layer.

    activation : str, default="relu"
        Activation of the hidden layers, by its Keras name.

    dropout : float or array-like of float, default=0.2
        Dropout rate, at least 0 and below 1. One number puts a single Dropout layer
        in front of the last hidden layer (behind the only one); an array gives the
        rate after each hidden layer.

    standardize : bool, default=True
        Whether the features are centred and scaled by the mean and standard deviation
        of the training rows while the network trains. Its first layer takes that over
        in the end; with ``callbacks``, Keras' model has a Normalization layer for it.
        Either way the input of ``model_``, and of the model that a callback sees and
        may save, are features as they are.

    learning_rate : float, default=0.01
        Learning rate of SGD, Keras' default.

    momentum : float, default=0.9
        Momentum of SGD, at least 0 and at most 1.

    nesterov : bool, default=False
        Whether the momentum is Nesterov's.

    weight_decay : float or "auto", default="auto"
        Share of each weight, times ``learning_rate``, that a step takes away, as
        Keras' optimizers do ("decoupled"; Loshchilov and Hutter, 2019). "auto" is 100
        divided by the number of rows, at most 1: it fades as the penalty of
        `LogisticRegression` does.

    epochs : int or "auto", default="auto"
        Passes over the training rows. "auto" are as many as make 500 steps, but 20 at
        least and 100 at most: few rows make few steps a pass.

    batch_size : int, default=32
        Rows a gradient step.

    validation_fraction : float or None, default=0.2
        Share of each class that is set aside to find the best epoch. Each class
        gives at least one row, a class with a single row none. None trains on all
        rows and keeps the epoch that is best on them, which the last one need not
        be: a step too long spoils it. Unused when `fit` is given ``X_val``.

    monitor : {"val_accuracy", "val_loss", "accuracy", "loss"}, default="val_loss"
        What decides the best epoch. Of equal accuracies, that of the least loss wins;
        of what is equal in both, the first. Without validation rows,
        ``"val_accuracy"`` is read as ``"accuracy"`` and ``"val_loss"`` as ``"loss"``.

    patience : int or None, default=None
        Epochs without a better one after which training stops. None trains every
        epoch.

    refit : bool, default=True
        Whether the network is then trained anew on all rows, those that were set
        aside included, for as many epochs as the best one took. Otherwise, and
        wherever there are ``callbacks`` or nothing was set aside, the weights of the
        best epoch are kept as they were.

    class_weight : dict, "balanced" or None, default=None
        Weight of each class, as in
        `sklearn.utils.class_weight.compute_sample_weight`. Multiplied with
        ``sample_weight``; only the ratios matter.

    checkpoint_path : str, path-like or None, default=None
        Where Keras writes the best weights as well, a name that ends with
        ``.weights.h5``. None keeps them in memory alone.

    callbacks : list, dict, keras.callbacks.Callback or None, default=None
        Keras callbacks in any form that scikeras takes: callbacks or classes of
        them, in a list or dict. `fit` uses a callback itself, so that what it
        collects is there afterwards, and takes the model from it in the end, so that
        it can be pickled and copied. Where scikit-learn clones the estimator, as
        searches and cross-validation do, the clone has a copy. Of a class, each fit
        makes an object of its own.
        With callbacks a fit takes as long as Keras' own, otherwise half as long.

        Classes take arguments as in scikeras: ``callbacks__es__patience=3`` goes
        with ``callbacks={"es": EarlyStopping}``.

    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the previous call.

    random_state : int, RandomState instance or None, default=None
        Decides the validation rows, the initial weights, the order of the rows and
        the dropout. An int gives the same weights each time on one machine.

    verbose : {0, 1, 2}, default=0
        Silent, a progress bar over the epochs that leaves a line, or a line an epoch.

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
        ``val_accuracy``: one number an epoch, a mean by the weights of rows and
        classes. Those of the training rows are running means over the epoch, with
        dropout, as Keras reports them. A refit adds nothing.

    loss_curve_ : list of float
        ``history_["loss"]``.

    n_iter_ : int
        Epochs that were trained, without a refit.

    best_epoch_ : int
        Index into the lists of ``history_`` of the epoch whose weights were kept, or
        at which the refit on all rows ended.

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
    loss_curve_: list[float]
    n_iter_: int
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
        "weight_decay": [
            Interval(Real, 0, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "standardize": ["boolean"],
        "refit": ["boolean"],
        "epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
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

    __module__ = "skresnet"  # by which files find it, wherever it moves

    def __init__(
        self,
        *,
        hidden_layer_sizes: Sequence[int] = (500,),
        activation: str = "relu",
        dropout: float | Sequence[float] = 0.2,
        standardize: bool = True,
        learning_rate: float = 0.01,
        momentum: float = 0.9,
        nesterov: bool = False,
        weight_decay: float | str = "auto",
        epochs: int | str = "auto",
        batch_size: int = 32,
        validation_fraction: float | None = 0.2,
        monitor: str = "val_loss",
        patience: int | None = None,
        refit: bool = True,
        class_weight: Mapping[Any, float] | str | None = None,
        checkpoint_path: Any = None,
        callbacks: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        **callbacks_params: Any,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.standardize = standardize
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.monitor = monitor
        self.patience = patience
        self.refit = refit
        self.class_weight = class_weight
        self.checkpoint_path = checkpoint_path
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        for name, value in callbacks_params.items():
            if not name.startswith("callbacks__"):
                raise TypeError(
                    f"DenseSGDClassifier has no parameter {name!r}; expected one of "
                    f"{self._get_param_names()}, or 'callbacks__...'."
                )
            setattr(self, name, value)

    # Without the ``**``, whose name scikit-learn's checks take for a parameter.
    __signature__ = Signature(
        [
            parameter
            for parameter in signature(__init__).parameters.values()
            if parameter.kind is Parameter.KEYWORD_ONLY
        ]
    )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, those of the callbacks included.

        Parameters
        ----------
        deep : bool, default=True
            Unused: no parameter is an estimator.

        Returns
        -------
        params : dict
            Their values by their names.
        """
        return {**super().get_params(deep), **self._callbacks_params()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of the callbacks too.

        Parameters
        ----------
        **params : dict
            Values by names; ``callbacks__es__patience=3`` is the argument
            ``patience`` of the class in ``callbacks={"es": EarlyStopping}``.

        Returns
        -------
        self : DenseSGDClassifier
            The classifier.
        """
        routed = {n: v for n, v in params.items() if n.startswith("callbacks__")}
        super().set_params(**{n: v for n, v in params.items() if n not in routed})
        if "callbacks" in params and self.callbacks is None:
            for name in self._callbacks_params():  # of no class any longer
                delattr(self, name)
        self.__dict__.update(routed)
        return self

    def __sklearn_clone__(self) -> Self:
        try:
            return super().__sklearn_clone__()
        except Exception as error:
            refuse_uncopyable(self.callbacks, error)
            raise

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
        X : array-like or Dask array of shape (n_samples, n_features)
            Features; used as float32. Over 128 MB of Dask are computed in each epoch.

        y : array-like of shape (n_samples,)
            Class labels, strings or integers.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, in the loss and in what decides the best epoch. They
            are scaled to a mean of 1, so that only their ratios matter. Rows of
            weight 0 are left out.

        X_val : array-like of shape (n_val, n_features), default=None
            Rows that decide the best epoch, by the weights of their classes; nothing
            is then set aside of X.

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
            y, sample_weight, X_val, y_val, groups, n_samples=number_of_rows(X)
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
            everything = None
            if self.validation_indices_ is not None:
                everything = partial(all_rows, request, X)
            rows = request, training, validation, random_state
            self._train(*rows, context, everything=everything)
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

        Nothing is set aside and the weights after the pass are kept, in the same
        ``model_``. A momentum starts at zero in each call.

        Parameters
        ----------
        X : array-like or Dask array of shape (n_samples, n_features)
            Features; used as float32.

        y : array-like of shape (n_samples,)
            Class labels, all of them among the classes.

        classes : array-like of shape (n_classes,), default=None
            All classes of all calls; the first call needs them if its y lacks some.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row in the loss; only the ratios within a call matter.

        Returns
        -------
        self : DenseSGDClassifier
            The classifier after one more pass.
        """
        first = not hasattr(self, "_head")
        request = check_fit(
            self,
            y,
            n_samples=number_of_rows(X),
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
            history, kept = ({}, None) if first else (self.history_, self._head)
            request = replace(request, settings=replace(request.settings, epochs=1))
            self._train(
                request,
                rows_of_a_call(request, X),
                None,
                self._partial_fit_state,
                standardization=None if first else self._standardization,
                history=history,
            )
            if kept is not None and self._head.follows(kept):
                kept.keep(self._head.weights)
                self._head = kept  # with the Keras model that a user may hold
            self.best_epoch_ = self.n_iter_ - 1
        return self

    def _train(
        self,
        request: FitRequest,
        training: Rows,
        validation: Rows | None,
        random_state: np.random.RandomState,
        context: Any = None,
        *,
        everything: Callable[[], Rows] | None = None,
        standardization: Standardization | None = None,
        history: Mapping[str, list[float]] = MappingProxyType({}),
    ) -> None:
        """Train from the fitted weights, or from new ones where there are none."""
        from skresnet.head.callbacks import EpochTasks
        from skresnet.head.training import train

        self.classes_ = request.classes
        trained = train(
            request,
            training,
            validation,
            random_state,
            earlier=getattr(self, "_head", None),
            standardization=standardization,
            everything=everything,
            callbacks=self._callbacks(),
            tasks=context and EpochTasks(self, context, request, training),
        )
        self._head = trained.head
        self._standardization = trained.standardization
        self.history_ = {
            name: history.get(name, []) + values
            for name, values in trained.history.items()
        }
        self.loss_curve_ = self.history_["loss"]
        self.n_iter_ = len(self.loss_curve_)
        self.best_epoch_ = trained.best_epoch
        self.best_score_ = trained.best_score

    def _callbacks(self) -> dict[str, Any]:
        """Give the Keras callbacks and their parameters, nothing if there are none."""
        given = self.callbacks
        return {"callbacks": given, **self._callbacks_params()} if given else {}

    def _callbacks_params(self) -> dict[str, Any]:
        return {n: v for n, v in vars(self).items() if n.startswith("callbacks__")}

"""The same dense network trained by several libraries.

Every function here prepares one and returns a callable that fits once, each time with
another learning rate, and gives the accuracy on the validation rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Run, library

N_FEATURES = 2048
N_CLASSES = 5
BATCH_SIZE = 32
HIDDEN = (500, 250, 200)
_DROPOUT = 0.2
_LEARNING_RATES = np.geomspace(0.003, 0.03, 20)


class Data(NamedTuple):
    """Rows to train on, and rows that decide the best epoch."""

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    X_val: NDArray[np.float32]
    y_val: NDArray[np.int64]


def skresnet(data: Data, epochs: int) -> Run:
    """Prepare the classifier of this package with the network of the others."""
    from skresnet import ORIGINAL_SETTINGS

    return _skresnet(data, {**ORIGINAL_SETTINGS, "epochs": epochs})


def skresnet_defaults(data: Data, epochs: int) -> Run:
    """Prepare it with its defaults: another network, other epochs, standardised."""
    return _skresnet(data, {})


def _skresnet(data: Data, settings: dict[str, Any]) -> Run:
    library("keras")  # as for the others, not part of the first fit
    library("scikeras.wrappers")
    from skresnet import DenseSGDClassifier

    def fit(learning_rate: float) -> float:
        chosen = {**settings, "learning_rate": learning_rate}
        classifier = DenseSGDClassifier(**chosen, random_state=0)
        classifier.fit(data.X, data.y, X_val=data.X_val, y_val=data.y_val)
        return max(classifier.history_["val_accuracy"])

    return _each_with_another_rate(fit)


def scikeras(data: Data, epochs: int) -> Run:
    """Prepare scikeras around the Keras network, as a user writes it."""
    wrappers, keras_module = library("scikeras.wrappers"), library("keras")

    def fit(learning_rate: float) -> float:
        with TemporaryDirectory() as folder:
            classifier = wrappers.KerasClassifier(
                _keras_network,
                optimizer=keras_module.optimizers.SGD,
                optimizer__learning_rate=learning_rate,
                loss="categorical_crossentropy",
                metrics=["accuracy"],
                epochs=epochs,
                batch_size=BATCH_SIZE,
                verbose=0,
                callbacks=[_checkpoint(folder)],
                fit__validation_data=(data.X_val, _one_hot(data.y_val)),
            ).fit(data.X, data.y)
        return max(classifier.history_["val_accuracy"])

    return _each_with_another_rate(fit)


def keras(data: Data, epochs: int) -> Run:
    """Prepare ``Model.fit``."""
    keras_module = library("keras")

    def fit(learning_rate: float) -> float:
        network = _keras_network()
        network.compile(
            optimizer=keras_module.optimizers.SGD(learning_rate=learning_rate),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        with TemporaryDirectory() as folder:
            history = network.fit(
                data.X,
                _one_hot(data.y),
                epochs=epochs,
                batch_size=BATCH_SIZE,
                verbose=0,
                callbacks=[_checkpoint(folder)],
                validation_data=(data.X_val, _one_hot(data.y_val)),
            ).history
        return max(history["val_accuracy"])

    return _each_with_another_rate(fit)


def sklearn(data: Data, epochs: int) -> Run:
    """Prepare scikit-learn's network, without dropout and without validation."""
    neural_network = library("sklearn.neural_network")
    exceptions = library("sklearn.exceptions")
    warnings = library("warnings")

    def fit(learning_rate: float) -> float:
        classifier = neural_network.MLPClassifier(
            HIDDEN,
            solver="sgd",
            momentum=0.0,
            alpha=0.0,
            learning_rate_init=learning_rate,
            batch_size=BATCH_SIZE,
            max_iter=epochs,
            n_iter_no_change=epochs,
            random_state=0,
        )
        with warnings.catch_warnings():
            # It says that it has not converged yet, as it was told to.
            warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
            classifier.fit(data.X, data.y)
        return float(classifier.score(data.X_val, data.y_val))

    return _each_with_another_rate(fit)


def pytorch(data: Data, epochs: int) -> Run:
    """Prepare a plain loop that keeps the weights of the best epoch."""
    torch = library("torch")
    X, y, X_val, y_val = (torch.from_numpy(array) for array in data)

    def fit(learning_rate: float) -> float:
        network = _torch_network(torch)
        optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate)
        best, kept = -1.0, None
        for _ in range(epochs):
            network.train()
            for rows in torch.randperm(len(X)).split(BATCH_SIZE):
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(network(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
            network.eval()
            with torch.inference_mode():
                correct = network(X_val).argmax(1) == y_val
            accuracy = float(correct.float().mean())
            if accuracy > best:
                best = accuracy
                kept = {k: v.clone() for k, v in network.state_dict().items()}
        network.load_state_dict(kept)
        return best

    return _each_with_another_rate(fit)


def _each_with_another_rate(fit: Callable[[float], float]) -> Run:
    rates = itertools.cycle(_LEARNING_RATES.tolist())
    return lambda: fit(next(rates))


def _one_hot(y: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.eye(N_CLASSES, dtype=np.float32)[y]


def _checkpoint(folder: str) -> Any:
    return library("keras").callbacks.ModelCheckpoint(
        str(Path(folder) / "best.weights.h5"),
        monitor="val_accuracy",
        save_best_only=True,
        save_weights_only=True,
    )


def _keras_network() -> Any:
    keras_module = library("keras")
    first, second, last = HIDDEN
    layers = keras_module.layers
    return keras_module.Sequential(
        [
            layers.Input((N_FEATURES,)),
            layers.Dense(first, activation="relu"),
            layers.Dense(second, activation="relu"),
            layers.Dropout(_DROPOUT),
            layers.Dense(last, activation="relu"),
            layers.Dense(N_CLASSES, activation="softmax"),
        ]
    )


def _torch_network(torch: Any) -> Any:
    first, second, last = HIDDEN
    return torch.nn.Sequential(
        torch.nn.Linear(N_FEATURES, first),
        torch.nn.ReLU(),
        torch.nn.Linear(first, second),
        torch.nn.ReLU(),
        torch.nn.Dropout(_DROPOUT),
        torch.nn.Linear(second, last),
        torch.nn.ReLU(),
        torch.nn.Linear(last, N_CLASSES),
    )

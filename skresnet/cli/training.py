"""Training the head on features, with news of each epoch."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

_COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")


def fit_head(
    head: Any,
    features: np.ndarray,
    classes: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray] | None,
) -> None:
    """Fit the steps behind the embedder and print a line an epoch."""
    import sklearn
    from keras.callbacks import LambdaCallback

    def print_epoch(epoch: int, logs: dict[str, float]) -> None:
        names = [name for name in _COLUMNS if name in logs]
        if epoch == 0:
            click.echo("epoch" + "".join(f"  {name:>12}" for name in names))
        click.echo(f"{epoch + 1:5}" + "".join(f"  {logs[n]:12.4f}" for n in names))

    params = {}
    if validation:
        params = {"X_val": validation[0], "y_val": validation[1]}
    head.set_params(classifier__callbacks=[LambdaCallback(on_epoch_end=print_epoch)])
    with sklearn.config_context(enable_metadata_routing=True):
        head.fit(features, classes, **params)
    head.set_params(classifier__callbacks=None)


def best_epoch(classifier: Any) -> str:
    """Describe the epoch whose weights were kept."""
    history, best = classifier.history_, classifier.best_epoch_
    kind = "validation" if "val_accuracy" in history else "training"
    accuracy = history["val_accuracy" if kind == "validation" else "accuracy"][best]
    return f"epoch {best + 1} of {len(history['loss'])}, {kind} accuracy {accuracy:.4f}"

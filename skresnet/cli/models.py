"""Models in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from skresnet.cli.outputs import replacing


def load_model(path: Path) -> Any:
    """Load a Pipeline from a joblib file.

    Raises
    ------
    click.ClickException
        If there is no file, nothing that can be loaded, or no classifier of pictures.
    """
    import joblib

    if not path.is_file():
        raise click.ClickException(
            f"There is no model {path}: expected a file that `skresnet train` or "
            "joblib.dump has written."
        )
    try:
        model = joblib.load(path)
    except Exception as error:
        # Bytes that are no pickle make it raise nearly anything.
        raise click.ClickException(
            f"{path} cannot be loaded as a model ({type(error).__name__}: {error}). "
            "Expected a file that `skresnet train` or joblib.dump has written, with "
            "the versions of skresnet and scikit-learn that are installed here; "
            "otherwise train again."
        ) from error
    model = getattr(model, "best_estimator_", model)
    steps = getattr(model, "named_steps", {})
    if "embedder" not in steps or not hasattr(model, "predict_proba"):
        raise click.ClickException(
            f"{path} holds a {type(model).__name__}, expected a fitted Pipeline as "
            "make_image_classifier makes it, whose first step is called 'embedder' "
            "and whose last one predicts probabilities."
        )
    return model


def save_model(model: Any, path: Path) -> None:
    """Write a Pipeline, without what only concerned the run that made it."""
    import joblib

    model.set_params(
        embedder__cache=None,
        embedder__n_jobs=None,
        embedder__on_error="raise",
        embedder__verbose=0,
    )
    with replacing(path) as unfinished:
        joblib.dump(model, unfinished)

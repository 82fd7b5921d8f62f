"""Evaluations of a model beside earlier ones of the same pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skresnet.base import installed_version
from skresnet.evaluation import Predictions
from skresnet.warn import warn_user

_EXPECTED = "expected a file that `skresnet evaluate --format json` has written"


class Earlier(NamedTuple):
    """An earlier evaluation, as far as it was of the same pictures.

    Attributes
    ----------
    name : str
        The file that holds it.
    model : str
        The name of the model's file, without its ending.
    date : str
        When it was made, as year, month and day.
    version : str
        The version of skresnet that made it.
    n_shared : int
        How many pictures are the same, byte for byte.
    accuracy : float
        Of these pictures, by the labels of today.
    accuracy_now : float
        What is reached today, of the same pictures.
    standard_error : float
        Of the difference between the two, picture by picture; NaN of one picture.
    n_gained, n_lost : int
        How many are right today and were not then, and the other way round.
    recalls : dict of label to pair of float
        The share of the pictures of each class that were right, then and today.
    """

    name: str
    model: str
    date: str
    version: str
    n_shared: int
    accuracy: float
    accuracy_now: float
    standard_error: float
    n_gained: int
    n_lost: int
    recalls: dict[Any, tuple[float, float]]

    @property
    def difference(self) -> float:
        """How much more is right today."""
        return self.accuracy_now - self.accuracy

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.model}, {self.date}): accuracy {self.accuracy:.4f}, "
            f"now {self.difference:+.4f} ± {self.standard_error:.4f} on "
            f"{self.n_shared} shared pictures, {self.n_gained} gained, "
            f"{self.n_lost} lost"
        )


def record(predictions: Predictions, model: str) -> dict[str, Any]:
    """Describe for JSON what `compared` needs later, where contents are known."""
    described: dict[str, Any] = {
        "model": model,
        "date": date.today().isoformat(),
        "skresnet": installed_version("skresnet"),
    }
    if predictions.digests is not None:
        described["predictions"] = [
            {
                "path": str(picture.path),
                "digest": digest.hex(),
                "class": str(true),
                "predicted": str(predicted),
            }
            for picture, digest, true, predicted in zip(
                predictions.pictures,
                predictions.digests,
                predictions.y_true,
                predictions.y_pred,
                strict=True,
            )
        ]
    return described


def read_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what `record` described.

    Raises
    ------
    FileNotFoundError
        If there is no file.

    ValueError
        If it holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}: {_EXPECTED}.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # neither UTF-8 nor JSON
        raise ValueError(f"{path} is not JSON: {_EXPECTED}.") from error
    try:
        texts = [content[name] for name in ("model", "date", "skresnet")]
        for picture in content["predictions"]:
            texts += picture["digest"], picture["predicted"]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} does not hold the predictions of each picture: {_EXPECTED}, with "
            "this version or a later one."
        ) from error
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{path} holds other than texts: {_EXPECTED}.")
    return {"name": path.name, **content}


def compared(
    predictions: Predictions, records: Iterable[dict[str, Any]]
) -> list[Earlier]:
    """Compare predictions with earlier ones of the same pictures.

    Records of other pictures only are left out, with a warning.

    Pictures are the same if their contents are, whatever their names. What was right
    is decided by the labels that they have now. The standard error is that of the mean
    of the differences of the single pictures (1, 0 or -1).
    """
    found = [(record, _compared(predictions, record)) for record in records]
    for record, earlier in found:
        if earlier is None:
            warn_user(
                f"{record['name']} is left out: none of its pictures is among those "
                "that were tested now. Compare evaluations of the same pictures."
            )
    return [earlier for _, earlier in found if earlier is not None]


def _compared(predictions: Predictions, record: dict[str, Any]) -> Earlier | None:
    then = {known["digest"]: known["predicted"] for known in record["predictions"]}
    # Of copies, the last one stands for all, then as now.
    rows = {digest.hex(): row for row, digest in enumerate(predictions.digests or ())}
    shared = [(row, then[key]) for key, row in rows.items() if key in then]
    if not shared:
        return None
    at = [row for row, _ in shared]
    labels = predictions.y_true[at]
    right_now = predictions.is_right[at]
    right_then = np.array([label for _, label in shared]) == labels.astype(str)
    differences = right_now.astype(int) - right_then.astype(int)
    return Earlier(
        name=record["name"],
        model=record["model"],
        date=record["date"],
        version=record["skresnet"],
        n_shared=len(shared),
        accuracy=float(right_then.mean()),
        accuracy_now=float(right_now.mean()),
        standard_error=float(differences.std(ddof=1) / np.sqrt(len(shared)))
        if len(shared) > 1
        else float("nan"),
        n_gained=int((differences > 0).sum()),
        n_lost=int((differences < 0).sum()),
        recalls={
            label: (
                float(right_then[labels == label].mean()),
                float(right_now[labels == label].mean()),
            )
            for label in np.unique(labels).tolist()
        },
    )

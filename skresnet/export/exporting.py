"""export_model: a fitted model as one file for another runtime, checked there."""

from __future__ import annotations

import copy
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from skresnet.base import installed_version
from skresnet.dense_layers import dense_layers, flat_steps
from skresnet.export.formats import FORMATS, Format, Parts, Run
from skresnet.export.pictures import sample_pixels
from skresnet.head.predictor import HeadPredictor
from skresnet.image_embedder import ImageEmbedder
from skresnet.pipeline import fitted_image_pipeline
from skresnet.text import counted
from skresnet.validation import user_path
from skresnet.warn import warn_user
from skresnet.weights import load_weights

_AT_ONCE = 8  # pictures, so that the check takes little memory

_SURE = 0.9999  # of what lies above, rounding shows little

_ENDINGS = "'.onnx', '.keras', '.tflite' (LiteRT) or '.xml' (OpenVINO)"


class ExportMismatchError(ValueError):
    """What was exported computes something else than the model, and was not kept."""


class ExportCheck(NamedTuple):
    """What came of running an exported file in its own runtime.

    Attributes
    ----------
    path : pathlib.Path
        The file, or the folder of a SavedModel.
    format : str
        The kind of file.
    runtime : str
        The package that ran it, and its version.
    n_pictures : int
        How many pictures it was run on.
    max_difference : float
        The largest difference of a probability from that of ``predict_proba``.
    """

    path: Path
    format: str
    runtime: str
    n_pictures: int
    max_difference: float

    def __str__(self) -> str:
        pictures = counted(self.n_pictures, "picture")
        return (
            f"{self.format}, run by {self.runtime} on {pictures}: probabilities differ "
            f"from the model's by at most {self.max_difference:.1e}"
        )


def export_model(
    model: Any,
    path: str | os.PathLike[str],
    *,
    sample: Any = None,
    tolerance: float = 1e-4,
    overwrite: bool = False,
) -> ExportCheck:
    """Write a fitted model as one network for another runtime, and check it there.

    The network takes uint8 pixels of shape (batch, height, width, 3), RGB and of the
    input size, and gives the probabilities, float32 of shape (batch, n_classes). Its
    preprocessing, normalisation and classifier are inside. What remains to the caller
    is to decode a picture, turn it upright and resize it.

    Before the file is left under its name, its runtime runs it on pictures, and what
    it gives is compared with ``predict_proba``.

    Parameters
    ----------
    model : Pipeline
        A fitted embedder and classifier, such as `make_image_classifier` makes, or a
        search over one, whose best estimator is taken.

    path : str or path-like
        Where to. The ending says what to write: ``.onnx``, ``.keras``, ``.tflite``
        (LiteRT), ``.xml`` (OpenVINO, with a ``.bin`` beside it), or none, for the
        folder of a TensorFlow SavedModel.

    sample : pictures, default=None
        What the file is run on, as X of the embedder. None takes two photographs that
        come with scikit-learn, whole and in quarters, and four drawn pictures.

    tolerance : float, default=1e-4
        By how much a probability may differ.

    overwrite : bool, default=False
        Whether to replace what is there.

    Returns
    -------
    check : ExportCheck
        What was compared, and the largest difference.

    Raises
    ------
    ExportMismatchError
        If a probability differs by more. Nothing is written then.

    ValueError
        If the ending is none of these, or the classifier, or a step before it, cannot
        be written so.

    TypeError
        If the model is no such Pipeline.

    ImportError
        If a package is missing; ``pip install "skresnet[export]"`` brings all.

    FileExistsError
        If something is there and not to be replaced.

    Examples
    --------
    >>> from skresnet import export_model
    >>> export_model(model, "model.onnx")  # doctest: +SKIP
    """
    validate_parameter_constraints(
        {
            "tolerance": [Interval(Real, 0, None, closed="left")],
            "overwrite": ["boolean"],
        },
        {"tolerance": tolerance, "overwrite": overwrite},
        "export_model",
    )
    path = user_path(path).absolute()
    chosen = checked_format(path)
    model = fitted_image_pipeline(model, "cannot be exported")
    parts = _parts(model, chosen, path)
    check_place(path, chosen, overwrite=overwrite)
    pixels = sample_pixels(model[0], sample)
    expected = _without_cache(model).predict_proba(list(pixels))
    if (expected.max(axis=1) > _SURE).all():
        warn_user(
            f"The model is sure of each of the {len(pixels)} pictures that the file is "
            "run on, so that an error of the file might not show. Pass pictures like "
            "those it is for as sample."
        )
    with _unfinished(path) as unfinished:
        chosen.write(parts, unfinished)
        difference = _difference(chosen.read(unfinished), pixels, expected)
        check = ExportCheck(
            path,
            chosen.title,
            f"{chosen.runtime} {installed_version(chosen.runtime)}",
            len(pixels),
            difference,
        )
        if not difference <= tolerance:
            raise ExportMismatchError(_mismatch(check, tolerance, model[0]))
        check_place(path, chosen, overwrite=overwrite)
        _move(unfinished, path)
    return check


def checked_format(path: Path) -> Format:
    """Find the format that a path asks for.

    Raises
    ------
    ValueError
        If it is none of those there are.
    ImportError
        If a package is missing that it needs.
    """
    if path.suffix not in FORMATS:  # Keras finds no model in a file that ends in .KERAS
        raise ValueError(
            f"path={str(path)!r} ends in {path.suffix!r}, which says no format: "
            f"expected {_ENDINGS}, in small letters, or a name without an ending for "
            "the folder of a SavedModel."
        )
    chosen = FORMATS[path.suffix]
    missing = [name for name in chosen.modules if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"{chosen.title} is written and checked with {' and '.join(missing)}, not "
            'installed here: python -m pip install "skresnet[export]".'
        )
    return chosen


def check_place(path: Path, chosen: Format, *, overwrite: bool) -> None:
    """Refuse a place that cannot be written to.

    Raises
    ------
    OSError
        If something is there that is not to be replaced, or no folder to write to.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"{path} cannot be written: the folder {path.parent} does not exist; make "
            "it first."
        )
    if chosen.title == "SavedModel":
        if path.exists() and not (path / "saved_model.pb").is_file():
            raise FileExistsError(
                f"{path} exists and is no SavedModel: choose another name."
            )
    elif path.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder; expected the name of a file to write."
        )
    for place in (path, *(path.with_suffix(ending) for ending in chosen.companions)):
        if os.path.lexists(place) and not overwrite:
            raise FileExistsError(
                f"{place} exists. Choose another name, or replace it with "
                "overwrite=True."
            )


def _parts(model: Pipeline, chosen: Format, path: Path) -> Parts:
    steps = list(flat_steps([step for _, step in model.steps[1:]]))
    layers = dense_layers(steps)
    needs_layers = chosen.dense_only or isinstance(steps[-1], HeadPredictor)
    if layers is None and (needs_layers or not find_spec("skl2onnx")):
        names = ", ".join(type(step).__name__ for step in steps)
        instead = ""
        if not needs_layers:
            instead = ' Others need skl2onnx: python -m pip install "skresnet[export]".'
        elif chosen.dense_only:
            instead = " A name that ends in .onnx takes all that skl2onnx converts."
        raise ValueError(
            f"{path.name}: {chosen.title} cannot hold what follows the embedder "
            f"({names}). Expected a DenseSGDClassifier whose Keras layers are as they "
            "were trained, a LogisticRegression or an MLPClassifier, with "
            f"StandardScaler or PCA before it, if anything.{instead}"
        )
    settings = model[0]._backbone
    return Parts(
        settings, load_weights(settings.weights), steps, layers, _metadata(model)
    )


def _metadata(model: Pipeline) -> dict[str, str]:
    """Say what a caller needs to know, in words that any format can keep."""
    embedder = model[0]
    resizing = embedder._resizing
    height, width = resizing.input_size
    labels = model.classes_.tolist()
    return {
        "classes": json.dumps(
            [label if _is_plain(label) else str(label) for label in labels]
        ),
        "input": f"uint8 RGB pixels, (batch, {height}, {width}, 3)",
        "height": str(height),
        "width": str(width),
        "interpolation": resizing.interpolation,
        "aspect": resizing.aspect,
        "network": embedder._backbone.network.name,
        "made_with": f"skresnet {installed_version('skresnet')}",
    }


def _is_plain(label: Any) -> bool:
    return isinstance(label, str | int | float)


def _without_cache(model: Pipeline) -> Pipeline:
    """Copy a model so that predicting neither keeps rows nor speaks."""
    embedder = copy.copy(model[0])
    embedder.cache, embedder.verbose, embedder.on_error = None, 0, "raise"
    copied = copy.copy(model)
    copied.steps = [(model.steps[0][0], embedder), *model.steps[1:]]
    return copied


def _difference(run: Run, pixels: NDArray[np.uint8], expected: Any) -> float:
    """Find by how much probabilities differ; infinite where they cannot be compared."""
    parts = np.array_split(pixels, -(-len(pixels) // _AT_ONCE))
    found = np.concatenate([np.asarray(run(part)) for part in parts])
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found.astype(np.float64) - expected).max())


def _mismatch(check: ExportCheck, tolerance: float, embedder: ImageEmbedder) -> str:
    advice = "This is a fault of skresnet or of a package that it exports with."
    if embedder._backbone.precision != "float32":
        advice = (
            f"The model computes in {embedder._backbone.precision}, and what is "
            "exported in float32: fit it with precision='float32', or allow the "
            "difference by tolerance."
        )
    return (
        f"{check.path} was not written. {check}, where {tolerance:g} is allowed. "
        f"{advice}"
    )


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """Give the same name in a new folder beside it, which goes at the end.

    Files keep their names, since a file of OpenVINO's finds its weights by its own.
    """
    folder = tempfile.mkdtemp(".unfinished", f".{path.name[:32]}.", path.parent)
    try:
        yield Path(folder) / path.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move(unfinished: Path, path: Path) -> None:
    """Move what was written into place, the file that is asked for last."""
    others = sorted(set(unfinished.parent.iterdir()) - {unfinished})
    for file in others:
        file.replace(path.with_name(file.name))
    if unfinished.is_dir() and path.exists():
        path.rename(unfinished.parent / "replaced")
    unfinished.replace(path)

"""Models in files that run no code when they are read, by skops."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

from skresnet.classifier import DenseSGDClassifier
from skresnet.image_embedder import ImageEmbedder
from skresnet.model_parts import check_numbers, objects_within
from skresnet.validation import user_path

TRUSTED_TYPES: Final = [
    "skresnet.DenseSGDClassifier",
    "skresnet.EfficientNetLite0Embedder",
    "skresnet.ImageClassifierPipeline",
    "skresnet.NoveltyDetector",
    "skresnet.ResNet50Embedder",
]
"""The types of this package that a model file may hold, as skops calls them."""

# What scikit-learn's models consist of besides estimators, whom skops trusts by itself.
# None of them does anything but compute, with numbers that `check_numbers` looks at.
_PARTS_OF_MODELS: Final = [
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.metrics._scorer._CurveScorer",
    "sklearn.metrics._scorer._MultimetricScorer",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
    "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
]


class UnsafeModelError(ValueError):
    """A model file holds, or would hold, what is not loaded."""


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model to a file that runs no code when it is read.

    Parameters
    ----------
    model : estimator
        A fitted Pipeline, search, calibrated classifier, or any other estimator of
        this package or of scikit-learn. It is not changed. A cache stays where it is:
        the file does not name it.

    path : path
        The file, which must end in ``.skops``; one that exists is replaced.

    Raises
    ------
    UnsafeModelError
        If the model holds types that `load_model` would refuse, such as callbacks of
        Keras, functions of yours, or distributions of SciPy in a search. The message
        names them. Nothing is written.

    FileNotFoundError
        If there is no folder to write it to.

    ImportError
        If skops is not installed: ``pip install "skresnet[skops]"``.

    See Also
    --------
    load_model : Reads the file.

    Examples
    --------
    >>> import numpy as np
    >>> from skresnet import NoveltyDetector, load_model, save_model
    >>> detector = NoveltyDetector().fit(np.eye(4))
    >>> save_model(detector, "detector.skops")
    >>> load_model("detector.skops")
    NoveltyDetector()
    """
    sio = _skops()
    path = _checked(path)
    _refuse_changed_layers(model, "The model")
    try:
        check_numbers(model)
    except ValueError as error:
        raise UnsafeModelError(
            f"The model cannot be written to {str(path)!r}, since load_model would "
            f"refuse it: {error}"
        ) from error
    with _without_caches(model):
        try:
            content = sio.dumps(model)
        except TypeError as error:  # skops' word for what it cannot write
            raise UnsafeModelError(
                f"The model cannot be written to {str(path)!r}: {error} Leave that "
                "out, or use joblib.dump."
            ) from error
    others = _others(sio.get_untrusted_types(data=content))
    if others:
        raise UnsafeModelError(
            f"The model cannot be written to {str(path)!r}, since load_model would "
            f"refuse these types in it: {', '.join(others)}. Leave them out, as by "
            "set_params(classifier__callbacks=None) or by saving the best_estimator_ "
            "of a search; or use joblib.dump, whose files run code when they are read."
        )
    _write(content, path)


def load_model(path: str | os.PathLike[str]) -> Any:
    """Read a model that `save_model` has written, without running anything in it.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    model : estimator
        The model. Its embedders have no cache; set one by
        ``set_params(embedder__cache=...)``.

    Raises
    ------
    UnsafeModelError
        If the file holds types other than `TRUSTED_TYPES`, NumPy's arrays and
        scikit-learn's estimators with what these consist of; the message names them.

    ValueError
        If it is no file of skops, or a damaged one.

    ImportError
        If skops is not installed: ``pip install "skresnet[skops]"``.

    See Also
    --------
    save_model : Writes the file, with an example.
    """
    sio = _skops()
    file = user_path(path)
    try:
        with ZipFile(file) as archive:
            json.loads(archive.read("schema.json"))
    except (BadZipFile, KeyError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{str(path)!r} is not a file that save_model has written, or it is "
            f"damaged ({type(error).__name__}). If it is a pickle, as of joblib.dump, "
            "joblib.load reads it, and runs what it contains: do that only with files "
            "of people you trust."
        ) from error
    try:
        untrusted = sio.get_untrusted_types(file=file)
        if others := _others(untrusted):
            raise UnsafeModelError(
                f"{str(path)!r} is refused, and nothing of it was run: it holds "
                f"{', '.join(others)}, which no model of skresnet and scikit-learn "
                "needs. Do not use the file unless you know why it is so."
            )
        model = sio.load(file, trusted=untrusted)
        check_numbers(model)
        _refuse_changed_layers(model, repr(str(path)))
    except (UnsafeModelError, OSError):
        raise
    except Exception as error:  # what is made up makes skops and types raise anything
        raise ValueError(
            f"{str(path)!r} cannot be loaded as a model ({type(error).__name__}): it "
            "is damaged, was changed, or is of other versions of skresnet, "
            "scikit-learn or skops than those installed here."
        ) from error
    for embedder in objects_within(model, ImageEmbedder):
        embedder.cache = None
    return model


def _skops() -> Any:
    if find_spec("skops") is None:
        raise ImportError(
            "Files of .skops need the package skops, which is not installed: python "
            "-m pip install 'skresnet[skops]'."
        )
    import skops.io

    return skops.io


def _checked(path: str | os.PathLike[str]) -> Path:
    file = user_path(path)
    if file.suffix.lower() != ".skops":
        raise ValueError(
            f"path={str(path)!r} must end in .skops, as files do that run no code."
        )
    if not file.parent.is_dir():
        raise FileNotFoundError(
            f"path={str(path)!r}: the folder {str(file.parent)!r} does not exist; make "
            "it first."
        )
    return file


def _others(untrusted: list[str]) -> list[str]:
    """List the types that are neither ours nor parts of scikit-learn's models."""
    others = {*untrusted}.difference(TRUSTED_TYPES, _PARTS_OF_MODELS)
    return sorted(others.difference(_named()) if others else others)


def _named() -> Iterator[str]:
    """List what searches and Gaussian processes are given, by scikit-learn's names."""
    from sklearn import gaussian_process, metrics, model_selection

    for scorer in metrics.get_scorer_names():
        function = metrics.get_scorer(scorer)._score_func
        yield f"{function.__module__}.{function.__name__}"
    for name, found in vars(model_selection).items():
        if isinstance(found, type) and hasattr(found, "get_n_splits"):
            yield f"{found.__module__}.{name}"
    kernel = gaussian_process.kernels.Kernel
    for name, found in vars(gaussian_process.kernels).items():
        if isinstance(found, type) and issubclass(found, kernel):
            yield f"{found.__module__}.{name}"


def _refuse_changed_layers(model: Any, what: str) -> None:
    for classifier in objects_within(model, DenseSGDClassifier):
        head = vars(classifier).get("_head")
        if head is not None and head.has_changed_layers:
            raise UnsafeModelError(
                f"{what} has a dense network whose layers were changed, by callbacks "
                "or in model_. Keras builds such layers from a description that may "
                "name any code, so that joblib.dump alone keeps them."
            )


@contextmanager
def _without_caches(model: Any) -> Iterator[None]:
    """Let embedders have no cache meanwhile."""
    caches = [(found, found.cache) for found in objects_within(model, ImageEmbedder)]
    for embedder, _ in caches:
        embedder.cache = None
    try:
        yield
    finally:
        for embedder, cache in caches:
            embedder.cache = cache


def _write(content: bytes, path: Path) -> None:
    """Put the file in place at once, so that no half of it is ever seen."""
    prefix = f".{path.name[:32]}."
    descriptor, name = tempfile.mkstemp(".unfinished", prefix, path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        mask = os.umask(0o077)
        os.umask(mask)
        with suppress(OSError):  # some file systems know no modes
            Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

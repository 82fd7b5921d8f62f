"""Backbones that are ready to compute, one for equal settings in a process."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from skresnet.backbone.openvino import compile_openvino
from skresnet.backbone.settings import (
    BackboneSettings,
    Engine,
    check_engine,
    check_precision,
)
from skresnet.backbone.tensorflow import compile_tensorflow
from skresnet.forks import check_eager, claim
from skresnet.networks import Arrays
from skresnet.weights import verified_weights

_KEPT = 3  # backbones a process keeps, each about 100 MB in float32

_Compute = Callable[[NDArray[Any]], NDArray[np.float32]]

_Weights = Callable[[], dict[str, Arrays]]

_COMPILERS: dict[Engine, Callable[[BackboneSettings, _Weights], _Compute]] = {
    "tensorflow": compile_tensorflow,
    "openvino": compile_openvino,
}
_LIBRARIES: dict[Engine, str] = {"tensorflow": "TensorFlow", "openvino": "OpenVINO"}


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network up to a layer, from pixels to features. Safe to call from threads.

    Attributes
    ----------
    settings : BackboneSettings
        What was asked for.
    n_features : int
        The number of columns of the features.
    """

    settings: BackboneSettings
    _compute: _Compute = field(repr=False)

    @property
    def n_features(self) -> int:
        """The number of columns of the features."""
        return self.settings.n_features

    def __call__(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Compute the features of a batch of pictures.

        Parameters
        ----------
        batch : ndarray of shape (n, height, width, 3), uint8 or float32
            RGB pixels from 0 to 255. The number of pictures may change from call to
            call, and may be 0.

        Returns
        -------
        features : ndarray of shape (n, n_features), float32
            One row a picture.

        Raises
        ------
        ValueError
            If the batch has another shape or type.
        RuntimeError
            If this process is a fork of one that has computed with the engine.
        """
        claim(_LIBRARIES[cast(Engine, self.settings.engine)])
        expected = (*self.settings.input_size, 3)
        if batch.ndim != 4 or batch.shape[1:] != expected:
            raise ValueError(
                f"The batch has shape {batch.shape}: expected (n, "
                f"{', '.join(map(str, expected))}), as by input_size="
                f"{self.settings.input_size}. Resize the pictures, or load a backbone "
                "for their size."
            )
        if batch.dtype not in (np.uint8, np.float32):
            raise ValueError(
                f"The batch is of type {batch.dtype}: expected uint8 or float32 "
                "pixels from 0 to 255."
            )
        if len(batch) == 0:
            return np.empty((0, self.n_features), np.float32)
        return self._compute(batch)


@dataclass(eq=False)
class _Place:
    """Where a backbone is built by the first who asks while the others wait."""

    lock: Lock = field(default_factory=Lock)
    backbone: Backbone | None = None


_places: OrderedDict[BackboneSettings, _Place] = OrderedDict()
_places_lock = Lock()


def load_backbone(settings: BackboneSettings) -> Backbone:
    """Return the backbone for settings, building it if this process has none.

    However many threads ask at once, it is built once. The three used last are kept.

    Parameters
    ----------
    settings : BackboneSettings
        What the backbone shall compute.

    Returns
    -------
    backbone : Backbone
        A callable from (n, height, width, 3) pixels to (n, n_features) float32.

    Raises
    ------
    WeightsUnavailableError
        If the weights file has gone or changed since it was resolved.
    ValueError
        If the file does not hold the network's weights, or if a precision is asked for
        that the processor is slow at, or the engine does not compute in.
    EngineUnavailableError
        If the engine is not installed, or what ``precision="int8"`` needs.
    RuntimeError
        If this process is a fork of one that has computed with the engine, or
        TensorFlow does not execute eagerly.
    """
    settings = settings.on_this_machine()
    engine = cast(Engine, settings.engine)  # and no longer "auto"
    check_engine(engine)
    claim(_LIBRARIES[engine])
    if engine == "tensorflow":
        check_eager()
    with _places_lock:
        place = _places.setdefault(settings, _Place())
        _places.move_to_end(settings)
        while len(_places) > _KEPT:
            _places.popitem(last=False)
    with place.lock:
        if place.backbone is None:
            check_precision(settings.precision, engine)
            read = verified_weights(settings.weights)
            compute = _COMPILERS[engine](settings, read)
            place.backbone = Backbone(settings, compute)
        return place.backbone

"""What a backbone is asked to be, and whether this machine can compute it."""

import platform
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self

from skresnet.networks import NETWORKS, Network, Pooling
from skresnet.weights import ResolvedWeights

Engine = Literal["tensorflow", "openvino"]
Precision = Literal["float32", "bfloat16", "int8"]

ENGINES: tuple[Engine, ...] = ("tensorflow", "openvino")
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "int8")

# What Linux calls GPUs that TensorFlow may compute on: NVIDIA's, AMD's, Windows'.
GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")

_CPUINFO = Path("/proc/cpuinfo")
_FAST_FLAGS = {
    "bfloat16": {"avx512_bf16", "amx_bf16"},
    "int8": {"avx512_vnni", "avx_vnni", "amx_int8"},
}

# To be raised when the same versions of the packages give other 8-bit features.
_CALIBRATION_VERSION = 1

_most_threads: list[int] = []  # one number, or none for no limit


class EngineUnavailableError(ImportError, ValueError):
    """The engine is not installed: another value of the parameter is, or pip helps."""


@dataclass(frozen=True)
class BackboneSettings:
    """All that determines what a backbone computes, to the last bit of its weights.

    Equal settings mean equal features. They can be hashed and pickled, and making them
    neither needs an engine nor reads weights. They are taken as they are: who takes
    parameters from users checks them, with `Network.n_features` for what depends on
    the network.

    Parameters
    ----------
    weights : ResolvedWeights
        What :func:`resolve_weights` returned, and by that the network.
    layer : str, default="avg_pool"
        The layer whose output is taken.
    pooling : {"avg", "max", "flatten"}, default="avg"
        How an output of (height, width, channels) becomes one row. ``"avg_pool"``,
        a mean already, allows only ``"avg"``.
    input_size : tuple of int, default=(224, 224)
        (height, width) of the pictures in pixels, each at least 32.
    preprocessing : str or None, default="caffe"
        The name of the network's own preprocessing, which its pretrained weights
        expect; None leaves the pixels as they are.
    precision : {"float32", "bfloat16", "int8"}, default="float32"
        What convolutions are computed in. Features are float32 in any case.
    engine : {"tensorflow", "openvino", "auto"}, default="tensorflow"
        What computes them. The features of two engines differ by rounding; ``"auto"``
        leaves the choice to `on_this_machine`.
    """

    weights: ResolvedWeights
    layer: str = "avg_pool"
    pooling: Pooling = "avg"
    input_size: tuple[int, int] = (224, 224)
    preprocessing: str | None = "caffe"
    precision: Precision = "float32"
    engine: Engine | Literal["auto"] = "tensorflow"

    @property
    def network(self) -> Network:
        """The table of layers."""
        return NETWORKS[self.weights.network]

    @property
    def n_features(self) -> int:
        """The number of columns of the features."""
        return self.network.n_features(self.layer, self.pooling, self.input_size)

    @property
    def calibration(self) -> str | None:
        """All that decides a network of 8 bits besides the settings; else None."""
        if self.precision != "int8":
            return None
        packages = [f"{name} {version(name)}" for name in ("nncf", "openvino")]
        return ", ".join([str(_CALIBRATION_VERSION), *packages])

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Make settings of the dict that files hold of them."""
        return cls(**{**plain, "weights": ResolvedWeights(**plain["weights"])})

    def on_this_machine(self) -> Self:
        """Return the same with the engine that ``"auto"`` stands for here.

        OpenVINO where it is installed and computes in float32, and else TensorFlow: in
        bfloat16 the two differ by more than the rounding of float32. A GPU is left to
        TensorFlow, as OpenVINO computes on the processor here. In int8 it is OpenVINO,
        which alone computes it. Imports none.
        """
        if self.engine != "auto":
            return self
        if self.precision == "int8":
            return replace(self, engine="openvino")
        is_faster = (
            self.precision == "float32"
            and find_spec("openvino") is not None
            and not any(Path(gpu).exists() for gpu in GPUS)
        )
        return replace(self, engine="openvino" if is_faster else "tensorflow")


def limit_threads(number: int) -> None:
    """Let this process read, and run backbones still to be built, in fewer threads.

    Of TensorFlow, whose threads serve all of a process, only before it has computed.
    The features are the same.
    """
    _most_threads[:] = [number]


def most_threads() -> int | None:
    """Return what `limit_threads` was given last, None where it was not called."""
    return _most_threads[-1] if _most_threads else None


def check_engine(engine: str) -> None:
    """Raise where an engine is not installed. Imports none.

    Parameters
    ----------
    engine : {"tensorflow", "openvino", "auto"}
        The library that computes the network.

    Raises
    ------
    EngineUnavailableError
        If ``engine`` is ``"openvino"`` and that package is not installed. Both an
        ImportError and a ValueError.
    """
    if engine == "openvino" and find_spec("openvino") is None:
        raise EngineUnavailableError(
            "engine='openvino' needs the package openvino, which is not installed: "
            "python -m pip install 'skresnet[openvino]', or use engine='auto', in a "
            "Pipeline by set_params(embedder__engine='auto'), and fit again."
        )


def has_fast_bfloat16(cpuinfo: Path = _CPUINFO) -> bool:
    """Tell whether the processor is known to have instructions for bfloat16."""
    return bool(_FAST_FLAGS["bfloat16"] & (_instructions(cpuinfo) or set()))


def _instructions(cpuinfo: Path) -> set[str] | None:
    """Return what Linux says of the processor; None where that is not known."""
    if not (platform.machine() in {"x86_64", "AMD64"} and cpuinfo.is_file()):
        return None
    return set(cpuinfo.read_text().split())


def check_precision(
    precision: str, engine: str = "auto", *, cpuinfo: Path = _CPUINFO
) -> None:
    """Raise where a precision is slow on this processor, or cannot be computed.

    Imports neither an engine nor what quantises.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "int8"}
        What convolutions are computed in.
    engine : {"tensorflow", "openvino", "auto"}, default="auto"
        What computes them.
    cpuinfo : pathlib.Path, default=Path("/proc/cpuinfo")
        Where Linux describes the processor.

    Raises
    ------
    ValueError
        If the processor is not known to have instructions for the precision, or the
        engine does not compute in it.
    EngineUnavailableError
        If ``precision`` is ``"int8"`` and the packages that it needs are not
        installed. Both an ImportError and a ValueError.
    """
    if precision == "float32":
        return
    if precision == "int8":
        _check_int8(engine)
    found = _instructions(cpuinfo)
    if found is None:
        raise ValueError(
            f"precision={precision!r} is not known to be fast on this machine "
            f"({platform.system()} on {platform.machine()}): use precision='float32'."
        )
    if not _FAST_FLAGS[precision] & found:
        raise ValueError(
            f"precision={precision!r} would be slow on this processor, which has none "
            f"of the instructions {', '.join(sorted(_FAST_FLAGS[precision]))}: use "
            "precision='float32'."
        )


def _check_int8(engine: str) -> None:
    if engine == "tensorflow":
        raise ValueError(
            "precision='int8' is not possible with engine='tensorflow': use "
            "engine='openvino', or precision='float32'."
        )
    for package in ("openvino", "nncf"):
        if find_spec(package) is None:
            raise EngineUnavailableError(
                f"precision='int8' needs the package {package}, which is not "
                "installed: python -m pip install 'skresnet[int8]', or use "
                "precision='float32'."
            )

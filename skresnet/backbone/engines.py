"""What computes the network, and whether it is installed."""

from importlib.util import find_spec
from typing import Literal

Engine = Literal["tensorflow", "openvino"]

ENGINES: tuple[Engine, ...] = ("tensorflow", "openvino")


class EngineUnavailableError(ImportError, ValueError):
    """The engine is not installed: another value of the parameter is, or pip helps."""


def check_engine(engine: str) -> None:
    """Raise where an engine is unknown or not installed. Imports none.

    Parameters
    ----------
    engine : {"tensorflow", "openvino"}
        The library that computes the network.

    Raises
    ------
    ValueError
        If ``engine`` is unknown.
    EngineUnavailableError
        If ``engine`` is ``"openvino"`` and that package is not installed. Both an
        ImportError and a ValueError.
    """
    if engine not in ENGINES:
        raise ValueError(
            f"engine={engine!r} is unknown: expected one of "
            f"{', '.join(map(repr, ENGINES))}."
        )
    if engine == "openvino" and find_spec("openvino") is None:
        raise EngineUnavailableError(
            "engine='openvino' needs the package openvino, which is not installed: "
            "python -m pip install 'skresnet[openvino]', or use engine='tensorflow', "
            "in a Pipeline by set_params(embedder__engine='tensorflow'), and fit again."
        )

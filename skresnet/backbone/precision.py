"""What the convolutions are computed in, and whether the processor is good at it."""

import platform
from pathlib import Path
from typing import Literal

Precision = Literal["float32", "bfloat16"]

PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
_FAST_FLAGS = {"avx512_bf16", "amx_bf16"}


def check_precision(precision: str, *, cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Raise where a precision is unknown or this processor is slow at it.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        What convolutions are computed in.
    cpuinfo : pathlib.Path, default=Path("/proc/cpuinfo")
        Where Linux describes the processor.

    Raises
    ------
    ValueError
        If ``precision`` is unknown, or is ``"bfloat16"`` and the processor is not
        known to have instructions for it.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision={precision!r} is unknown: expected one of "
            f"{', '.join(map(repr, PRECISIONS))}."
        )
    if precision == "float32":
        return
    if not (platform.machine() in {"x86_64", "AMD64"} and cpuinfo.is_file()):
        raise ValueError(
            "precision='bfloat16' is not known to be fast on this machine "
            f"({platform.system()} on {platform.machine()}): use precision='float32'."
        )
    if not _FAST_FLAGS & set(cpuinfo.read_text().split()):
        raise ValueError(
            "precision='bfloat16' would be slow on this processor, which has none of "
            f"the instructions {', '.join(sorted(_FAST_FLAGS))}: use "
            "precision='float32'."
        )

"""Inference libraries do not survive a fork: what is said instead of waiting for ever.

TensorFlow and OpenVINO keep threads of their own.
"""

from __future__ import annotations

import os

_computing_in: dict[str, int] = {}


def claim_tensorflow() -> None:
    """Note that TensorFlow computes in this process, as `claim` does."""
    claim("TensorFlow")


def claim(library: str) -> None:
    """Note that a library computes in this process; refuse in a fork of such a one.

    A fork copies the library's locks but not the threads that would open them, so the
    first computation in the child would never return.

    Parameters
    ----------
    library : str
        The name that an error calls it by.

    Raises
    ------
    RuntimeError
        If the process this one was forked from has computed with it already.
    """
    here = os.getpid()
    before = _computing_in.setdefault(library, here)
    if before != here:
        raise RuntimeError(
            f"This process ({here}) was forked from one ({before}) in which {library} "
            f"had already computed, and in such a fork {library} waits for ever. Use "
            "processes that start anew: joblib's default backend 'loky' instead of "
            "'multiprocessing', or multiprocessing.get_context('spawn') instead of "
            "'fork'. Or fork before the first fit, transform or predict, as a web "
            "server does that loads the model in its workers."
        )

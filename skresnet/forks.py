"""TensorFlow does not survive a fork: what is said instead of waiting for ever."""

from __future__ import annotations

import os

_computing_in: int | None = None


def claim_tensorflow() -> None:
    """Note that TensorFlow computes in this process; refuse in a fork of such a one.

    A fork copies TensorFlow's locks but not the threads that would open them, so the
    first computation in the child would never return.

    Raises
    ------
    RuntimeError
        If the process this one was forked from has computed already.
    """
    global _computing_in
    if _computing_in not in (None, os.getpid()):
        raise RuntimeError(
            f"This process ({os.getpid()}) was forked from one ({_computing_in}) in "
            "which TensorFlow had already computed, and in such a fork TensorFlow "
            "waits for ever. Use processes that start anew: joblib's default backend "
            "'loky' instead of 'multiprocessing', or "
            "multiprocessing.get_context('spawn') instead of 'fork'. Or fork before "
            "the first fit, transform or predict, as a web server does that loads the "
            "model in its workers."
        )
    _computing_in = os.getpid()

"""What keeps TensorFlow and OpenVINO from computing in a process, in words.

They keep threads of their own, which no fork copies; and Keras can be set up so that
nothing of ours works in it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_TENSORFLOW = "TensorFlow"
_TASKS = Path("/proc/self/task")  # a folder a thread, under Linux

_computing_in: dict[str, int] = {}


def claim_tensorflow() -> None:
    """Note that TensorFlow computes in this process, as `claim` does.

    Raises
    ------
    RuntimeError
        As `claim` and `check_surroundings` do.
    """
    claim(_TENSORFLOW)
    check_surroundings()


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


def check_surroundings() -> None:
    """Refuse Keras' and TensorFlow's settings that nothing here can compute in.

    Raises
    ------
    RuntimeError
        If Keras has another backend than TensorFlow, TensorFlow does not execute
        eagerly, or a distribution strategy is in scope. The message says which, and
        how to change it.
    """
    try:
        import keras

        backend = keras.config.backend()
    except ImportError as error:  # the backend is not installed
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        if backend == "tensorflow":
            raise
        backend = f"{backend} ({error})"
    if backend != "tensorflow":
        raise RuntimeError(
            f"Keras computes with the backend {backend} here, but skresnet needs "
            "TensorFlow. Set the environment variable KERAS_BACKEND=tensorflow, or "
            'unset it and write "backend": "tensorflow" into ~/.keras/keras.json, and '
            "start Python anew: Keras reads them when it is imported."
        )
    import tensorflow as tf

    check_eager()
    if tf.distribute.has_strategy():
        strategy = type(tf.distribute.get_strategy()).__name__
        raise RuntimeError(
            f"This is inside of the scope of a tf.distribute.{strategy}, but skresnet "
            "computes on one device. Call this outside of `with strategy.scope()`."
        )


def check_eager() -> None:
    """Refuse to let TensorFlow compute where it would describe a graph instead.

    Raises
    ------
    RuntimeError
        If TensorFlow does not execute eagerly.
    """
    import tensorflow as tf

    if not tf.executing_eagerly():
        raise RuntimeError(
            "TensorFlow does not execute eagerly here: this is inside of "
            "`with tf.Graph().as_default()` or a tf.function, or "
            "tf.compat.v1.disable_eager_execution() was called. Call this outside of "
            "graphs, in a process where eager execution is on."
        )


def _tensorflow_has_computed() -> bool:
    """Tell whether TensorFlow has started its threads, for whomever."""
    context = sys.modules.get("tensorflow.python.eager.context")
    return bool(getattr(getattr(context, "_context", None), "_initialized", False))


def _note_tensorflow() -> None:
    if _tensorflow_has_computed():
        _computing_in.setdefault(_TENSORFLOW, os.getpid())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_note_tensorflow)
# Or was this imported in the fork only? Where TensorFlow computes, it has threads.
if _tensorflow_has_computed() and len([*_TASKS.glob("*")]) == 1:
    _computing_in[_TENSORFLOW] = os.getppid()

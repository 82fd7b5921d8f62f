"""Starting TensorFlow."""

from __future__ import annotations

import os
import sys


def start_tensorflow() -> None:
    """Import TensorFlow without the lines that it logs while it starts.

    Version 2.21 writes them straight to the file of standard error whatever
    ``TF_CPP_MIN_LOG_LEVEL`` says, among them an error that there is no GPU. An
    import that fails raises as ever.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # what is logged later
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs, and says what it finds
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

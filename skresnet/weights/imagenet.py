"""The ImageNet weights that Keras publishes: where they lie, whether they are whole."""

import os
import queue
import tempfile
import threading
import urllib.request
from pathlib import Path

from skresnet.weights.files import WeightsUnavailableError, file_digest

# What keras.applications.resnet asks for with include_top=False. Written down here
# because Keras keeps them in a private module whose import takes TensorFlow with it.
FILE_NAME = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
HOST = "storage.googleapis.com"
URL = f"https://{HOST}/tensorflow/keras-applications/resnet/{FILE_NAME}"
MD5 = "4d473c1dd8becc155b73f8504c6f6626"
BYTES = 94_765_736

_PROBE_SECONDS = 10


def imagenet_path() -> Path:
    """Return where the ImageNet weights are, or will be once they are downloaded.

    Returns
    -------
    path : pathlib.Path
        In the folder that Keras uses: ``models`` under ``$KERAS_HOME`` or
        ``~/.keras``, or under ``/tmp/.keras`` where that cannot be written to.
    """
    home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    path = home / "models" / FILE_NAME
    if path.exists() or _can_write(path):
        return path
    spare = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())
    return spare / ".keras" / "models" / FILE_NAME


def imagenet_is_cached() -> bool:
    """Tell whether the ImageNet weights are on this machine, whole and unchanged.

    Returns
    -------
    cached : bool
        True if the file at :func:`imagenet_path` has the MD5 that Keras expects.
    """
    path = imagenet_path()
    return path.is_file() and file_digest(path, "md5") == MD5


def fetch_imagenet() -> Path:
    """Return the verified ImageNet weights, downloaded through Keras where needed.

    Raises
    ------
    WeightsUnavailableError
        If the file is missing or damaged and cannot be downloaded; within 15 seconds
        where the host cannot be reached.
    """
    path = imagenet_path()
    if imagenet_is_cached():
        return path
    state = (
        "is damaged (its MD5 is not the expected one)"
        if path.exists()
        else "is not there"
    )
    try:
        _probe()
        _download(path)
    except Exception as error:  # Keras reports a failed download as a bare Exception
        raise WeightsUnavailableError(
            f"weights='imagenet' is not available: {path} {state}, and "
            f"{HOST} could not provide it ({type(error).__name__}: {error}). "
            "Two choices need no connection: EfficientNetLite0Embedder, in "
            "make_image_classifier network='efficientnet_lite0', another network, with "
            "its ImageNet weights (accuracy on 400 cats and dogs: 0.997); and "
            "weights='distilled', which come with this package (0.810). Or "
            f"download {URL} elsewhere (94 MB, MD5 {MD5}) and put it at {path}, or "
            f"in the folder models of another $KERAS_HOME; or pass weights=<path> with "
            "a Keras weights file of ResNet50, or weights=None for random weights, "
            "which have learned nothing."
        ) from error
    return path


def _can_write(path: Path) -> bool:
    """Tell whether a file and the folders it needs could be made."""
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    return folder.is_dir() and os.access(folder, os.W_OK)


def _probe() -> None:
    """Raise if the host does not answer soon: Keras would wait without a limit."""
    answers: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def ask() -> None:
        request = urllib.request.Request(URL, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=_PROBE_SECONDS).close()
        except Exception as error:
            answers.put(error)
        else:
            answers.put(None)

    # The timeout of a connection covers neither the name look-up nor several
    # addresses in turn, so the asking is left to a thread that may be abandoned.
    threading.Thread(target=ask, daemon=True).start()
    try:
        error = answers.get(timeout=_PROBE_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"no answer within {_PROBE_SECONDS} seconds") from None
    if error is not None:
        raise error


def _download(path: Path) -> None:
    """Download with Keras, which checks the MD5, and put the file in place at once."""
    import keras

    path.parent.mkdir(parents=True, exist_ok=True)
    # Another process may want the same file, and must never see half of it.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        whole = keras.utils.get_file(
            FILE_NAME, URL, cache_dir=folder, cache_subdir="", file_hash=MD5
        )
        Path(whole).replace(path)

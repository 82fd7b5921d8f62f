"""The weights that come with this package: where they lie, whether they are whole."""

from pathlib import Path

from skresnet.backbone.digests import file_digest
from skresnet.backbone.errors import WeightsUnavailableError

# Both are written by tools/distill/pack.py.
FILE_NAME = "distilled.npz"
SHA256 = "d34e9982b2f2cb8b171a8a7db3e8578907bc8753354527969c27e8b4ac523ed9"


def distilled_path() -> Path:
    """Return where the weights lie in this installation."""
    return Path(__file__).with_name(FILE_NAME)


def distilled_is_whole() -> bool:
    """Tell whether the weights are there and unchanged."""
    path = distilled_path()
    return path.is_file() and file_digest(path, "sha256") == SHA256


def find_distilled() -> Path:
    """Return the verified weights.

    Raises
    ------
    WeightsUnavailableError
        If the file is missing or damaged.
    """
    path = distilled_path()
    if distilled_is_whole():
        return path
    state = (
        f"is damaged: its SHA-256 is {file_digest(path, 'sha256')}, expected {SHA256}"
        if path.is_file()
        else f"is not there, expected a file with SHA-256 {SHA256}"
    )
    raise WeightsUnavailableError(
        f"weights='distilled' is not available: {path}, which comes with the package, "
        f"{state}. Install the package again: pip install --force-reinstall skresnet."
    )

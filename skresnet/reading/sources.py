"""What X may be."""

import os
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skresnet.reading.pictures import (
    ArrayPicture,
    FilePicture,
    ImagePicture,
    Picture,
)
from skresnet.validation import refuse_missing

_EXPECTED: Final = (
    "expected a list, 1-D array, Series or one-column DataFrame of paths, a list of "
    "arrays or PIL images, or an array of shape (n, height, width, 3) or "
    "(n, height, width)"
)

_CHANNELS: Final = (1, 3, 4)

_HINTS: Final[dict[type, str]] = {
    list: "; of nested lists make an array, numpy.asarray",
    bytes: "; open the content of a file with PIL.Image.open(io.BytesIO(content))",
}


def as_pictures(X: Any) -> list[Picture]:
    """Find the pictures in X, without opening a file or copying an array.

    Parameters
    ----------
    X : array-like of n pictures
        One of

        - paths, each a str or an ``os.PathLike``: a list, a 1-D array or one of shape
          (n, 1), a Series, or a DataFrame with a single column (pandas or polars);
        - an array of shape (n, height, width, channels) with 1 (grey), 3 (RGB) or 4
          (RGBA) channels, or of shape (n, height, width) (grey);
        - a list of arrays of shape (height, width) or (height, width, channels), each
          of its own size, and of PIL images and paths, in any mixture.

        Arrays are of bools, integers or floats, the values pixels on the 0 to 255 scale
        (0 to 65535 for uint16).

    Returns
    -------
    list of Picture, of length n
        The samples in the order of X.

    Raises
    ------
    TypeError
        If X, or one of its elements, is of a kind that holds no picture.
    ValueError
        If X is empty, has missing values or a shape that is none of these.
    """
    if isinstance(X, (str, os.PathLike)):
        raise TypeError(f"X is a single path, {X!r}: put it in a list, [path]")
    if isinstance(X, Image.Image):
        raise TypeError("X is a single PIL image: put it in a list, [image]")
    if hasattr(X, "tocsr"):
        raise TypeError(f"X is a sparse {type(X).__name__}; {_EXPECTED}")
    elements = _elements(X)
    if isinstance(elements, np.ndarray):
        _refuse_wrong_dtype(elements, "X")
        if elements.shape[:1] != (0,):
            _refuse_wrong_batch(elements)
    if len(elements) == 0:
        # The words of sklearn.utils.check_array, which those who test for them know.
        raise ValueError(
            f"Found array with 0 sample(s) (shape={np.shape(X)}) while a minimum of 1 "
            "is required: X holds no picture"
        )
    if isinstance(elements, np.ndarray):
        return [ArrayPicture(i, array) for i, array in enumerate(elements)]
    try:
        return [_picture(i, element) for i, element in enumerate(elements)]
    except (TypeError, ValueError):
        refuse_missing(elements, "X")  # all gaps at once, rather than the first
        raise


def _elements(X: Any) -> Sequence[Any] | NDArray[Any]:
    """Take X apart: a sequence of anything, or an array of numbers."""
    # Told by what they can do, so that neither pandas nor polars need be installed.
    if hasattr(X, "columns") and hasattr(X, "shape"):
        if len(X.columns) != 1:
            raise ValueError(
                f"X is a DataFrame with {len(X.columns)} columns; expected a single "
                'column of paths, such as X[["path"]]'
            )
        X = X[X.columns[0]]
    if hasattr(X, "to_list"):
        return list(X.to_list())
    if isinstance(X, (list, tuple)):
        return X
    if isinstance(X, np.ndarray) or hasattr(X, "__array__"):
        array = np.asarray(X)
        return _listed(array) if array.dtype.kind in "OUT" else array
    if isinstance(X, Sequence) and not isinstance(X, (bytes, bytearray, memoryview)):
        return X
    raise TypeError(
        f"X is of type {type(X).__name__}; {_EXPECTED}. Of a generator or another "
        "iterable make a list, list(X)"
    )


def _listed(array: NDArray[Any]) -> list[Any]:
    """List the elements of an array of paths or other objects."""
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        return list(array.ravel())
    raise ValueError(
        f"X is an array of shape {array.shape} and dtype {array.dtype}; paths are "
        "expected in an array of shape (n,) or (n, 1), pixels in one of a numeric "
        "dtype, X.astype(numpy.uint8)"
    )


def _picture(position: int, element: Any) -> Picture:
    """Tell what one element of X is."""
    name = f"X[{position}]"
    if isinstance(element, (str, os.PathLike)):
        path = os.fspath(element)
        if not isinstance(path, str):
            raise TypeError(
                f"{name} is a path of bytes, {path!r}; use os.fsdecode to make it a str"
            )
        if not path:
            raise ValueError(f"{name} is an empty path")
        # Of np.str_, a subclass, make the str that texts show as one.
        return FilePicture(position, str(path))
    if isinstance(element, Image.Image):
        return ImagePicture(position, element)
    # Numbers of numpy have __array__ as well.
    if hasattr(element, "__array__") and not isinstance(element, np.generic):
        array = np.asarray(element)
        _refuse_wrong_dtype(array, name)
        _refuse_wrong_picture(array, name)
        return ArrayPicture(position, array)
    raise TypeError(
        f"{name} is of type {type(element).__name__}; expected a path (str or "
        f"os.PathLike), a numeric array or a PIL image{_HINTS.get(type(element), '')}"
    )


def _refuse_wrong_dtype(array: NDArray[Any], name: str) -> None:
    """Raise unless an array holds bools, integers or floats."""
    if array.dtype.kind not in "buif":
        raise TypeError(
            f"{name} is an array of dtype {array.dtype}; expected pixels of dtype "
            "uint8 or a floating-point dtype, or paths as str"
        )


def _refuse_wrong_batch(X: NDArray[Any]) -> None:
    """Raise unless an array has the shape of many pictures."""
    shape = X.shape
    if X.ndim == 4 and shape[3] in _CHANNELS:
        return
    if X.ndim == 3 and shape[2] not in _CHANNELS:
        return
    if X.ndim == 4:
        hint = _channel_hint(shape[1:], "X")
    elif X.ndim == 3:
        hint = "for a single picture pass X[np.newaxis]"
    elif X.ndim == 2:
        hint = (
            "for pictures flattened to rows, as scikit-learn's data sets are, pass "
            "X.reshape(len(X), height, width) or X.reshape(len(X), height, width, 3)"
        )
    else:
        hint = (
            "Reshape your data to one axis each for the pictures, their height, width "
            "and channels"
        )
    raise ValueError(
        f"X is an array of shape {shape}; expected (n, height, width, 3), or "
        f"(n, height, width) for grey: {hint}"
    )


def _refuse_wrong_picture(array: NDArray[Any], name: str) -> None:
    """Raise unless an array has the shape of one picture."""
    shape = array.shape
    if array.ndim == 2 or (array.ndim == 3 and shape[2] in _CHANNELS):
        return
    hint = (
        _channel_hint(shape, name)
        if array.ndim == 3
        else "each element of a list is one picture"
    )
    raise ValueError(
        f"{name} is an array of shape {shape}; expected (height, width, 3), or "
        f"(height, width) for grey: {hint}"
    )


def _channel_hint(shape: tuple[int, ...], name: str) -> str:
    """Say what is wrong with the channels of a picture of shape (a, b, c)."""
    if shape[0] in _CHANNELS:
        axis = 1 if name == "X" else 0
        return f"channels come last, pass np.moveaxis({name}, {axis}, -1)"
    return f"{shape[2]} channels are neither grey (1), RGB (3) nor RGBA (4)"

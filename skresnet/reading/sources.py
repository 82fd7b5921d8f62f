"""What X may be."""

import os
from collections.abc import Sequence
from io import BytesIO, TextIOBase
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skresnet.reading.pictures import (
    ArrayPicture,
    EncodedPicture,
    FilePicture,
    ImagePicture,
    OpenPicture,
    Picture,
)
from skresnet.validation import refuse_missing

_EXPECTED: Final = (
    "expected a list, 1-D array, Series or one-column DataFrame of paths or of the "
    "content of image files as bytes, a list of arrays or PIL images, or an array of "
    "shape (n, height, width, 3) or (n, height, width)"
)

_CHANNELS: Final = (1, 3, 4)


def as_pictures(X: Any, *, allow_paths: bool = True) -> list[Picture]:
    """Find the pictures in X, without opening a file or copying an array.

    Parameters
    ----------
    X : array-like of n pictures
        One of

        - paths, each a str or an ``os.PathLike``: a list, a 1-D array or one of shape
          (n, 1), a Series, or a DataFrame with a single column (pandas or polars);
        - the content of image files, in the same containers: each bytes, a bytearray,
          a memoryview, an open binary file, a dict of Hugging Face's kind with the
          keys "bytes" and "path", or a path-like object of another place than the
          disk, such as ``upath.UPath`` and ``zipfile.Path``;
        - an array of shape (n, height, width, channels) with 1 (grey), 3 (RGB) or 4
          (RGBA) channels, or of shape (n, height, width) (grey);
        - a list of arrays of shape (height, width) or (height, width, channels), each
          of its own size, and of PIL images and all the above, in any mixture.

        Arrays are of bools, integers or floats, the values pixels on the 0 to 255 scale
        (0 to 65535 for uint16).

    allow_paths : bool, default=True
        Whether X may name files to be read.

    Returns
    -------
    list of Picture, of length n
        The samples in the order of X.

    Raises
    ------
    TypeError
        If X, or one of its elements, is of a kind that holds no picture.
    ValueError
        If X is empty, has missing values or a shape that is none of these, or names
        files and may not.
    """
    if isinstance(X, (str, os.PathLike)):
        shown = repr(X) if allow_paths else "and paths are not allowed"
        raise TypeError(f"X is a single path, {shown}: put it in a list, [path]")
    if hasattr(X, "open") and hasattr(X, "read_bytes"):  # of zipfile, or upath
        raise TypeError(
            f"X is a single path, of type {type(X).__name__}: put it in a list, "
            "[path], or list what it holds with load_image_folder"
        )
    if isinstance(X, Image.Image):
        raise TypeError("X is a single PIL image: put it in a list, [image]")
    if hasattr(X, "tocsr"):  # before dicts, which some of them are
        raise TypeError(f"X is a sparse {type(X).__name__}; {_EXPECTED}")
    if _is_encoded(X):
        raise TypeError(
            f"X is of type {type(X).__name__}, the content of a single picture: put it "
            "in a list, [content]"
        )
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
        pictures = [_picture(i, element) for i, element in enumerate(elements)]
    except (TypeError, ValueError):
        refuse_missing(elements, "X")  # all gaps at once, rather than the first
        raise
    if not allow_paths:
        _refuse_paths(pictures)
    return pictures


def _elements(X: Any) -> Sequence[Any] | NDArray[Any]:
    """Take X apart: a sequence of anything, or an array of numbers."""
    # Told by what they can do, so that neither pandas nor polars need be installed.
    if hint := _hint(X):
        raise TypeError(f"X is of type {type(X).__name__}: {hint}")
    if hasattr(X, "columns") and hasattr(X, "shape"):
        if len(X.columns) != 1:
            raise ValueError(
                f"X is a DataFrame with {len(X.columns)} columns; expected a single "
                'column of pictures, such as X[["path"]]'
            )
        X = X[X.columns[0]]
    for listing in ("to_list", "to_pylist"):
        if hasattr(X, listing):
            return list(getattr(X, listing)())
    if isinstance(X, (list, tuple)):
        return X
    if isinstance(X, np.ndarray) or hasattr(X, "__array__"):
        array = _unmasked(X, "X")
        return _listed(array) if array.dtype.kind in "OUT" else array
    if isinstance(X, Sequence):
        return X
    raise TypeError(f"X is of type {type(X).__name__}; {_EXPECTED}")


def _hint(X: Any) -> str | None:
    """Say what to pass instead of an object that leads to pictures but holds none."""
    module = type(X).__module__.partition(".")[0]
    if module in ("zipfile", "tarfile"):
        return (
            "pass zipfile.Path(archive, name) of each picture, or list those of class "
            "folders with load_image_folder(path of the archive)"
        )
    if hasattr(X, "filepaths"):
        return (
            "it gives batches without an end; pass its paths, X.filepaths, and its "
            "classes, X.classes, or see load_image_folder"
        )
    if hasattr(X, "file_paths"):
        return "pass its paths, X.file_paths, or see load_image_folder"
    if hasattr(X, "samples") and hasattr(X, "class_to_idx"):
        return "pass its paths, [path for path, _ in X.samples]"
    if module == "dask":
        return "it is not computed yet; pass X.compute()"
    if module in ("pyarrow", "datasets") and hasattr(X, "column_names"):
        return "pass a column of it, such as X['image']"
    if hasattr(X, "element_spec") or hasattr(X, "__next__") or hasattr(X, "dataset"):
        return (
            "it may have no end, and pictures are read more than once; pass the paths "
            "that it is made from (load_image_folder lists those of a folder), or an "
            "array of its pictures"
        )
    if isinstance(X, dict):
        return "pass one of its values, such as X['image']"
    return None


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
        return FilePicture(position, _path(element, name))
    if isinstance(element, (bytes, bytearray, memoryview)):
        return EncodedPicture(position, bytes(element))
    if isinstance(element, BytesIO):
        return EncodedPicture(position, element.getvalue())
    if isinstance(element, Image.Image):
        return ImagePicture(position, element)
    if isinstance(element, dict) and {"bytes", "path"} & set(element):
        return _of_hugging_face(position, element)
    if isinstance(element, TextIOBase):
        raise TypeError(f"{name} is a file opened as text; open it with mode 'rb'")
    if hasattr(element, "read") and hasattr(element, "seek"):
        return OpenPicture(position, element, _name_of(element))
    if hasattr(element, "open") and hasattr(element, "read_bytes"):
        return OpenPicture(position, element, str(element))
    # Numbers of numpy have __array__ as well.
    if hasattr(element, "__array__") and not isinstance(element, np.generic):
        array = _unmasked(element, name)
        _refuse_wrong_dtype(array, name)
        _refuse_wrong_picture(array, name)
        return ArrayPicture(position, array)
    hint = ""
    if isinstance(element, list):
        hint = "; of nested lists make an array, numpy.asarray"
    elif hasattr(element, "read"):
        hint = "; what cannot be read twice is passed as bytes, its read()"
    raise TypeError(
        f"{name} is of type {type(element).__name__}; expected a path (str or "
        "os.PathLike), the content of an image file as bytes, a numeric array or a "
        f"PIL image{hint}"
    )


def _path(element: str | os.PathLike[Any], name: str) -> str:
    """Give the path as a str."""
    path = os.fspath(element)
    if not isinstance(path, str):
        raise TypeError(f"{name} is a path of bytes; use os.fsdecode to make it a str")
    if not path:
        raise ValueError(f"{name} is an empty path")
    # Of np.str_, a subclass, make the str that texts show as one.
    return str(path)


def _of_hugging_face(position: int, element: dict[str, Any]) -> Picture:
    """Take the content out of a dict, or the path where that is all it has."""
    name = f"X[{position}]"
    data, path = element.get("bytes"), element.get("path")
    if data is not None:
        return EncodedPicture(
            position, bytes(data), None if path is None else str(path)
        )
    if path is None:
        raise ValueError(f"{name} is a dict with neither bytes nor a path")
    return FilePicture(position, _path(path, name))


def _is_encoded(X: Any) -> bool:
    """Tell whether X is the content of one picture."""
    # A sparse array may be a dict as well, whose rows cannot be hashed.
    return isinstance(X, (bytes, bytearray, memoryview, BytesIO)) or (
        isinstance(X, dict) and X.keys() == {"bytes", "path"}
    )


def _name_of(file: Any) -> str | None:
    """Give the path of an open file, if it tells."""
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else None


def _refuse_paths(pictures: list[Picture]) -> None:
    """Raise if a picture is to be read from somewhere, without naming where."""
    positions = [
        picture.position
        for picture in pictures
        if isinstance(picture, FilePicture)
        or (isinstance(picture, OpenPicture) and not hasattr(picture.file, "read"))
    ]
    if positions:
        raise ValueError(
            f"X[{positions[0]}] is a path, and {len(positions)} of {len(pictures)} "
            "elements are; paths are not allowed here (allow_paths=False): pass the "
            "content of the files as bytes, or arrays"
        )


def _unmasked(element: Any, name: str) -> NDArray[Any]:
    """Make an array; one that hides some of its values is refused."""
    if isinstance(element, np.ma.MaskedArray) and np.ma.getmaskarray(element).any():
        count = np.ma.getmaskarray(element).sum()
        raise ValueError(
            f"{name} is an array of which {count} values are masked; say what is to be "
            f"seen there, as {name}.filled(255) does, or pass {name}.data"
        )
    return np.asarray(element)


def _refuse_wrong_dtype(array: NDArray[Any], name: str) -> None:
    """Raise unless an array holds bools, integers or floats."""
    if array.dtype.kind not in "buif":
        raise TypeError(
            f"{name} is an array of dtype {array.dtype}; expected pixels of dtype "
            "uint8 or a floating-point dtype, paths as str, or the content of files as "
            "bytes in an array of dtype object"
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
        else f"the content of a file is passed as bytes, {name}.tobytes()"
        if array.ndim == 1 and array.dtype == np.uint8
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

from collections import UserList
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from scipy import sparse

from skresnet.reading import as_pictures

PATHS = ["a.jpg", "b c.png", "d.gif"]


@pytest.mark.parametrize(
    "X",
    [
        PATHS,
        tuple(PATHS),
        UserList(PATHS),
        [Path(path) for path in PATHS],
        ["a.jpg", Path("b c.png"), np.str_("d.gif")],
        np.array(PATHS),
        np.array(PATHS, dtype=object),
        np.array(PATHS, dtype=np.dtypes.StringDType()),
        np.array(PATHS)[:, np.newaxis],
        np.array(PATHS, dtype=object)[:, np.newaxis],
        pd.Series(PATHS, index=[7, 8, 9]),
        pd.Series(PATHS, dtype="string"),
        pd.Series(PATHS, dtype="string[pyarrow]"),
        pd.Series(PATHS, dtype="category"),
        pd.Index(PATHS),
        pd.DataFrame({"path": PATHS}, index=[7, 8, 9]),
        pl.Series(PATHS),
        pl.DataFrame({"path": PATHS}),
    ],
    ids=lambda X: f"{type(X).__module__}.{type(X).__name__}",
)
def test_paths_come_in_every_container_that_holds_a_column(X):
    pictures = as_pictures(X)
    assert [picture.path for picture in pictures] == PATHS
    assert [picture.position for picture in pictures] == [0, 1, 2]
    assert all(type(picture.path) is str for picture in pictures)
    assert pictures[1].label == "X[1] ('b c.png')"


@pytest.mark.parametrize("shape", [(2, 9, 8, 3), (2, 9, 8, 1), (2, 9, 8, 4), (2, 9, 8)])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i8", "?", "f2", "f4", ">f8"])
def test_an_array_holds_a_picture_in_each_of_its_rows(shape, dtype):
    X = np.zeros(shape, dtype)
    pictures = as_pictures(X)
    assert len(pictures) == 2
    assert pictures[1].path is None
    assert pictures[1].label == f"X[1] (array of shape {shape[1:]})"
    assert np.shares_memory(pictures[1].load().array, X)


def test_a_list_may_mix_paths_arrays_and_images():
    X = [
        "a.jpg",
        np.zeros((5, 4)),
        np.zeros((2, 3, 4), np.uint8),
        Image.new("L", (2, 1)),
    ]
    labels = [picture.label for picture in as_pictures(X)]
    assert labels == [
        "X[0] ('a.jpg')",
        "X[1] (array of shape (5, 4))",
        "X[2] (array of shape (2, 3, 4))",
        "X[3] (PIL image of mode L, 2 pixels wide, 1 high)",
    ]


def test_an_object_array_may_hold_arrays_of_different_sizes():
    X = np.empty(2, object)
    X[:] = [np.zeros((5, 4)), np.zeros((3, 2))]
    assert [picture.label for picture in as_pictures(X)] == [
        "X[0] (array of shape (5, 4))",
        "X[1] (array of shape (3, 2))",
    ]


WRONG = {
    "a path": ("a.jpg", TypeError, r"single path, 'a.jpg': put it in a list"),
    "a Path": (Path("a.jpg"), TypeError, "put it in a list"),
    "an image": (Image.new("L", (2, 2)), TypeError, "put it in a list"),
    "bytes": (b"a.jpg", TypeError, "X is of type bytes"),
    "a dict": ({"a": 1}, TypeError, "X is of type dict"),
    "a set": ({"a"}, TypeError, "X is of type set"),
    "a number": (3, TypeError, "X is of type int"),
    "None": (None, TypeError, "X is of type NoneType"),
    "a generator": ((p for p in PATHS), TypeError, r"make a list, list\(X\)"),
    "sparse": (sparse.csr_array((3, 4)), TypeError, "sparse csr_array"),
    "an empty list": ([], ValueError, r"0 sample\(s\)"),
    "an empty array": (
        np.zeros((0, 9, 9, 3)),
        ValueError,
        r"0 sample\(s\) \(shape=\(0, 9",
    ),
    "an empty 1-D array": (np.array([]), ValueError, r"0 sample\(s\)"),
    "an empty Series": (pd.Series([], dtype=object), ValueError, r"0 sample\(s\)"),
    "two columns": (pd.DataFrame({"a": PATHS, "b": PATHS}), ValueError, "2 columns"),
    "2 x 3 paths": (np.full((2, 3), "a"), ValueError, r"\(n,\) or \(n, 1\)"),
    "flattened": (
        np.zeros((5, 64)),
        ValueError,
        r"X.reshape\(len\(X\), height, width\)",
    ),
    "1-D numbers": (np.zeros(5), ValueError, r"shape \(5,\); expected \(n, height"),
    "0-D number": (np.array(5), ValueError, r"shape \(\); expected \(n, height"),
    "5-D": (np.zeros((1, 2, 3, 4, 3)), ValueError, r"shape \(1, 2, 3, 4, 3\)"),
    "channels first": (np.zeros((2, 3, 8, 9)), ValueError, r"np.moveaxis\(X, 1, -1\)"),
    "2 channels": (np.zeros((2, 8, 9, 2)), ValueError, "2 channels are neither"),
    "single picture": (np.zeros((8, 9, 3)), ValueError, r"pass X\[np.newaxis\]"),
    "complex": (np.zeros((2, 8, 9, 3), complex), TypeError, "dtype complex128"),
    "bytes array": (np.array([b"a", b"b"]), TypeError, r"dtype \|S1"),
    "dates": (np.zeros((2, 8, 9), "M8[s]"), TypeError, "datetime64"),
    "an empty path": (["a", ""], ValueError, r"X\[1\] is an empty path"),
    "numbers": (["a", 3], TypeError, r"X\[1\] is of type int"),
    "numpy numbers": (["a", np.int64(3)], TypeError, r"X\[1\] is of type int64"),
    "objects": (np.array(["a", 3, {}], object), TypeError, r"X\[1\] is of type int"),
    "bytes in a list": (["a", b"b"], TypeError, r"X\[1\] is of type bytes"),
    "lists in a list": ([["a"], ["b"]], TypeError, r"X\[0\] is of type list"),
    "channels first in a list": (
        [np.zeros((3, 8, 9))],
        ValueError,
        r"np.moveaxis\(X\[0\], 0, -1\)",
    ),
    "a batch in a list": ([np.zeros((2, 8, 9, 3))], ValueError, "element.*one picture"),
    "a row in a list": ([np.zeros(9)], ValueError, r"X\[0\].*shape \(9,\)"),
    "a str array in a list": ([np.array(PATHS)], TypeError, r"X\[0\].*dtype <U7"),
}


@pytest.mark.parametrize(("X", "error", "words"), WRONG.values(), ids=WRONG)
def test_what_holds_no_pictures_is_refused_with_what_to_do(X, error, words):
    with pytest.raises(error, match=words):
        as_pictures(X)


@pytest.mark.parametrize(
    "X",
    [
        ["a", None, "b", float("nan")],
        np.array(["a", None, "b", np.nan], object),
        pd.Series(["a", None, "b", np.nan]),
        pd.Series(["a", None, "b", None], dtype="string"),
        pl.Series(["a", None, "b", None]),
        pd.DataFrame({"path": ["a", pd.NA, "b", pd.NaT]}),
    ],
    ids=lambda X: f"{type(X).__module__}.{type(X).__name__}",
)
def test_missing_paths_are_counted_and_found(X):
    with pytest.raises(
        ValueError, match=r"2 missing value\(s\).* at position\(s\) 1, 3:"
    ):
        as_pictures(X)

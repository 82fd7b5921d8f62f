import zipfile
from collections import UserList
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from bad_pictures import encoded, noise
from PIL import Image
from scipy import sparse

from skresnet.reading import PictureError, Resizing, as_pictures

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
        pa.array(PATHS),
        pa.chunked_array([PATHS]),
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
    "bytes": (b"a.jpg", TypeError, r"content of a single picture: .*\[content\]"),
    "a dict": ({"a": 1}, TypeError, "X is of type dict"),
    "a set": ({"a"}, TypeError, "X is of type set"),
    "a number": (3, TypeError, "X is of type int"),
    "None": (None, TypeError, "X is of type NoneType"),
    "a generator": ((p for p in PATHS), TypeError, "pass the paths that it is made"),
    "an iterator of directories": (
        SimpleNamespace(filepaths=PATHS, classes=[0]),
        TypeError,
        r"pass its paths, X\.filepaths",
    ),
    "a data set of TensorFlow": (
        SimpleNamespace(file_paths=PATHS, element_spec=None),
        TypeError,
        r"pass its paths, X\.file_paths",
    ),
    "a mapped data set of TensorFlow": (
        SimpleNamespace(element_spec=None),
        TypeError,
        "load_image_folder lists",
    ),
    "a folder of torchvision": (
        SimpleNamespace(samples=[("a", 0)], class_to_idx={}),
        TypeError,
        r"\[path for path, _ in X\.samples\]",
    ),
    "a table": (pa.table({"a": PATHS}), TypeError, r"a column of it, such as X\["),
    "a text file": ([StringIO("a")], TypeError, "opened as text; .* mode 'rb'"),
    "a dict without content": (
        ["a", {"bytes": None, "path": None}],
        ValueError,
        r"X\[1\] is a dict with neither",
    ),
    "encoded bytes in an array": (
        [np.zeros(9, np.uint8)],
        ValueError,
        r"passed as bytes, X\[0\]\.tobytes\(\)",
    ),
    "masked": (
        np.ma.masked_greater(np.full((2, 8, 9), 7.0), 6),
        ValueError,
        r"144 values are masked.*X\.filled\(255\)",
    ),
    "masked in a list": (
        [np.ma.masked_less(np.eye(9), 1)],
        ValueError,
        r"X\[0\].* 72 values are masked",
    ),
    "sparse": (sparse.csr_array((3, 4)), TypeError, "sparse csr_array"),
    "sparse by keys": (sparse.dok_array((3, 4)), TypeError, "sparse dok_array"),
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


CONTENT = encoded(noise(9, 9), "PNG")


class PathElsewhere:
    """What UPath and zipfile.Path have in common."""

    def open(self, mode):
        assert mode == "rb"
        return BytesIO(CONTENT)

    def read_bytes(self):
        return CONTENT

    def __str__(self):
        return "s3://photos/a.png"


@pytest.fixture
def files(tmp_path):
    """The same picture in every form that a file's content may have."""
    path = tmp_path / "a.png"
    path.write_bytes(CONTENT)
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", CONTENT)
    with path.open("rb") as opened, ZipFile(tmp_path / "a.zip") as archive:
        yield [
            str(path),
            CONTENT,
            bytearray(CONTENT),
            memoryview(CONTENT),
            BytesIO(CONTENT),
            opened,
            archive.open("a.png"),
            zipfile.Path(archive, "a.png"),
            PathElsewhere(),
            {"bytes": CONTENT, "path": "gone.png"},
            {"bytes": CONTENT, "path": None},
            {"bytes": None, "path": str(path)},
        ]


def test_the_content_of_a_file_is_a_picture_and_the_same_one_as_the_file(files):
    pictures = as_pictures(files)
    for _ in range(2):  # as fit and predict do
        loaded = [picture.load() for picture in pictures]
        for picture in pictures:
            picture.check()
        assert len({one.digest() for one in loaded}) == 1
        first, *others = [one.pixels(Resizing((9, 9))) for one in loaded]
        for other in others:
            np.testing.assert_array_equal(other, first)


def test_the_content_of_a_file_is_named_by_what_is_known_of_it(files):
    labels = [picture.label for picture in as_pictures(files)]
    assert labels[1] == f"X[1] ({len(CONTENT)} bytes)"
    assert labels[5] == f"X[5] ({files[0]!r})"
    assert labels[8] == "X[8] ('s3://photos/a.png')"
    assert labels[9] == "X[9] ('gone.png')"


@pytest.mark.parametrize(
    "X",
    [
        [CONTENT, CONTENT],
        np.array([CONTENT, CONTENT], object),
        pd.Series([CONTENT, CONTENT]),
        pl.Series([CONTENT, CONTENT]),
        pd.DataFrame({"image": [CONTENT, CONTENT]}),
        pa.array([CONTENT, CONTENT]),
        pl.Series([{"bytes": CONTENT, "path": "a"}] * 2),
    ],
    ids=lambda X: f"{type(X).__module__}.{type(X).__name__}",
)
def test_content_comes_in_every_container_that_holds_a_column(X):
    assert [picture.load().data for picture in as_pictures(X)] == [CONTENT, CONTENT]


def test_a_file_that_stands_at_several_places_may_be_read_by_threads(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(CONTENT * 1000)
    with path.open("rb") as opened, ThreadPoolExecutor(8) as pool:
        pictures = as_pictures([opened] * 200)
        digests = pool.map(lambda picture: picture.load().digest(), pictures)
        assert len(set(digests)) == 1


def test_bytes_that_are_a_path_are_told_what_to_do():
    (picture,) = as_pictures([b"/photos/secret.jpg"])
    with pytest.raises(PictureError, match=r"os\.fsdecode") as caught:
        picture.check()
    assert "secret" not in str(caught.value)
    (picture,) = as_pictures([b""])
    with pytest.raises(PictureError, match="zero bytes"):
        picture.check()


def test_what_cannot_be_read_from_elsewhere_is_unreadable(files):
    files[5].close()
    with pytest.raises(PictureError, match=r"cannot be read \(ValueError\)"):
        as_pictures(files)[5].load()


def test_an_address_is_not_opened_and_names_what_opens_it():
    (picture,) = as_pictures(["https://example.org/a.png"])
    with pytest.raises(PictureError, match=r"skresnet\[remote\].* upath\.UPath"):
        picture.load()


def test_masked_arrays_that_hide_nothing_are_arrays():
    X = np.ma.MaskedArray(np.zeros((2, 8, 9)))
    assert type(as_pictures(X)[0].load().array) is np.ndarray


@pytest.mark.parametrize("at", [0, 11, 8, 7], ids=["str", "dict", "elsewhere", "zip"])
def test_where_paths_are_not_allowed_none_is_opened_or_named(files, at):
    content = [files[i] for i in (1, 2, 3, 4, 5, 6, 9, 10)]
    assert len(as_pictures(content, allow_paths=False)) == 8
    with pytest.raises(ValueError, match="paths are not allowed") as caught:
        as_pictures([CONTENT, files[at]], allow_paths=False)
    assert "X[1] is a path, and 1 of 2" in str(caught.value)
    assert ".png" not in str(caught.value)


def test_a_single_path_is_not_shown_where_none_are_allowed():
    with pytest.raises(TypeError, match="single path") as caught:
        as_pictures("/etc/passwd", allow_paths=False)
    assert "passwd" not in str(caught.value)


def test_archives_are_refused_with_the_way_into_them(tmp_path):
    with ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("cat/a.png", CONTENT)
        with pytest.raises(TypeError, match=r"pass zipfile\.Path.*load_image_folder"):
            as_pictures(archive)
    with pytest.raises(TypeError, match="X is a single path, of type Path: put it in"):
        as_pictures(zipfile.Path(tmp_path / "photos.zip", "cat/a.png"))

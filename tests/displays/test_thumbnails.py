"""Small versions of pictures, and what pictures are called."""

import numpy as np
import pytest
from PIL import Image

from skresnet.displays.thumbnails import thumbnails
from skresnet.reading import Failure, Resizing, as_pictures
from skresnet.text import picture_names, shown

ORIENTATION = 0x0112


def test_the_whole_picture_is_there_upright_in_its_own_shape(tmp_path):
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[:, :45] = (250, 30, 30)  # red on the left
    pixels[:, 45:] = (30, 30, 250)
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned clockwise: left becomes top
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    (small,) = thumbnails(as_pictures([tmp_path / "turned.jpg"]), 30)
    assert small.size == (20, 30)
    assert np.asarray(small)[:10, :, 0].mean() > 200
    assert np.asarray(small)[20:, :, 2].mean() > 200


@pytest.mark.parametrize("shape", [(10, 37), (37, 10), (40, 39), (40, 40)])
def test_no_black_bar_is_left(shape):
    (small,) = thumbnails(as_pictures([np.full(shape, 200, np.uint8)]), 40)
    assert np.asarray(small).min() == 200
    assert max(small.size) == 40


def test_what_the_network_sees_is_shown_with_its_bars_and_no_larger():
    bright = as_pictures([np.full((40, 80), 200, np.uint8)])
    (padded,) = thumbnails(bright, 100, Resizing((32, 32), aspect="pad"))
    assert padded.size == (32, 32)
    assert np.asarray(padded)[[0, -1]].max() == 0
    (small,) = thumbnails(bright, 50, Resizing((200, 100)))
    assert small.size == (25, 50)


def test_a_black_picture_and_floats_are_pictures_too():
    black = np.zeros((8, 16), np.uint8)
    bright = np.full((8, 8, 3), 254.6, np.float32)
    dark, light = thumbnails(as_pictures([black, bright]), 16)
    assert np.asarray(dark).max() == 0
    assert np.unique(np.asarray(light)).tolist() == [255]


def test_what_cannot_be_read_says_why(tmp_path):
    (failure,) = thumbnails(as_pictures([tmp_path / "none.png"]), 16)
    assert isinstance(failure, Failure)
    assert failure.cause == "no such file"


def test_pictures_are_named_by_the_path_below_what_they_share(tmp_path):
    paths = [tmp_path / "a" / "1.png", tmp_path / "b" / "2.png"]
    assert picture_names(as_pictures(paths)) == ["a/1.png", "b/2.png"]
    assert picture_names(as_pictures(paths[:1])) == ["1.png"]
    grey = np.zeros((2, 2))
    assert picture_names(as_pictures([grey, paths[0]])) == ["X[0]", "1.png"]
    assert picture_names(as_pictures(["x/1.png", paths[0]])) == [
        "x/1.png",
        str(paths[0]),
    ]


def test_names_are_shown_so_that_they_can_be_encoded_and_hide_nothing():
    assert shown("a\udcffb") == "a\\udcffb"
    assert shown("line\nend\x00") == "line\\nend\\x00"
    assert shown("\u202egpj.exe") == "\\u202egpj.exe"
    assert shown("caf\u00e9 \N{CAT FACE}\u200d\N{BUST IN SILHOUETTE}") == (
        "caf\u00e9 \N{CAT FACE}\u200d\N{BUST IN SILHOUETTE}"
    )
    assert shown(7) == "7"

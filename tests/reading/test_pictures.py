import hashlib
import re
from io import BytesIO

import numpy as np
import pytest
from bad_pictures import noise
from PIL import Image, ImageOps

from skresnet.embedding import map_ahead
from skresnet.reading import PictureError, Resizing, as_pictures

SMALL = Resizing(input_size=(6, 5))


def content(element):
    (picture,) = as_pictures([element])
    picture.check()
    return picture.load()


def random_array(*shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def test_the_digest_of_a_file_is_the_sha256_of_its_bytes(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (3, 3)).save(path)
    assert content(path).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_a_file_is_read_once(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (3, 3), "red").save(path)
    loaded = content(path)
    path.unlink()
    assert (loaded.pixels(SMALL) == (255, 0, 0)).all()


def test_the_digest_of_an_array_changes_with_all_that_changes_its_pixels():
    array = random_array(6, 4)
    other_value = array.copy()
    other_value[0, 0] ^= 1
    variants = [
        array,
        other_value,
        array.reshape(4, 6),
        array.astype("f4"),
        array.view("?"),
    ]
    digests = [content(variant).digest() for variant in variants]
    assert len(set(digests)) == len(variants)
    assert all(len(digest) == 32 for digest in digests)


def test_the_digest_of_an_array_does_not_depend_on_its_layout_in_memory():
    array = random_array(6, 4, 3)
    spread = np.repeat(array, 2, axis=1)[:, ::2]
    digests = {
        content(variant).digest()
        for variant in (array, spread, np.asfortranarray(array))
    }
    assert len(digests) == 1


def test_the_digest_of_an_image_changes_with_all_that_changes_its_pixels():
    image = Image.new("P", (2, 4), 0)
    image.putpalette([9, 9, 9])
    reshaped = Image.new("P", (4, 2), 0)
    reshaped.putpalette([9, 9, 9])
    repainted = image.copy()
    repainted.putpalette([8, 9, 9])
    transparent = image.copy()
    transparent.info["transparency"] = 0
    variants = [image, repainted, transparent]
    assert len({content(variant).digest() for variant in variants}) == 3
    assert content(reshaped).digest() != content(image).digest()


def test_an_array_that_has_the_size_is_left_as_it_is():
    for array in (random_array(6, 5, 3), random_array(6, 5, 3, dtype=np.float32)):
        pixels = content(array).pixels(SMALL)
        assert pixels.dtype == array.dtype
        np.testing.assert_array_equal(pixels, array)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 1)])
def test_grey_becomes_three_equal_channels(shape, dtype):
    array = random_array(*shape, dtype=dtype)
    pixels = content(array).pixels(SMALL)
    expected = np.repeat(array.reshape(6, 5, 1), 3, axis=2)
    np.testing.assert_array_equal(pixels, expected)
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_alpha_channel_is_composited_on_white(dtype):
    array = np.full((6, 5, 4), (255, 0, 0, 51), dtype)
    array[0, 0, 3] = 0
    pixels = content(array).pixels(SMALL)
    assert (pixels[0, 0] == 255).all()
    np.testing.assert_allclose(pixels[1, 1], (255, 204, 204))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0, 255]], np.int64), [0, 255]),
        (np.array([[7, 100]], np.int8), [7, 100]),
        (np.array([[0, 128 * 257]], np.uint16), [0, 128]),
        (np.array([[129, 65535]], ">u2"), [1, 255]),
    ],
)
def test_other_integers_become_bytes(array, expected):
    pixels = content(array).pixels(Resizing(input_size=(1, 2)))
    assert pixels.dtype == np.uint8
    assert pixels[0, :, 0].tolist() == expected


def test_a_float_array_is_resized_without_rounding():
    array = random_array(31, 47, 3, dtype=np.float64) + 0.25
    pixels = content(array).pixels(SMALL)
    assert pixels.dtype == np.float32
    assert pixels.flags.c_contiguous
    for channel in range(3):
        plane = Image.fromarray(array[..., channel].astype(np.float32))
        resized = plane.resize((5, 6), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(pixels[..., channel], np.asarray(resized))


def test_an_image_opened_but_not_loaded_is_read(tmp_path):
    path = tmp_path / "a.png"
    array = random_array(6, 5, 3)
    Image.fromarray(array).save(path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(content(image).pixels(SMALL), array)


def test_an_image_may_stand_at_many_places_and_be_read_in_threads(tmp_path):
    path = tmp_path / "a.png"
    noise(300, 400).save(path)
    expected = content(path).pixels(SMALL)
    with Image.open(path) as image:
        pictures = as_pictures([image] * 30)
        pixels = map_ahead(
            lambda picture: picture.load().pixels(SMALL), pictures, n_jobs=8, ahead=30
        )
        for one in pixels:
            np.testing.assert_array_equal(one, expected)


@pytest.mark.parametrize(
    ("element", "cause"),
    [
        (np.array([[0.0, np.nan]]), "1 of its values are NaN or infinite"),
        (np.array([[np.inf, -np.inf]]), "2 of its values are NaN or infinite"),
        (np.array([[1e300]]), "1 of its values are NaN or infinite"),
        (np.array([[-4, 300]]), "int64 values run from -4 to 300"),
        (np.full((2, 2), 2**40, np.uint64), "uint64 values run from 1099511627776"),
        (np.zeros((0, 5, 3)), "no pixels"),
        (np.zeros((5, 0), np.uint8), "no pixels"),
        (Image.new("RGB", (0, 5)), "no pixels"),
        (Image.fromarray(np.full((2, 2), 0.5, np.float32)), "0 to 255 scale"),
        (Image.fromarray(np.full((2, 2), 999, np.int32)), "run from 999 to 999"),
    ],
)
def test_values_that_are_no_pixels_are_unreadable(element, cause):
    (picture,) = as_pictures([element])
    with pytest.raises(PictureError) as caught:
        picture.load().pixels(SMALL)
    assert cause in str(caught.value)


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (np.array([[0.0, 0.98]]), "between 0 and 0.98.*multiply them by 255"),
        (np.array([[-2.1, 2.6]]), "from -2.1 to 2.6.*before any preprocessing"),
        (np.array([[0.0, 300.0]]), "from 0 to 300"),
        (np.array([[0, 255]], np.uint16), "16-bit values do not exceed 255.*by 256"),
        (np.array([[0, 1023]], np.uint16), "do not exceed 1023.*10 bits.*by 64"),
        (np.array([[0, 4000]], np.uint16), "do not exceed 4000.*12 bits.*by 16"),
        (Image.fromarray(np.full((2, 2), 900, np.uint16)), "do not exceed 900.*by 64"),
    ],
)
def test_values_on_another_scale_are_suspicious(element, words):
    suspicion = content(element).suspicion()
    assert suspicion is not None
    assert re.search(words, suspicion)


@pytest.mark.parametrize(
    "element",
    [
        np.array([[0.0, 0.0]]),
        np.array([[0.0, 255.0]]),
        np.array([[0.5, 1.5]]),
        np.array([[0, 1]], np.uint8),
        np.array([[0, 1]], bool),
        np.array([[0, 0]], np.uint16),
        Image.new("RGB", (2, 2)),
    ],
)
def test_pixels_on_the_usual_scale_are_not_suspicious(element):
    assert content(element).suspicion() is None


def turned_by_exif(orientation):
    image = noise(20, 30)
    image.getexif()[0x0112] = orientation
    file = BytesIO()
    image.save(file, "PNG", exif=image.getexif())
    return Image.open(file)


def test_an_image_turned_by_hand_is_not_turned_again():
    opened = turned_by_exif(6)
    by_hand = opened.transpose(Image.Transpose.ROTATE_270)
    assert by_hand.getexif()[0x0112] == 6
    resizing = Resizing((30, 20))
    expected = np.asarray(by_hand)
    np.testing.assert_array_equal(content(by_hand).pixels(resizing), expected)
    np.testing.assert_array_equal(content(opened).pixels(resizing), expected)
    assert "PIL.ImageOps.exif_transpose" in content(by_hand).suspicion()
    assert content(opened).suspicion() is None


def test_a_changed_image_whose_exif_asks_for_no_turn_is_not_suspicious():
    assert content(turned_by_exif(1).convert("L")).suspicion() is None
    assert content(ImageOps.exif_transpose(turned_by_exif(6))).suspicion() is None


@pytest.mark.parametrize("is_loaded", [False, True])
def test_a_closed_image_is_told_as_such(tmp_path, is_loaded):
    path = tmp_path / "a.png"
    noise(9, 9).save(path)
    with Image.open(path) as image:
        if is_loaded:
            image.load()
    if is_loaded:
        image.close()
    with pytest.raises(PictureError, match="the PIL image is closed"):
        content(image).pixels(SMALL)

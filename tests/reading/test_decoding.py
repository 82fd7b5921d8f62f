import os

import numpy as np
import pytest
from bad_cases import NO_FILES, ONE_COLOUR, RED, UNREADABLE, WHITE
from bad_pictures import palette_with_transparency, with_orientation
from PIL import Image

from skresnet.reading import (
    PictureError,
    Resizing,
    UnreadableImageError,
    as_pictures,
    failure_of,
)


def only_picture(path):
    (picture,) = as_pictures([path])
    return picture


def cause_of(action):
    with pytest.raises(PictureError) as caught:
        action()
    return str(caught.value)


@pytest.mark.parametrize("aspect", ["stretch", "crop"])
@pytest.mark.parametrize(("data", "colour"), ONE_COLOUR.values(), ids=ONE_COLOUR)
def test_a_picture_of_one_colour_keeps_it(tmp_path, data, colour, aspect):
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    picture = only_picture(path)
    picture.check()
    pixels = picture.load().pixels(Resizing(input_size=(20, 30), aspect=aspect))
    assert pixels.shape == (20, 30, 3)
    assert pixels.dtype == np.uint8
    # JPEG and the conversions of CMYK and LAB are off by a little.
    np.testing.assert_allclose(pixels.astype(int), np.full((20, 30, 3), colour), atol=3)


@pytest.mark.parametrize(("data", "cause"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_whole_picture_is_unreadable_and_says_why(tmp_path, data, cause):
    path = tmp_path / "picture.jpg"
    path.write_bytes(data)
    picture = only_picture(path)
    found = cause_of(lambda: picture.load().pixels(Resizing(input_size=(20, 30))))
    assert any(part in found for part in cause.split("|"))


@pytest.mark.parametrize(
    "name",
    ["empty", "HTML", "wrong checksum in a PNG's header", "decompression bomb"],
)
def test_a_check_finds_what_the_header_shows(tmp_path, name):
    data, cause = UNREADABLE[name]
    path = tmp_path / "picture.jpg"
    path.write_bytes(data)
    assert cause in cause_of(only_picture(path).check)


def test_a_transparent_palette_entry_is_white_and_the_others_are_themselves(tmp_path):
    path = tmp_path / "palette.png"
    path.write_bytes(palette_with_transparency())
    pixels = only_picture(path).load().pixels(Resizing(input_size=(4, 8)))
    assert (pixels[:, :4] == WHITE).all()
    assert (pixels[:, 4:] == (0, 255, 0)).all()


def test_a_panorama_beyond_the_limit_is_read_at_a_smaller_scale(tmp_path):
    path = tmp_path / "panorama.jpg"
    Image.new("L", (20_000, 5_000), 100).save(path)
    picture = only_picture(path)
    picture.check()
    pixels = picture.load().pixels(Resizing(input_size=(20, 30)))
    assert (abs(pixels.astype(int) - 100) <= 1).all()
    unscaled = Resizing(input_size=(20, 30), scaled_decoding=False)
    assert "limit" in cause_of(lambda: picture.load().pixels(unscaled))


# What row 0 and column 0 of the file are in the upright picture, as Exif 2.32 says.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright[:, ::-1].swapaxes(0, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: upright[::-1].swapaxes(0, 1),
}


def four_colours(height, width):
    upright = np.zeros((height, width, 3), np.uint8)
    upright[: height // 2, : width // 2] = (200, 0, 0)
    upright[: height // 2, width // 2 :] = (0, 200, 0)
    upright[height // 2 :, : width // 2] = (0, 0, 200)
    upright[height // 2 :, width // 2 :] = (200, 200, 200)
    return upright


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", STORED)
def test_a_picture_is_seen_upright(tmp_path, orientation, format_):
    upright = four_colours(16, 32)
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    path = tmp_path / "picture"
    path.write_bytes(with_orientation(stored, orientation, format_))
    pixels = only_picture(path).load().pixels(Resizing(input_size=(16, 32)))
    np.testing.assert_allclose(pixels.astype(int), upright, atol=6)
    with Image.open(path) as image:
        (picture,) = as_pictures([image])
        pixels = picture.load().pixels(Resizing(input_size=(16, 32)))
    np.testing.assert_allclose(pixels.astype(int), upright, atol=6)


@pytest.mark.parametrize("orientation", STORED)
def test_a_large_photo_is_upright_when_decoded_at_a_smaller_scale(
    tmp_path, orientation
):
    stored = STORED[orientation](four_colours(256, 512))
    path = tmp_path / "photo.jpg"
    image = Image.fromarray(np.ascontiguousarray(stored))
    path.write_bytes(with_orientation(image, orientation, "JPEG"))
    pixels = only_picture(path).load().pixels(Resizing(input_size=(32, 64)))
    np.testing.assert_allclose(pixels.astype(int), four_colours(32, 64), atol=6)


@pytest.mark.parametrize(
    "name",
    [
        b"a name with spaces.png",
        b"a\nnewline.png",
        b"'single' and \"double\".png",
        "\N{CAT FACE}.png".encode(),
        b"not utf-8 \xff\xfe.png",
        b"no ending",
    ],
    ids=repr,
)
def test_a_file_of_any_name_is_read(tmp_path, name):
    path = os.path.join(str(tmp_path), os.fsdecode(name))  # noqa: PTH118 - as users do
    try:
        Image.new("RGB", (3, 3), RED).save(path, "PNG")
    except OSError:
        pytest.skip("the file system does not take this name")
    pixels = only_picture(path).load().pixels(Resizing(input_size=(3, 3)))
    assert (pixels == RED).all()


def test_the_error_about_a_file_of_any_name_is_one_line_that_can_be_printed(tmp_path):
    name = os.fsdecode(b"a\nnewline and \xff.png")
    picture = only_picture(tmp_path / name)
    with pytest.raises(PictureError) as caught:
        picture.load()
    error = UnreadableImageError([failure_of(picture, caught.value)])
    lines = str(error).encode("utf-8").splitlines()
    assert len(lines) == 3


@pytest.mark.parametrize(("make", "cause"), NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_regular_file_is_unreadable_without_waiting(tmp_path, make, cause):
    path = tmp_path / "picture.jpg"
    make(path)
    picture = only_picture(path)
    assert cause in cause_of(picture.check)
    assert cause in cause_of(picture.load)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_unreadable(tmp_path):
    path = tmp_path / "picture.jpg"
    path.touch(0)
    assert cause_of(only_picture(path).load) == "permission denied"


def test_a_device_and_a_path_that_cannot_be_are_unreadable():
    assert "device" in cause_of(only_picture("/dev/zero").load)
    assert "not a valid path" in cause_of(only_picture("a\0b.jpg").load)
    assert "too long" in cause_of(only_picture("a" * 5000).load)


def test_a_file_removed_after_the_check_is_unreadable(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (3, 3)).save(path)
    picture = only_picture(path)
    picture.check()
    path.unlink()
    assert cause_of(picture.load) == "no such file"

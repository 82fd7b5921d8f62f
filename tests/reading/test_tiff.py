"""TIFF files that Pillow reads wrongly, not at all or with remarks that name no file.

``tools/check_decoding.py`` does the same for thousands, with decoders of others.
"""

import warnings

import numpy as np
import pytest
from bad_pictures import tiff_of, tiff_tags

from skresnet.reading import PictureError, Resizing
from skresnet.reading.pictures import EncodedPicture

HEIGHT, WIDTH = 6, 9


def pixels(data):
    return EncodedPicture(0, data).pixels(Resizing((HEIGHT, WIDTH)))


def values(channels, dtype):
    most = np.iinfo(dtype).max
    shape = (HEIGHT, WIDTH, channels)
    return np.random.default_rng(0).integers(0, most + 1, shape).astype(dtype)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize(
    ("photometric", "channels"), [(1, 1), (0, 1), (2, 3)], ids=["black", "white", "RGB"]
)
@pytest.mark.parametrize("planar", [1, 2])
def test_every_order_of_bytes_planes_and_greys_shows_the_same(
    photometric, channels, planar, dtype, order
):
    array = values(channels, dtype)
    stored = array.astype(f"{'<' if order == 'little' else '>'}{dtype}")
    strips = [stored.tobytes()]
    if planar == 2:
        strips = [stored[..., channel].tobytes() for channel in range(channels)]
    bits = [8 * array.itemsize] * channels
    lengths = [len(strip) for strip in strips]
    tags = tiff_tags(HEIGHT, WIDTH, bits, photometric, lengths, planar=planar)
    expected = array.astype(float) * 255 / np.iinfo(dtype).max
    if photometric == 0:
        expected = 255 - expected
    found = pixels(tiff_of(tags, b"".join(strips), order))
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1)


@pytest.mark.parametrize("order", ["little", "big"])
def test_a_big_tiff_is_read(order):
    array = values(3, "u1")
    tags = tiff_tags(HEIGHT, WIDTH, [8, 8, 8], 2, [array.nbytes])
    tags[273] = (16, tags[273][1])
    data = tiff_of(tags, array.tobytes(), order, big=True)
    np.testing.assert_array_equal(pixels(data), array)


@pytest.mark.parametrize(
    ("bits", "photometric", "further", "words"),
    [
        ([12], 1, {}, "grey, 1 x 12 bits unsigned"),
        ([10], 1, {}, "grey, 1 x 10 bits unsigned"),
        ([32] * 3, 2, {"format": 3}, "RGB, 3 x 32 bits floating-point"),
        ([64], 1, {"format": 3}, "grey, 1 x 64 bits floating-point"),
        ([8], 1, {"format": 2}, "grey, 1 x 8 bits signed"),
        ([8], 1, {"order": 2}, "with reversed bits"),
        ([8], 32803, {}, "the raw mosaic of a camera"),
        ([8], 1, {"compression": 34887}, "compressed by LERC"),
        ([8] * 5, 2, {}, "RGB, 5 x 8 bits"),
    ],
)
def test_a_kind_that_is_not_read_is_named_and_not_called_damaged(
    bits, photometric, further, words, monkeypatch
):
    monkeypatch.setattr("skresnet.reading.tiff.is_installed", lambda: False)
    strip = bytes(HEIGHT * WIDTH * 8 * len(bits))
    tags = tiff_tags(HEIGHT, WIDTH, bits, photometric, [len(strip)], **further)
    with pytest.raises(PictureError, match="not supported") as caught:
        pixels(tiff_of(tags, strip))
    assert words in str(caught.value)
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("tag", [254, 50706])
def test_the_thumbnail_of_a_raw_file_is_not_taken_for_the_picture(tag):
    tags = tiff_tags(HEIGHT, WIDTH, [8] * 3, 2, [HEIGHT * WIDTH * 3])
    tags[tag] = (4, [1])
    with pytest.raises(PictureError, match=r"thumbnail.* raw files of cameras"):
        pixels(tiff_of(tags, bytes(HEIGHT * WIDTH * 3)))


def packed(values, bits):
    planes = [(values.ravel() >> shift) & 1 for shift in reversed(range(bits))]
    return np.packbits(np.stack(planes, axis=-1).ravel().astype(np.uint8)).tobytes()


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("photometric", [0, 1])
def test_values_of_other_bits_are_read_by_tifffile(bits, photometric):
    pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    most = 2**bits - 1
    array = np.linspace(0, most, 8 * 8).astype(np.uint16).reshape(8, 8)
    data = packed(array, bits)
    tags = tiff_tags(8, 8, [bits], photometric, [len(data)])
    found = EncodedPicture(0, tiff_of(tags, data)).pixels(Resizing((8, 8)))
    expected = array * (255 / most)
    expected = 255 - expected if photometric == 0 else expected
    np.testing.assert_allclose(found[..., 1], expected, atol=1)


@pytest.mark.parametrize("kind", ["f4", "f8", "i2", "u4"])
def test_colours_of_other_numbers_are_read_by_tifffile_where_they_go_to_255(kind):
    pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    array = values(3, "u1").astype(kind)
    format_ = {"f": 3, "i": 2, "u": 1}[kind[0]]
    bits = [8 * array.itemsize] * 3
    tags = tiff_tags(HEIGHT, WIDTH, bits, 2, [array.nbytes], format=format_)
    np.testing.assert_array_equal(pixels(tiff_of(tags, array.tobytes())), array)
    scaled = (array * 0 + 300).astype(kind)
    with pytest.raises(PictureError, match="300"):
        pixels(tiff_of(tags, scaled.tobytes()))


def test_without_tifffile_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("skresnet.reading.tiff.is_installed", lambda: False)
    tags = tiff_tags(4, 6, [12], 1, [36])
    with pytest.raises(PictureError, match=r"12 bits.*skresnet\[tiff\]"):
        pixels(tiff_of(tags, bytes(36)))


def test_any_number_of_damaged_tags_is_one_remark():
    array = values(3, "u1")
    tags = tiff_tags(HEIGHT, WIDTH, [8, 8, 8], 2, [array.nbytes])
    data = bytearray(tiff_of(tags, array.tobytes()))
    directory = 16 + array.nbytes
    broken = b"".join(
        tag.to_bytes(2, "little") + b"\x02\0" + b"\xff\xff\xff\x7f" * 2
        for tag in range(1000, 21_000)
    )
    end = directory + 2 + 12 * len(tags)
    data[directory : directory + 2] = (len(tags) + 20_000).to_bytes(2, "little")
    # The values that lie beyond the directory move with its end.
    moved = bytes(data[:end]) + broken + bytes(data[end:])
    for tag in range(len(tags)):
        place = directory + 2 + 12 * tag
        kind, count = moved[place + 2], moved[place + 4]
        if kind * count > 4 and kind == 3 and count > 2:
            where = int.from_bytes(moved[place + 8 : place + 12], "little")
            where += len(broken)
            moved = (
                moved[: place + 8] + where.to_bytes(4, "little") + moved[place + 12 :]
            )
    picture = EncodedPicture(0, moved)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = picture.pixels(Resizing((HEIGHT, WIDTH)))
    np.testing.assert_array_equal(found, array)
    assert (
        picture.suspicion() == "20000 of its TIFF tags are damaged, and not looked at"
    )


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("most", [255, 1023, 4095])
def test_values_of_few_bits_in_sixteen_are_suspicious(most, photometric):
    array = np.linspace(0, most, HEIGHT * WIDTH).astype("<u2")
    tags = tiff_tags(HEIGHT, WIDTH, [16], photometric, [array.nbytes])
    picture = EncodedPicture(0, tiff_of(tags, array.tobytes()))
    picture.pixels(Resizing((HEIGHT, WIDTH)))
    assert f"do not exceed {most}" in picture.suspicion()


def test_a_tile_larger_than_the_picture_counts():
    tags = tiff_tags(HEIGHT, WIDTH, [8], 1, [100])
    for tag in (273, 278, 279):
        del tags[tag]
    tags |= {322: (4, [2**16]), 323: (4, [2**15]), 324: (4, [16]), 325: (4, [100])}
    with pytest.raises(PictureError, match="a tile of it has 2,147,483,648 pixels"):
        pixels(tiff_of(tags, bytes(100)))

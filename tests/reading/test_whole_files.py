"""What ends early, or was overwritten, is not read as if it were whole."""

import re
import struct
import zlib

import numpy as np
import pytest
from bad_pictures import (
    encoded,
    grey_16_bits,
    noise,
    plain,
    png,
    png_chunk,
    with_orientation,
)
from PIL import Image, ImageFile, PngImagePlugin

from skresnet.reading import PictureError, Resizing
from skresnet.reading.pictures import EncodedPicture

SMALL = Resizing((6, 9))


def picture_of(data):
    picture = EncodedPicture(0, data)
    picture.pixels(SMALL)
    return picture


def png_with_lines(lines, interlace=0, width=6, height=8):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlace)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


@pytest.mark.parametrize("rows", [0, 1, 4, 7])
def test_a_png_whose_stream_holds_too_few_rows_is_refused(rows):
    with pytest.raises(PictureError, match="ends early"):
        picture_of(png_with_lines(b"\0abcdef" * rows))


def test_an_interlaced_png_whose_last_rows_are_missing_is_refused():
    # Passes of 1 x 1, 1 x 1, 2 x 1, 1 x 2, 3 x 2, 3 x 4 and 6 x 4 pixels.
    passes = [(1, 1), (1, 1), (2, 1), (1, 2), (3, 2), (3, 4), (6, 4)]
    lines = [b"\0" + b"a" * width for width, height in passes for _ in range(height)]
    assert picture_of(png_with_lines(b"".join(lines), interlace=1))
    with pytest.raises(PictureError, match="ends early"):
        picture_of(png_with_lines(b"".join(lines[:-1]), interlace=1))


def test_a_png_that_ends_in_black_is_read():
    lines = b"\0abcdef" * 7 + bytes(7)
    pixels = EncodedPicture(0, png_with_lines(lines)).pixels(Resizing((8, 6)))
    assert (pixels[:7, 0] == ord("a")).all()
    assert (pixels[7] == 0).all()


def test_text_and_profiles_do_a_png_no_harm():
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 3_000_000, zip=True)
    info.add_itxt("other", "y" * 3_000_000, zip=True)
    whole = encoded(plain("RGB", "red"), "PNG", pnginfo=info, icc_profile=bytes(10**6))
    assert (EncodedPicture(0, whole).pixels(SMALL) == (255, 0, 0)).all()


def test_a_png_in_many_chunks_is_read():
    data = encoded(noise(), "PNG")
    start = data.index(b"IDAT") - 4
    length = int.from_bytes(data[start : start + 4])
    stream = data[start + 8 : start + 8 + length]
    pieces = [png_chunk(b"IDAT", stream[i : i + 5]) for i in range(0, length, 5)]
    many = data[:start] + b"".join(pieces) + data[start + 12 + length :]
    expected = EncodedPicture(0, data).pixels(SMALL)
    np.testing.assert_array_equal(EncodedPicture(0, many).pixels(SMALL), expected)


@pytest.mark.parametrize("overwritten", [bytes(1), b"\xff", b"some text "])
@pytest.mark.parametrize("kind", ["", "progressive"])
def test_a_jpeg_whose_second_half_was_overwritten_is_refused_or_remarked_on(
    overwritten, kind
):
    smooth = noise(24, 32).resize((320, 240), Image.Resampling.BICUBIC)
    data = encoded(smooth, "JPEG", progressive=bool(kind))
    half = len(data) // 2
    other = (overwritten * len(data))[: len(data) - half - 2]
    try:
        told = picture_of(data[:half] + other + data[-2:]).suspicion()
    except PictureError as error:
        told = str(error)
    assert told is not None
    assert re.search(r"damaged|ends? early|belong to no pixel", told)
    assert picture_of(data).suspicion() is None


def test_bytes_among_the_data_that_belong_to_no_pixel_are_remarked_on():
    data = encoded(plain("RGB", "red", (64, 64)), "JPEG")
    picture = picture_of(data[:-2] + bytes(5_000) + data[-2:])
    assert "bytes among its JPEG data belong to no pixel" in picture.suspicion()
    assert picture_of(data[:-2] + bytes(20) + data[-2:]).suspicion() is None


def test_a_jpeg_that_lacks_but_the_mark_of_its_end_is_read():
    data = encoded(noise(), "JPEG")
    expected = EncodedPicture(0, data).pixels(SMALL)
    np.testing.assert_array_equal(EncodedPicture(0, data[:-2]).pixels(SMALL), expected)
    np.testing.assert_array_equal(
        EncodedPicture(0, data + data).pixels(SMALL), expected
    )


def test_an_orientation_that_stands_in_xmp_alone_is_followed():
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    data = encoded(noise(40, 80), "JPEG")
    length = (len(xmp) + 2).to_bytes(2)
    with_xmp = data[:2] + b"\xff\xe1" + length + xmp + data[2:]
    with_exif = with_orientation(noise(40, 80), 6, "JPEG")
    sizes = Resizing((80, 40), scaled_decoding=False)
    found = EncodedPicture(0, with_xmp).pixels(sizes)
    np.testing.assert_allclose(
        found.mean((0, 1)), EncodedPicture(0, data).pixels(sizes).mean((0, 1)), atol=1
    )
    turned = np.rot90(EncodedPicture(0, data).pixels(Resizing((40, 80))), -1)
    np.testing.assert_array_equal(found, turned)
    assert with_exif != with_xmp


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
@pytest.mark.parametrize(("most", "bits"), [(255, 8), (1023, 10), (4095, 12)])
def test_values_of_few_bits_in_a_file_of_sixteen_are_suspicious(format_, most, bits):
    suspicion = picture_of(grey_16_bits(most, format_)).suspicion()
    assert f"do not exceed {most}" in suspicion
    assert f"{bits} bits, multiply them by {2 ** (16 - bits)}" in suspicion
    assert picture_of(grey_16_bits(most + 1, format_)).suspicion() != suspicion


def test_a_file_is_suspicious_before_it_is_decoded_too():
    # As with a cache, which spares the decoding.
    assert (
        "do not exceed 900" in EncodedPicture(0, grey_16_bits(900, "PNG")).suspicion()
    )
    assert EncodedPicture(0, grey_16_bits(60_000, "PNG")).suspicion() is None


def test_colours_of_sixteen_bits_that_use_twelve_are_suspicious():
    lines = b"".join(
        b"\0" + struct.pack(">6H", *(4000, 10, 9, 8, 7, 6)) for _ in range(2)
    )
    header = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
    assert "if they have 12 bits" in picture_of(data).suspicion()


@pytest.fixture
def _truncated_images_loaded(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)


@pytest.mark.usefixtures("_truncated_images_loaded")
def test_a_switch_of_pillow_that_decides_pixels_is_told_and_keeps_a_cache_apart(
    monkeypatch,
):
    picture = EncodedPicture(0, encoded(noise(), "PNG"))
    digest = picture.digest()
    assert "LOAD_TRUNCATED_IMAGES" in picture.suspicion()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    assert picture.digest() != digest
    assert EncodedPicture(0, picture.data).suspicion() is None


@pytest.mark.usefixtures("_truncated_images_loaded")
def test_no_switch_of_pillow_makes_a_cut_jpeg_whole():
    with pytest.raises(PictureError, match=r"ends? early"):
        picture_of(encoded(noise(), "JPEG")[:-3000])


@pytest.mark.parametrize("depth", [2, 4])
def test_a_transparent_value_of_few_bits_is_transparent(depth):
    level = 2**depth - 2
    header = struct.pack(">IIBBBBB", 1, 1, depth, 0, 0, 0, 0)
    line = bytes([0, level << (8 - depth)])
    chunks = [
        (b"IHDR", header),
        (b"tRNS", struct.pack(">H", level)),
        (b"IDAT", zlib.compress(line)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
    assert (EncodedPicture(0, data).pixels(Resizing((1, 1))) == 255).all()


def test_a_transparent_colour_of_sixteen_bits_is_refused_by_name():
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    chunks = [
        (b"IHDR", header),
        (b"tRNS", struct.pack(">3H", 1, 2, 3)),
        (b"IDAT", zlib.compress(bytes(7))),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
    with pytest.raises(PictureError, match="16 bits a channel and a transparent"):
        picture_of(data)


SIGNATURES = {
    "PNG as Apple's tools rewrite it": b"\x89PNG\r\n\x1a\n\0\0\0\4CgBI",
    "JNG": b"\x8bJNG\r\n\x1a\n",
    "a film": b"\0\0\0\x18ftypmp42\0\0\0\0",
    "JPEG XL": b"\xff\x0a\0\0",
    "a Photoshop document": b"8BPS\0\1",
    "OpenEXR": b"v/1\x01",
    "a portable anymap": b"P6 3 3 255\n",
    "an icon": b"\0\0\1\0\1\0",
    "a ZIP archive": b"PK\x03\x04",
    "DICOM": bytes(128) + b"DICM",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a Canon raw file": b"II*\0\x10\0\0\0CR\2\0",
    "Git LFS; git lfs pull": b"version https://git-lfs.github.com/spec/v1\noid secret",
    "BMP files compressed by run lengths": b"BM"
    + bytes(12)
    + struct.pack("<IiiHHI", 40, 9, 9, 1, 8, 1)
    + bytes(20),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_file_of_a_kind_that_is_not_read_is_named_and_not_quoted(name):
    data = SIGNATURES[name] + b"secret" * 100
    with pytest.raises(PictureError, match="not supported") as caught:
        picture_of(data)
    assert name in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("beginning", [b"", b"root:x:0:0:", b"BM", b"\xff\xd8\xff\xe0"])
def test_no_message_quotes_a_file(beginning):
    with pytest.raises(PictureError) as caught:
        picture_of(beginning + b"secret" * 100)
    assert "secret" not in str(caught.value)
    assert "root" not in str(caught.value)


def test_png_is_what_the_helper_writes():
    assert picture_of(png(2, 2, b"\0\1\2\0\3\4"))


def test_a_bmp_of_a_kind_that_is_not_read_is_not_called_damaged():
    data = bytearray(encoded(noise(9, 9), "BMP"))
    data[28:30] = (2).to_bytes(2, "little")  # bits a pixel
    with pytest.raises(PictureError, match="BMP files of this kind are not supported"):
        EncodedPicture(0, bytes(data)).check()

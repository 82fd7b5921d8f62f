"""What would cost too much is refused by what its header says, in our own words.

``tools/check_bombs.py`` measures what the costliest files take that are still read.
"""

import struct
import threading

import numpy as np
import pytest
from bad_pictures import (
    encoded,
    jpeg_of_declared_size,
    noise,
    plain,
    png,
    png_chunk,
    tiff_of,
    tiff_tags,
)
from PIL import Image

from skresnet.reading import PictureError, Resizing, decoding
from skresnet.reading.pictures import EncodedPicture

SMALL = Resizing((6, 9))


def refusal_of(data):
    """What is said of a file, at once by its header, and when it is to be decoded."""
    picture = EncodedPicture(0, data)
    with pytest.raises(PictureError) as when_checked:
        picture.check()
    with pytest.raises(PictureError) as when_decoded:
        picture.pixels(SMALL)
    assert str(when_checked.value) == str(when_decoded.value)
    return str(when_checked.value)


def refusal_when_decoded(data):
    picture = EncodedPicture(0, data)
    picture.check()
    with pytest.raises(PictureError) as caught:
        picture.pixels(SMALL)
    return str(caught.value)


@pytest.mark.parametrize("kind", [b"VP8X", b"VP8L", b"VP8 "])
def test_the_size_that_a_webp_claims_is_refused_in_our_words(kind):
    bodies = {
        b"VP8X": bytes(4) + (16_382).to_bytes(3, "little") * 2,
        b"VP8L": b"\x2f" + (16_382 | 16_382 << 14).to_bytes(4, "little"),
        b"VP8 ": b"\x10\x02\0\x9d\x01\x2a" + struct.pack("<HH", 16_383, 16_383),
    }
    data = b"RIFF\x16\0\0\0WEBP" + kind + b"\x0a\0\0\0" + bodies[kind] + bytes(9)
    assert "16383 x 16383 are 268,402,689 pixels, more than the limit of" in refusal_of(
        data
    )


def test_memory_is_refused_before_it_is_asked_for():
    said = refusal_of(
        png(9_400, 9_400, b"").replace(b"\x08\0\0\0\0", b"\x08\x06\0\0\0")
    )
    assert "damaged" in said  # the checksum of the header tells of the change
    header = struct.pack(">IIBBBBB", 9_400, 9_400, 8, 6, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IEND", b"")
    assert "MiB of memory, more than the limit of 512: make it smaller" in refusal_of(
        data
    )


def test_memory_counts_all_channels_of_a_tiff():
    tags = tiff_tags(9_400, 9_400, [8] * 4, 2, [100], compression=8)
    tags[338] = (3, [2])  # the fourth is opacity
    said = refusal_of(tiff_of(tags, bytes(100)))
    assert "need 690 MiB of memory, more than the limit of 512" in said


def test_a_jpeg_whose_colours_are_not_interleaved_counts_as_held_in_full():
    data = jpeg_of_declared_size(18_000, 9_000)
    EncodedPicture(0, data).check()
    scan = data.index(b"\xff\xda")
    # A first scan of one component, where the frame has three.
    apart = data[: scan + 4] + b"\1" + data[scan + 5 :]
    assert "162,000,000 pixels, more than the limit of 89,478,485" in refusal_of(apart)


def test_the_scans_of_a_progressive_jpeg_count():
    data = encoded(Image.new("L", (500, 500), 9), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    many = data[:-2] + data[last:-2] * 3_000 + data[-2:]
    assert "500 x 500 pixels are decoded in 3,0" in refusal_when_decoded(many)


def test_segments_of_a_jpeg_are_counted_and_filling_is_skipped():
    data = encoded(plain("RGB", "red", (32, 32)), "JPEG")
    segments = data[:2] + b"\xff\xfe\0\2" * 11_000 + data[2:]
    assert "more than 10,000 segments" in refusal_of(segments)
    filled = data[:2] + b"\xff" * 3_000_000 + data[2:]
    np.testing.assert_array_equal(
        EncodedPicture(0, filled).pixels(SMALL), EncodedPicture(0, data).pixels(SMALL)
    )


def test_chunks_of_a_png_are_counted():
    data = encoded(noise(9, 9), "PNG")
    start = data.index(b"IDAT") - 4
    many = data[:start] + png_chunk(b"IDAT", b"") * 200_001 + data[start:]
    assert "more than 200,000 chunks" in refusal_when_decoded(many)


@pytest.mark.parametrize("block", [b"!\xfe\1a\0", b"!\xfe" + b"\1a" * 100_001 + b"\0"])
def test_blocks_of_a_gif_are_counted(block):
    data = encoded(plain("RGB", "red"), "GIF")
    start = data.rindex(b",", 0, -10)
    many = data[:start] + block * (100_001 if len(block) < 9 else 1) + data[start:]
    assert "more than 100,000 blocks" in refusal_of(many)


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path):
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.write(encoded(noise(9, 9), "PNG"))
        file.truncate(2**28 + 1)
    from skresnet.reading import as_pictures

    with path.open("rb") as opened:
        for picture in as_pictures([path, opened]):
            with pytest.raises(PictureError, match="limit of 268,435,456"):
                picture.load()


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch):
    monkeypatch.setattr(decoding, "_LARGE", 1)
    inside, most = [], []
    turned = decoding._turned

    def watched(image, orientation):
        inside.append(1)
        most.append(len(inside))
        result = turned(image, orientation)
        inside.pop()
        return result

    monkeypatch.setattr(decoding, "_turned", watched)
    data = encoded(noise(300, 300), "PNG")
    threads = [
        threading.Thread(target=EncodedPicture(0, data).pixels, args=(SMALL,))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 16

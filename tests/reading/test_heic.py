"""What an iPhone writes, with the library that reads it and without."""

import sys
from io import BytesIO

import numpy as np
import pytest
from bad_pictures import noise
from PIL import Image

from skresnet import load_image_folder
from skresnet.reading import PictureError, Resizing
from skresnet.reading.pictures import EncodedPicture

BEGINNING = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def heic(image, **options):
    pillow_heif = pytest.importorskip("pillow_heif")
    file = BytesIO()
    # Not from_pillow, which would turn the picture itself.
    heif = pillow_heif.from_bytes(image.mode, image.size, image.tobytes())
    heif.save(file, quality=100, chroma=444, **options)
    return file.getvalue()


def test_a_heic_shows_its_pixels(tmp_path):
    image = noise(8, 8).resize((64, 48))
    data = heic(image)
    found = EncodedPicture(0, data).pixels(Resizing((48, 64)))
    np.testing.assert_allclose(found.astype(int), np.asarray(image), atol=12)
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "IMG_0001.HEIC").write_bytes(data)
    photos = load_image_folder(tmp_path, verify=True)
    assert len(photos.data) == 1
    assert not photos.unreadable


def test_a_heic_is_seen_upright():
    image = noise(8, 8).resize((64, 48))
    exif = Image.Exif()
    exif[0x0112] = 6
    data = heic(image, exif=exif.tobytes())
    found = EncodedPicture(0, data).pixels(Resizing((64, 48)))
    expected = np.rot90(np.asarray(image), -1)
    np.testing.assert_allclose(found.astype(int), expected, atol=12)


def test_without_the_library_the_error_says_what_the_file_is_and_what_to_install(
    monkeypatch,
):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError, match="it is HEIC, as phones write") as caught:
        EncodedPicture(0, BEGINNING + bytes(100)).pixels(Resizing())
    assert 'pip install "skresnet[heif]"' in str(caught.value)


def test_a_damaged_heic_is_unreadable():
    pytest.importorskip("pillow_heif")
    with pytest.raises(PictureError, match="HEIC header is damaged"):
        EncodedPicture(0, BEGINNING + bytes(100)).pixels(Resizing())

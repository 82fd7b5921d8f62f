"""The bytes of pictures that are out of the ordinary, and of files that are none."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms


def encoded(image, format_, **options):
    """The file that a PIL image makes."""
    file = BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def plain(mode, colour, size=(9, 6)):
    return Image.new(mode, size, colour)


def noise(height=60, width=80):
    """A picture that does not compress, so that every byte of its file matters."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def cut(data, percent):
    return data[: len(data) * percent // 100]


def png_chunk(name, body):
    checksum = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def png(width, height, lines):
    """A grey PNG that says it has this size, with compressed lines of its own."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def wrong_header_checksum():
    data = bytearray(png(2, 2, b"\0\1\2\0\3\4"))
    data[8 + 4 + 4 + 13] ^= 0xFF
    return bytes(data)


def wrong_data_checksum():
    """The checksum is in the compressed stream, where every decoder looks."""
    stream = bytearray(zlib.compress(b"\0\1\2\0\3\4"))
    stream[-1] ^= 0xFF
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", bytes(stream)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def jpeg_of_declared_size(width, height, **options):
    """A small JPEG whose header says that it is larger."""
    data = bytearray(encoded(plain("RGB", "red"), "JPEG", **options))
    frame = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def palette_with_transparency():
    """Index 0 is red and transparent, index 1 is green and fills the right half."""
    image = plain("P", 0, (8, 4))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (4, 0, 8, 4))
    return encoded(image, "PNG", transparency=0)


def ycck():
    """A JPEG of full cyan, in YCCK with Adobe's inversion.

    Pillow writes CMYK only; stored as (Y, Cb, Cr, K) those four channels are what an
    RGB red makes in YCbCr, and the last byte of Adobe's marker says they are meant so.
    """
    inverted = tuple(255 - stored for stored in (76, 85, 255, 255))
    data = bytearray(encoded(plain("CMYK", inverted, (16, 16)), "JPEG", quality=100))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def animated(format_, **options):
    """Red first, then blue."""
    later = [plain("RGB", "blue")]
    return encoded(
        plain("RGB", "red"), format_, save_all=True, append_images=later, **options
    )


def two_page_tiff():
    return animated("TIFF")


def with_colour_profile():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return encoded(plain("RGB", (10, 200, 30)), "PNG", icc_profile=profile)


def with_orientation(image, orientation, format_):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"quality": 100, "subsampling": 0} if format_ == "JPEG" else {}
    if format_ == "WEBP":
        options = {"lossless": True}
    return encoded(image, format_, exif=exif, **options)


def with_damaged_exif():
    exif = b"Exif\0\0MM\0*\xff\xff\xff\xff\xff\xff"
    return encoded(plain("RGB", "red"), "JPEG", exif=exif, quality=100)


def grey_16_bits(value, format_, byte_order="<"):
    pixels = np.full((6, 9), value, f"{byte_order}u2")
    return encoded(Image.fromarray(pixels), format_)


def tiff(values):
    """A TIFF of 32-bit floats or integers."""
    return encoded(Image.fromarray(np.asarray(values)), "TIFF")

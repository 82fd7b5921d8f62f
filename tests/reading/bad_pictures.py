"""The bytes of pictures that are out of the ordinary, and of files that are none."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, PngImagePlugin


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


def tiff_of(tags, data=b"", order="little", big=False):
    """A TIFF of these tags, each (type, numbers), with data from byte 16 on.

    Types are 3 and 4 for numbers of 16 and 32 bits; 16 for 64 bits.
    """
    sizes = {1: 1, 3: 2, 4: 4, 16: 8}
    wide, length = (8, 20) if big else (4, 12)
    directory = 16 + len(data)
    counting = 8 if big else 2
    beyond = directory + counting + length * len(tags) + wide
    entries = values = b""
    for tag, (kind, numbers) in sorted(tags.items()):
        field = b"".join(number.to_bytes(sizes[kind], order) for number in numbers)
        entries += tag.to_bytes(2, order) + kind.to_bytes(2, order)
        entries += len(numbers).to_bytes(wide, order)
        if len(field) > wide:
            entries += (beyond + len(values)).to_bytes(wide, order)
            values += field
        else:
            entries += field.ljust(wide, b"\0")
    header = (b"II" if order == "little" else b"MM") + (43 if big else 42).to_bytes(
        2, order
    )
    header += (8).to_bytes(2, order) + bytes(2) if big else b""
    header += directory.to_bytes(wide, order)
    count = len(tags).to_bytes(counting, order)
    return header.ljust(16, b"\0") + data + count + entries + bytes(wide) + values


def tiff_tags(height, width, bits, photometric, lengths, **further):
    """The tags of a TIFF whose strips lie one after the other from byte 16 on."""
    starts = [16 + sum(lengths[:index]) for index in range(len(lengths))]
    named = {"planar": 284, "order": 266, "format": 339, "compression": 259}
    return {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, bits),
        262: (3, [photometric]),
        273: (4, starts),
        277: (3, [len(bits)]),
        278: (4, [height]),
        279: (4, lengths),
        **{named[name]: (3, [value]) for name, value in further.items()},
    }


def with_much_text():
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 3_000_000, zip=True)
    return encoded(plain("RGB", "red"), "PNG", pnginfo=info)


def overwritten():
    """A JPEG whose second half is nothing but filling."""
    data = encoded(noise(), "JPEG")
    half = len(data) // 2
    return data[:half] + b"\xff" * (len(data) - half - 2) + data[-2:]


def bmp_of_runs():
    """What 14 bytes of run lengths say of 262,144 x 341 pixels."""
    info = struct.pack("<IiiHHI", 40, 2**18, 341, 1, 8, 1) + bytes(20)
    palette = bytes(1024)
    start = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 14 + len(info) + len(palette))
    return start + info + palette + b"\xff\0" * 7

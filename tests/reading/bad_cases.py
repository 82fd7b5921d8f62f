"""Files out of the ordinary, by name: their bytes, and what becomes of them."""

import os
import socket

import numpy as np
from bad_pictures import (
    animated,
    bmp_of_runs,
    cut,
    encoded,
    grey_16_bits,
    jpeg_of_declared_size,
    noise,
    overwritten,
    plain,
    png,
    tiff,
    tiff_of,
    tiff_tags,
    two_page_tiff,
    with_colour_profile,
    with_damaged_exif,
    with_much_text,
    wrong_data_checksum,
    wrong_header_checksum,
    ycck,
)

WHITE, RED = (255, 255, 255), (255, 0, 0)

ONE_COLOUR = {
    "a JPEG named .png": (encoded(plain("RGB", RED), "JPEG", quality=100), RED),
    "1 x 1": (encoded(plain("RGB", RED, (1, 1)), "PNG"), RED),
    "1 x 5000": (encoded(plain("RGB", RED, (1, 5000)), "PNG"), RED),
    "5000 x 1": (encoded(plain("RGB", RED, (5000, 1)), "PNG"), RED),
    "grey": (encoded(plain("L", 100), "PNG"), (100, 100, 100)),
    "grey JPEG": (encoded(plain("L", 100), "JPEG"), (100, 100, 100)),
    "grey with a transparent value": (
        encoded(plain("L", 100), "PNG", transparency=100),
        WHITE,
    ),
    "transparent grey": (encoded(plain("LA", (0, 0)), "PNG"), WHITE),
    "half transparent grey": (encoded(plain("LA", (0, 51)), "PNG"), (204, 204, 204)),
    "1-bit": (encoded(plain("1", 1), "PNG"), WHITE),
    "1-bit TIFF, compressed": (
        encoded(plain("1", 1), "TIFF", compression="group4"),
        WHITE,
    ),
    "half transparent red": (
        encoded(plain("RGBA", (255, 0, 0, 51)), "PNG"),
        (255, 204, 204),
    ),
    "transparent WebP": (
        encoded(plain("RGBA", (255, 0, 0, 0)), "WEBP", lossless=True),
        WHITE,
    ),
    "RGB with a transparent colour": (
        encoded(plain("RGB", (1, 2, 3)), "PNG", transparency=(1, 2, 3)),
        WHITE,
    ),
    "CMYK": (encoded(plain("CMYK", (255, 0, 0, 0)), "JPEG"), (0, 255, 255)),
    "CMYK TIFF": (encoded(plain("CMYK", (0, 255, 255, 0)), "TIFF"), RED),
    "YCCK": (ycck(), (0, 255, 255)),
    "16-bit grey": (grey_16_bits(128 * 257, "PNG"), (128, 128, 128)),
    "16-bit grey, white": (grey_16_bits(65535, "PNG"), WHITE),
    "16-bit grey TIFF": (grey_16_bits(128 * 257, "TIFF"), (128, 128, 128)),
    "16-bit grey TIFF, big-endian": (
        grey_16_bits(99 * 257, "TIFF", ">"),
        (99, 99, 99),
    ),
    "float TIFF": (tiff(np.full((3, 4), 100.4, np.float32)), (100, 100, 100)),
    "float TIFF of zeros": (tiff(np.zeros((3, 4), np.float32)), (0, 0, 0)),
    "32-bit integer TIFF": (tiff(np.full((3, 4), 200, np.int32)), (200, 200, 200)),
    "LAB TIFF": (encoded(plain("LAB", (255, 128, 128)), "TIFF"), WHITE),
    "BMP": (encoded(plain("RGB", RED), "BMP"), RED),
    "progressive JPEG": (
        encoded(plain("RGB", RED), "JPEG", progressive=True, quality=100),
        RED,
    ),
    "animated GIF": (animated("GIF"), RED),
    "animated WebP": (animated("WEBP", lossless=True), RED),
    "two pages of TIFF": (two_page_tiff(), RED),
    "colour profile": (with_colour_profile(), (10, 200, 30)),
    "damaged EXIF": (with_damaged_exif(), RED),
    "AVIF": (encoded(plain("RGB", RED), "AVIF", quality=100), RED),
    "JPEG 2000": (encoded(plain("RGB", RED), "JPEG2000"), RED),
    "16-bit RGB TIFF in planes": (
        tiff_of(
            tiff_tags(4, 5, [16] * 3, 2, [40] * 3, planar=2),
            b"\xff\xff" * 20 + bytes(80),
        ),
        RED,
    ),
    "16-bit grey TIFF, 0 is white": (
        tiff_of(tiff_tags(4, 5, [16], 0, [40]), bytes(40)),
        WHITE,
    ),
    "BigTIFF": (
        tiff_of(tiff_tags(4, 5, [8], 1, [20]), b"d" * 20, big=True),
        (100,) * 3,
    ),
    "3 MB of text in a PNG": (with_much_text(), RED),
    "JPEG without the mark of its end": (
        encoded(plain("RGB", RED), "JPEG", quality=100)[:-2],
        RED,
    ),
    "bytes after the end": (encoded(plain("RGB", RED), "PNG") + b"more", RED),
}

UNREADABLE = {
    "empty": (b"", "zero bytes"),
    "text": (
        b"not a picture, I am afraid",
        "no image format recognised; read are JPEG",
    ),
    "HTML": (b"<!DOCTYPE html><html>", "not supported: it is a web page"),
    "PDF": (b"%PDF-1.7\n", "not supported: it is a PDF document"),
    "JPEG cut at 10 percent": (cut(encoded(noise(), "JPEG"), 10), "JPEG|ends early"),
    "JPEG cut at 50 percent": (cut(encoded(noise(), "JPEG"), 50), "ends early"),
    "JPEG cut at 99 percent": (cut(encoded(noise(), "JPEG"), 99), "ends early"),
    "PNG cut at 10 percent": (cut(encoded(noise(), "PNG"), 10), "ends early"),
    "PNG cut at 50 percent": (cut(encoded(noise(), "PNG"), 50), "ends early"),
    "PNG cut at 99 percent": (cut(encoded(noise(), "PNG"), 99), "ends early"),
    "GIF cut at 50 percent": (cut(encoded(noise(), "GIF"), 50), "ends early"),
    "WebP cut at 50 percent": (cut(encoded(noise(), "WEBP"), 50), "damaged|ends early"),
    "TIFF cut at 50 percent": (cut(encoded(noise(), "TIFF"), 50), "damaged|ends early"),
    "PNG whose data hold half of its rows": (
        png(9, 6, (b"\0" + b"d" * 9) * 3),
        "50% of its pixels are there",
    ),
    "JPEG overwritten from the middle on": (overwritten(), "damaged"),
    "TIFF compressed by LERC": (
        tiff_of(tiff_tags(4, 6, [8], 1, [24], compression=34887), bytes(24)),
        "not supported (grey, 1 x 8 bits unsigned, compressed by LERC)",
    ),
    "TIFF of five channels": (
        tiff_of(tiff_tags(1, 1, [8] * 5, 2, [5]), bytes(5)),
        "not supported (RGB, 5 x 8 bits unsigned)",
    ),
    "BMP compressed by run lengths": (bmp_of_runs(), "run lengths are not supported"),
    "JPEG XL": (b"\xff\x0a" + bytes(20), "not supported: it is JPEG XL"),
    "film": (b"\0\0\0\x18ftypmp42" + bytes(20), "not supported: it is a film"),
    "wrong checksum in a PNG's header": (
        wrong_header_checksum(),
        "the checksum is wrong",
    ),
    "wrong checksum in a PNG's data": (wrong_data_checksum(), "damaged"),
    "decompression bomb": (
        png(60_000, 60_000, b"\0" * 1000),
        "60000 x 60000 are 3,600,000,000 pixels, more than the limit of 89,478,485",
    ),
    "a row of 300,000 pixels": (png(300_000, 1, b"\0" * 300_001), "more than 262,144"),
    "JPEG bomb": (jpeg_of_declared_size(65_000, 65_000), "limit of 357,913,940"),
    "progressive JPEG bomb": (
        jpeg_of_declared_size(20_000, 10_000, progressive=True),
        "limit of 89,478,485",
    ),
    "float TIFF from 0 to 1": (
        tiff(np.full((3, 4), 0.5, np.float32)),
        "0 to 255 scale",
    ),
    "float TIFF below 0": (tiff(np.full((3, 4), -1, np.float32)), "from -1 to -1"),
    "float TIFF with NaN": (tiff(np.full((3, 4), np.nan, np.float32)), "NaN"),
    "32-bit integers above 255": (tiff(np.full((3, 4), 70_000, np.int32)), "to 70000"),
}


def make_broken_link(path):
    path.symlink_to(path.parent / "gone.jpg")


def make_circular_link(path):
    path.symlink_to(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_sparse_giant(path):
    with path.open("wb") as file:
        file.truncate(2**31)


NO_FILES = {
    "no file": (lambda path: None, "no such file"),
    "broken link": (make_broken_link, "gone.jpg', which does not exist"),
    "circular link": (make_circular_link, "leads back to itself"),
    "directory": (lambda path: path.mkdir(), "a directory"),
    "FIFO": (os.mkfifo, "FIFO"),
    "socket": (make_socket, "socket"),
    "giant": (make_sparse_giant, "2,147,483,648 bytes"),
}

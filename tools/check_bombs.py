"""Read files that are small, or small pictures, and cost much; measure what they cost.

    python tools/check_bombs.py [part of a name]

Each is read in a process of its own, and four at once by two threads. Prints the
seconds of a processor a picture, and the most memory that reading took beyond what the
process had before. Exits with 1 if one took more than `MAX_SECONDS`, or than the
`MAX_MEMORY` of the package: with two threads 64 MiB more, for a picture so small that
it is decoded while another one is.
"""

import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "reading")]

from bad_pictures import encoded, jpeg_of_declared_size, png_chunk, tiff_of  # noqa: E402

from skresnet.reading import PictureError, Resizing, as_pictures  # noqa: E402
from skresnet.reading.decoding import MAX_MEMORY  # noqa: E402

MAX_SECONDS = 5.0
Image.MAX_IMAGE_PIXELS = None  # of this process, which makes the bombs


def main() -> int:
    """Make the bombs, read each, and tell how it went."""
    if len(sys.argv) == 3:
        return _read(Path(sys.argv[1]), int(sys.argv[2]))
    only = sys.argv[1] if len(sys.argv) == 2 else ""
    failed = False
    print("| File | bytes | 1 thread | 2 threads | outcome |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bomb"
        for name, make in _bombs():
            if only not in name:
                continue
            path.write_bytes(make())
            cells = []
            for n_jobs in (1, 2):
                seconds, memory, outcome = _measured(path, n_jobs)
                cells.append(f"{seconds:.1f} s, {memory / 1e6:.0f} MB")
                if seconds > MAX_SECONDS or memory > MAX_MEMORY + 2**26 * (n_jobs - 1):
                    failed = True
                    cells[-1] += " TOO MUCH"
            size = path.stat().st_size
            print(
                f"| {name} | {size:,} | {' | '.join(cells)} | {outcome} |", flush=True
            )
    return int(failed)


def _measured(path: Path, n_jobs: int) -> tuple[float, float, str]:
    """Read the file in another process."""
    command = [sys.executable, __file__, str(path), str(n_jobs)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        return 999.0, 0.0, f"exit code {ended.returncode}"
    seconds, memory, outcome = ended.stdout.strip().split("\t")
    return float(seconds), float(memory), outcome


def _read(path: Path, n_jobs: int) -> int:
    """Read a small picture of the same kinds, then the file; print what it took."""
    resizing = Resizing((224, 224))
    for array in (np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), np.uint16)):
        as_pictures([array])[0].load()
    before = _memory("VmRSS")
    start = time.process_time()

    def read(_: int) -> str:
        (picture,) = as_pictures([path])
        try:
            picture.check()
            picture.load().pixels(resizing)
        except PictureError as error:
            return f"refused: {error}"
        return "read"

    with ThreadPoolExecutor(n_jobs) as pool:
        outcomes = list(pool.map(read, range(1 if n_jobs == 1 else 4)))
    seconds = (time.process_time() - start) / len(outcomes)
    memory = _memory("VmHWM") - before
    print(f"{seconds}\t{memory}\t{outcomes[0]}")
    return 0


def _memory(name: str) -> float:
    """Give the memory that the process holds, or has held at most (Linux), in bytes.

    What getrusage tells of the latter, a process takes over from the one before it.
    """
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def _png(
    width: int, height: int, depth: int, colours: int, interlace: int = 0
) -> bytes:
    """Make a black PNG of any size."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    line = bytes(1 + -(-width * channels * depth // 8))
    deflate = zlib.compressobj(1)
    stream = b"".join(deflate.compress(line) for _ in range(height + 8 * interlace))
    stream += deflate.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlace)
    palette = [(b"PLTE", bytes(768))] if colours == 3 else []
    chunks = [(b"IHDR", header), *palette, (b"IDAT", stream), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def _png_in_pieces(count: int) -> bytes:
    data = _png(9000, 9000, 8, 0)
    start = data.index(b"IDAT") - 4
    return data[:start] + png_chunk(b"IDAT", b"") * count + data[start:]


def _bmp_of_runs(bits: int, side: int) -> bytes:
    info = struct.pack(
        "<IiiHHIIiiII", 40, 2**18, side, 1, bits, 1 if bits == 8 else 2, 0, 0, 0, 0, 0
    )
    palette = bytes(4 * 2**bits)
    offset = 14 + len(info) + len(palette)
    start = struct.pack("<2sIHHI", b"BM", 0, 0, 0, offset)
    return start + info + palette + b"\xff\0" * 200


def _bmp(bits: int, width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, *(0,) * 6)
    palette = bytes(4 * 2**bits) if bits <= 8 else b""
    start = struct.pack("<2sIHHI", b"BM", 0, 0, 0, 54 + len(palette))
    return start + info + palette + bytes(-(-width * bits // 32) * 4 * height)


def _gif(width: int, height: int, blocks: bytes = b"") -> bytes:
    screen = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0;"
    return screen + blocks + frame


def _jpeg_padded(padding: bytes) -> bytes:
    data = encoded(Image.new("RGB", (64, 64)), "JPEG")
    return data[:2] + padding + data[2:]


def _jpeg_of_scans(width: int, height: int, count: int) -> bytes:
    """Repeat the last scan of a progressive JPEG."""
    data = encoded(Image.new("L", (width, height), 9), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    tables = data.rindex(b"\xff\xc4", 0, last)
    return data[:-2] + data[tables:-2] * count + data[-2:]


def _tiff(
    width: int, height: int, bits: list[int], photometric: int, compression: int = 8
) -> bytes:
    """Make a black TIFF of one strip."""
    row = bytes(-(-width * sum(bits) // 8))
    if compression == 8:
        deflate = zlib.compressobj(1)
        strip = b"".join(deflate.compress(row) for _ in range(height))
        strip += deflate.flush()
    else:
        strip = row * height
    tags = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, bits),
        259: (3, [compression]),
        262: (3, [photometric]),
        273: (4, [16]),
        277: (3, [len(bits)]),
        278: (4, [height]),
        279: (4, [len(strip)]),
    }
    return tiff_of(tags, strip)


def _tiff_of_tiles(width: int, height: int, tile: int, count: int = 1) -> bytes:
    tags = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8]),
        259: (3, [1]),
        262: (3, [1]),
        277: (3, [1]),
        322: (4, [tile]),
        323: (4, [tile]),
        324: (4, [16] * count),
        325: (4, [tile * tile] * count),
    }
    return tiff_of(tags, bytes(4096))


def _tiff_of_tags(count: int) -> bytes:
    data = bytearray(_tiff(9, 9, [8], 1, 1))
    place = 16 + 81
    data[place : place + 2] = (count + 9).to_bytes(2, "little")
    return bytes(data) + b"\x10\x27\x02\0\xff\xff\xff\x7f\xff\xff\xff\x7f" * count


def _webp(width: int, height: int, lossless: bool) -> bytes:
    return encoded(
        Image.new("RGB", (width, height), "red"), "WEBP", lossless=lossless, method=0
    )


def _avif(side: int) -> bytes:
    return encoded(Image.new("RGB", (side, side), "red"), "AVIF", speed=10, quality=1)


def _jpeg_2000(side: int, **options: object) -> bytes:
    file = BytesIO()
    Image.new("RGB", (side, side), "red").save(file, "JPEG2000", **options)
    return file.getvalue()


def _zeros_named(beginning: bytes, size: int) -> bytes:
    return beginning + bytes(size)


def _bombs() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Name the bombs, and make each when it is wanted."""
    yield "BMP of run lengths, 4 bits", lambda: _bmp_of_runs(4, 341)
    yield "BMP of run lengths, 8 bits", lambda: _bmp_of_runs(8, 341)
    yield "BMP of 1 bit", lambda: _bmp(1, 9400, 9400)
    yield "BMP of 1 bit, 65 million pixels", lambda: _bmp(1, 8060, 8060)
    yield "BMP of 24 bits, 42 million pixels", lambda: _bmp(24, 6500, 6500)
    for name, depth, colours in (
        ("1 bit", 1, 0),
        ("grey", 8, 0),
        ("grey of 16 bits", 16, 0),
        ("RGB", 8, 2),
        ("RGB of 16 bits", 16, 2),
        ("palette", 8, 3),
        ("grey and alpha", 8, 4),
        ("RGBA", 8, 6),
        ("RGBA of 16 bits", 16, 6),
    ):
        for width, height in ((9459, 9459), (8100, 8100), (262_144, 250)):
            yield (
                f"PNG {name}, {width} x {height}",
                lambda w=width, h=height, d=depth, c=colours: _png(w, h, d, c),
            )
    yield "PNG RGB interlaced", lambda: _png(8100, 8100, 8, 2, 1)
    yield "PNG of 5 million chunks", lambda: _png_in_pieces(5_000_000)
    yield "PNG of 190,000 chunks", lambda: _png_in_pieces(190_000)
    yield "GIF of 34 bytes, 65,535 x 1,300", lambda: _gif(65_535, 1_300)
    yield "GIF, 65,535 x 900", lambda: _gif(65_535, 900)
    yield "GIF with 10 million blocks", lambda: _gif(9, 9, b"!\xfe\1a\0" * 10_000_000)
    yield (
        "GIF with 30 million pieces of a comment",
        lambda: _gif(9, 9, b"!\xfe" + b"\1a" * 30_000_000 + b"\0"),
    )
    yield "JPEG that says 65,000 x 65,000", lambda: jpeg_of_declared_size(65000, 65000)
    yield "JPEG that says 18,900 x 18,900", lambda: jpeg_of_declared_size(18900, 18900)
    yield (
        "JPEG, 18,000 x 18,000",
        lambda: encoded(Image.new("L", (18_000, 18_000), 9), "JPEG"),
    )
    yield (
        "JPEG in colours, 16,000 x 16,000",
        lambda: encoded(Image.new("RGB", (16_000, 16_000), "red"), "JPEG"),
    )
    yield (
        "JPEG progressive, 9,400 x 9,400",
        lambda: encoded(
            Image.new("RGB", (9_400, 9_400), "red"), "JPEG", progressive=True
        ),
    )
    yield (
        "JPEG progressive, 7,000 x 7,000",
        lambda: encoded(
            Image.new("RGB", (7_000, 7_000), "red"), "JPEG", progressive=True
        ),
    )
    yield "JPEG of 500 scans, 9,000 x 9,000", lambda: _jpeg_of_scans(9000, 9000, 500)
    yield "JPEG of 5000 scans, 500 x 500", lambda: _jpeg_of_scans(500, 500, 5_000)
    yield "JPEG with 50 MB of filling", lambda: _jpeg_padded(b"\xff" * 50_000_000)
    yield "JPEG with 50 MB of rubbish", lambda: _jpeg_padded(bytes(50_000_000))
    yield (
        "JPEG with 10 million segments",
        lambda: _jpeg_padded(b"\xff\xfe\0\2" * 10_000_000),
    )
    yield "TIFF RGB", lambda: _tiff(8100, 8100, [8] * 3, 2)
    yield "TIFF RGBA of 16 bits", lambda: _tiff(5000, 5000, [16] * 4, 2)
    yield "TIFF 1 bit", lambda: _tiff(9400, 9400, [1], 0)
    yield "TIFF grey of 16 bits", lambda: _tiff(8000, 8000, [16], 0)
    yield "TIFF of floats", lambda: _tiff(7000, 7000, [32], 1)
    yield "TIFF of 180 MB", lambda: _tiff(7746, 7746, [8] * 3, 2, 1)
    yield "TIFF with a tile of 2**30 pixels", lambda: _tiff_of_tiles(9, 9, 2**15)
    yield "TIFF with a tile of 67 million", lambda: _tiff_of_tiles(9, 9, 2**13)
    yield "TIFF of 90,000 tiles", lambda: _tiff_of_tiles(4800, 4800, 16, 90_000)
    yield "TIFF of 50,000 tags", lambda: _tiff_of_tags(50_000)
    yield "WebP lossless, 16,383 x 5,400", lambda: _webp(16_383, 5_400, True)
    yield "WebP lossless, 5,600 x 5,600", lambda: _webp(5_600, 5_600, True)
    yield "WebP, 5,600 x 5,600", lambda: _webp(5_600, 5_600, False)
    yield "AVIF, 5,700 x 5,700", lambda: _avif(5_700)
    yield "JPEG 2000, 4,096 x 4,096", lambda: _jpeg_2000(4_096)
    yield (
        "JPEG 2000 in small tiles",
        lambda: _jpeg_2000(2_000, tile_size=(16, 16), num_resolutions=1),
    )
    yield "a PNG followed by 300 MB", lambda: _png(9, 9, 8, 0) + bytes(300_000_000)
    yield "a JPEG followed by 250 MB", lambda: _jpeg_padded(b"") + bytes(250_000_000)


if __name__ == "__main__":
    sys.exit(main())

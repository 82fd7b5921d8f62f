"""Read many damaged files, and fail on a crash, a slow one or a growing process.

    python tools/fuzz_reading.py --count 1000000

The damage is that of tests/reading/mutations.py, the same files each time. Exits with 1
if a file took more than `MAX_SECONDS` of a processor, or the process has grown by more
than `MAX_GROWTH` in the end, and with Python's traceback if anything else than a
picture or a PictureError came of a file. (A single picture may need 512 MiB meanwhile.)
"""

import argparse
import faulthandler
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "reading")]

from mutations import ORIGINALS, mutations  # noqa: E402

from skresnet.reading import PictureError, Resizing  # noqa: E402
from skresnet.reading.pictures import EncodedPicture  # noqa: E402

MAX_SECONDS = 2.0
MAX_GROWTH = 200e6  # bytes
WARM_UP = 500  # files until Pillow has loaded what it needs
HANGING = 60  # seconds until a hanging file is given up, with a traceback


def main() -> int:
    """Fuzz, print what was found, and tell how it went."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="damaged files")
    parser.add_argument("--only", default="", help="what the name of a kind holds")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # Pillow's remarks on damaged metadata

    n_files = n_unreadable = 0
    slowest, before = (0.0, ""), 0.0
    for name, data in _damaged(options.count, options.only):
        start = time.process_time()
        faulthandler.dump_traceback_later(HANGING, exit=True)
        try:
            EncodedPicture(0, data).pixels(Resizing(input_size=(32, 48)))
        except PictureError:
            n_unreadable += 1
        slowest = max(slowest, (time.process_time() - start, name))
        n_files += 1
        if n_files == WARM_UP:
            before = _resident()
    faulthandler.cancel_dump_traceback_later()

    growth = _resident() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{n_files:,} damaged files: {n_unreadable:,} unreadable, the others read")
    print(f"slowest: {slowest[0]:.2f} s ({slowest[1]})")
    print(f"memory: grown by {growth / 1e6:.0f} MB, {peak / 1e6:.0f} MB at most")
    return int(slowest[0] > MAX_SECONDS or growth > MAX_GROWTH)


def _damaged(count: int, only: str) -> Iterator[tuple[str, bytes]]:
    names = [name for name in ORIGINALS if only in name]
    for name in names:
        for data in mutations(name, max(WARM_UP, count // len(names) + 1)):
            yield name, data


def _resident() -> float:
    """Give the bytes of memory that the process holds now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())

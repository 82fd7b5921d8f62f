"""Print the table of docs/bad_pictures.md: bad files, and what became of each just now.

The files are those of tests/reading/bad_cases.py. Run it as

    python tools/bad_pictures_table.py
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "reading")]

from bad_cases import NO_FILES, ONE_COLOUR, UNREADABLE  # noqa: E402

from skresnet.reading import PictureError, Resizing, as_pictures  # noqa: E402

# JPEG, and the conversions of CMYK and LAB, are off by a little.
TOLERANCE = 3


def main() -> None:
    """Print the table in Markdown."""
    print("| File | What becomes of it |")
    print("| --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, outcome in _outcomes(Path("picture.jpg")):
            print(f"| {name} | {outcome} |")


def _outcomes(path: Path) -> Iterator[tuple[str, str]]:
    """Make each file, try to read it, and say how that ended."""
    for name, (data, colour) in ONE_COLOUR.items():
        path.write_bytes(data)
        yield name, _outcome(path, colour)
    for name, (data, _) in UNREADABLE.items():
        path.write_bytes(data)
        yield name, _outcome(path)
    path.unlink()
    for name, (make, _) in NO_FILES.items():
        make(path)
        yield name, _outcome(path)
        _remove(path)


def _outcome(path: Path, colour: tuple[int, ...] = ()) -> str:
    (picture,) = as_pictures([path])
    cause = _cause(picture.check)
    if cause:
        return f"unreadable, seen at once: {cause}"
    pixels = []
    cause = _cause(lambda: pixels.append(picture.load().pixels(Resizing((20, 30)))))
    if cause:
        return f"unreadable, seen when decoded: {cause}"
    if abs(pixels[0].astype(int) - colour).max() > TOLERANCE:
        raise SystemExit(f"{path}: expected {colour} everywhere, got {pixels[0]}")
    return f"read as RGB {colour}"


def _cause(action: Callable[[], object]) -> str:
    try:
        action()
    except PictureError as error:
        # What Pillow says of its own stands in brackets and differs by version.
        return str(error).partition(" (")[0]
    return ""


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()

"""Compare what is read with what other decoders read, over files of every kind.

    python tools/check_decoding.py

The files are written, and read for comparison, by tifffile, imagecodecs, pypng,
OpenCV and pillow-heif. Prints how many were tried, right, refused and wrong, and each
that was wrong. Exits with 1 if one was; to be refused, with its reason, is no fault.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from decoding import bmp, jpeg, others, png, tiff  # noqa: E402
from decoding.rules import Case  # noqa: E402

from skresnet.reading import PictureError, Resizing  # noqa: E402
from skresnet.reading.pictures import EncodedPicture  # noqa: E402

FORMATS = {"TIFF": tiff, "PNG": png, "BMP": bmp, "JPEG": jpeg, "others": others}


def main() -> int:
    """Try all, and tell how it went."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--refused", action="store_true", help="list these too")
    parser.add_argument("--only", choices=FORMATS)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # tifffile's remarks on what it wrote itself
    warnings.simplefilter("ignore")

    total: Counter[str] = Counter()
    for name, format_ in FORMATS.items():
        if arguments.only not in (None, name):
            continue
        counts: Counter[str] = Counter()
        refusals: dict[str, list[str]] = {}
        for case in format_.cases():
            outcome, why = _tried(case)
            counts[outcome] += 1
            if outcome == "wrong":
                print(f"  WRONG  {case.name}: {why}")
            elif outcome == "refused":
                refusals.setdefault(why, []).append(case.name)
        if arguments.refused:
            for why, names in refusals.items():
                print(f"  {len(names)} refused, such as {names[0]}: {why}")
        print(f"{name}: {_summary(counts)}")
        total += counts
    print(f"all: {_summary(total)}")
    return int(total["wrong"] > 0)


def _summary(counts: Counter[str]) -> str:
    return f"{counts.total()} tried, " + ", ".join(
        f"{counts[outcome]} {outcome}" for outcome in ("right", "refused", "wrong")
    )


def _tried(case: Case) -> tuple[str, str]:
    shape = (37, 53) if case.expected is None else case.expected.shape[:2]
    picture = EncodedPicture(0, case.data)
    try:
        pixels = picture.pixels(Resizing(shape, interpolation="nearest"))
    except PictureError as error:
        return "refused", str(error)
    if case.expected is None:
        return "wrong", "read, where nothing tells what it shows"
    off = float(np.abs(pixels.astype(float) - case.expected).max())
    if off > case.tolerance:
        return "wrong", f"off by up to {off:.0f}"
    return "right", ""


if __name__ == "__main__":
    sys.exit(main())

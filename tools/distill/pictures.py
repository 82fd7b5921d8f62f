"""Bring the pictures that the distillation is trained on.

    python -m tools.distill.pictures --out WORK/pictures

They come from the Debian packages of tools/distill/sources.py, from scikit-learn and
from folders of your own, and are packed as tools/distill/packed.py reads them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import sklearn

from tools.distill import debs
from tools.distill.containers import Candidate, candidates
from tools.distill.levels import Prepared, prepare
from tools.distill.packed import INDEX, PIXELS
from tools.distill.sources import PACKAGES, Package

N_PROCESSES = 2
# Pictures that may wait to be written, so that memory is bounded.
BATCH = 16


class Packing:
    """Writes pictures one after another and keeps the index of them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._offset = 0
        self._seen: set[bytes] = set()
        self.sources: list[dict[str, Any]] = []
        self.pictures: list[dict[str, Any]] = []

    def add_source(
        self,
        name: str,
        version: str,
        licence: str,
        pictures: Iterable[list[Prepared]],
        share: float = 1.0,
    ) -> str:
        """Write the pictures that are not there yet; return a line of counts."""
        n_packed = n_files = n_equal = n_unusable = 0
        begin = self._offset
        for prepared in pictures:
            n_files += 1
            n_unusable += not prepared
            for picture in prepared:
                if picture.key in self._seen:
                    n_equal += 1
                    continue
                self._seen.add(picture.key)
                self._write(picture)
                n_packed += 1
        self.sources.append(
            {
                "name": name,
                "version": version,
                "licence": licence,
                "pictures": n_packed,
                "share": share,
            }
        )
        return (
            f"{name}: {n_packed} pictures, {(self._offset - begin) / 1e6:.0f} MB, from "
            f"{n_files} files ({n_unusable} of no use, {n_equal} equal to another)"
        )

    def _write(self, picture: Prepared) -> None:
        levels = []
        for pixels in picture.levels:
            data = pixels.tobytes()
            self._file.write(data)
            self._digest.update(data)
            levels.append([self._offset, *pixels.shape[:2]])
            self._offset += len(data)
        self.pictures.append(
            {"source": len(self.sources), "name": picture.name, "levels": levels}
        )

    def index(self) -> dict[str, Any]:
        """Return what index.json holds."""
        return {
            "sources": self.sources,
            "pictures": self.pictures,
            "digest": self._digest.hexdigest(),
        }


def pack(
    out: Path, packages: Iterable[Package], debs_folder: Path, folders: Iterable[Path]
) -> dict[str, Any]:
    """Pack the pictures of the packages, scikit-learn and the folders into `out`.

    A package that cannot be had is reported on standard error and left out.

    Returns
    -------
    index : dict
        The contents of index.json.

    Raises
    ------
    ValueError
        If a folder is missing, or if packages or folders were asked for and none
        of them has a picture of use.
    """
    folders = list(folders)
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"--folder {folder} is no folder. Name an existing one.")
    out.mkdir(parents=True, exist_ok=True)
    partial = out / f"{PIXELS}.partial"
    try:
        with partial.open("wb") as file, ProcessPoolExecutor(N_PROCESSES) as pool:
            packing = Packing(file)
            for package in packages:
                try:
                    print(_add_package(packing, pool, package, debs_folder), flush=True)
                except debs.PackageError as error:
                    print(f"left out: {error}", file=sys.stderr, flush=True)
            for folder in folders:
                licence = "the owner's"
                pictures = _prepared(pool, candidates(folder))
                print(packing.add_source(str(folder), "", licence, pictures))
            if not packing.pictures:
                raise ValueError(
                    "There is not one picture of use in the packages and folders. Run "
                    "`apt-get update` and try again, or give pictures with --folder."
                )
            print(_add_sklearn(packing, pool))
        index = packing.index()
        _replace(partial, out, index)
    finally:
        partial.unlink(missing_ok=True)
    return index


def _add_package(
    packing: Packing, pool: ProcessPoolExecutor, package: Package, folder: Path
) -> str:
    deb = debs.fetch(package.name, folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix="unpacked-") as unpacked:
        debs.unpack(deb, Path(unpacked))
        chosen = [
            candidate
            for candidate in candidates(Path(unpacked))
            if re.search(package.keep, candidate.name)
            and not re.search(package.drop, candidate.name)
        ]
        pictures: Iterator[list[Prepared]]
        if package.limit is None:
            pictures = _prepared(pool, chosen)
        else:
            chosen.sort(key=lambda one: hashlib.sha256(one.name.encode()).digest())
            usable = (one for one in _prepared(pool, chosen) if one)
            pictures = islice(usable, package.limit)
        return packing.add_source(
            package.name,
            debs.version(deb),
            package.licence,
            pictures,
            package.share,
        )


def _add_sklearn(packing: Packing, pool: ProcessPoolExecutor) -> str:
    """Add the two photographs that `sklearn.datasets.load_sample_images` returns."""
    folder = Path(sklearn.__file__).parent / "datasets" / "images"
    pictures = _prepared(pool, candidates(folder))
    return packing.add_source(
        "scikit-learn", sklearn.__version__, "CC-BY-2.0", pictures
    )


def _prepared(
    pool: ProcessPoolExecutor, chosen: Iterable[Candidate]
) -> Iterator[list[Prepared]]:
    """Prepare the candidates in their order, a batch ahead of what is written."""
    waiting = iter(chosen)
    while batch := list(islice(waiting, BATCH)):
        yield from pool.map(prepare, batch, chunksize=2)


def _replace(partial: Path, out: Path, index: dict[str, Any]) -> None:
    """Put both files in place; an interrupted turn leaves no index of other pixels."""
    written = out / f"{INDEX}.partial"
    written.write_text(json.dumps(index), encoding="utf-8")
    (out / INDEX).unlink(missing_ok=True)
    partial.replace(out / PIXELS)
    written.replace(out / INDEX)


def main() -> None:
    """Pack the pictures and print one line for each source."""
    named = {package.name: package for package in PACKAGES}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--debs", type=Path, help="folder of downloaded packages (default: OUT/debs)"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        action="append",
        default=[],
        help="a folder of pictures of your own, with those in it; may be repeated",
    )
    parser.add_argument(
        "--packages",
        nargs="*",
        choices=list(named),
        default=list(named),
        metavar="NAME",
        help="packages to use (default: all of tools/distill/sources.py)",
    )
    given = parser.parse_args()
    try:
        index = pack(
            given.out,
            [named[name] for name in given.packages],
            given.debs or given.out / "debs",
            given.folder,
        )
    except ValueError as error:
        sys.exit(str(error))
    size = (given.out / PIXELS).stat().st_size
    print(f"{len(index['pictures'])} pictures, {size / 1e9:.2f} GB in {given.out}")


if __name__ == "__main__":
    main()

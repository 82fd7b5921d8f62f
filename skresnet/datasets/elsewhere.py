"""Data sets that do not lie in folders of this disk: in archives, on the network."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Place = Any
"""A path: a str on this disk, an ``upath.UPath`` in an archive or on the network."""

ARCHIVE_ENDINGS: Final = (".zip", ".tar", ".tar.gz", ".tgz")
"""Endings of the names of files that are taken for archives."""


@dataclass(frozen=True)
class Entry:
    """What ``os.DirEntry`` is on this disk."""

    name: str
    path: Place
    kind: str

    def is_dir(self) -> bool:
        """Tell a folder."""
        return self.kind == "directory"

    def is_file(self) -> bool:
        """Tell a file from a folder, and from links within an archive."""
        return self.kind == "file"

    def is_symlink(self) -> bool:
        """Know of no links."""
        return False


def name_of(path: Place) -> str:
    """Give the last part of a path."""
    return Path(path).name if isinstance(path, str) else str(path.name)


def is_elsewhere(path: Any) -> bool:
    """Tell an ``upath.UPath`` of a place that is not this disk."""
    return hasattr(path, "fs") and not isinstance(path, os.PathLike)


def refuse_address(parameter: str, path: str) -> None:
    """Raise if a path that leads nowhere looks like an address on the network.

    Nothing is read from one unless it is asked for by an object that says so.
    """
    if "://" in path:
        raise ValueError(
            f"{parameter} {path!r} looks like an address, and nothing is read from "
            'one unless asked: pip install "skresnet[remote]" and give '
            "upath.UPath(address)."
        )


def opened_archive(path: Path) -> Place:
    """Step into an archive on this disk.

    Raises
    ------
    ImportError
        If universal_pathlib is not installed.
    ValueError
        If the archive is damaged.
    """
    try:
        from upath import UPath
    except ImportError as error:
        raise ImportError(
            f"root {str(path)!r} is an archive, which is read with universal_pathlib; "
            f"it cannot be imported ({error}). Install it with: pip install "
            '"skresnet[remote]". Or unpack the archive.'
        ) from error
    try:
        if path.name.lower().endswith(".zip"):
            inside = UPath("zip://", fo=str(path.absolute()))
        else:
            packed = "gzip" if path.name.lower().endswith("gz") else None
            inside = UPath("tar://", fo=str(path.absolute()), compression=packed)
        inside.fs.ls("")
    except Exception as error:
        # Damage is whatever the libraries that unpack make of it.
        raise ValueError(
            f"The archive {str(path)!r} cannot be read: {error or type(error).__name__}"
        ) from error
    return inside


def entries(folder: Place) -> Iterator[Entry]:
    """List what lies directly in a folder elsewhere."""
    # One question for all, which on the network takes as long as one for each.
    found = folder.fs.ls(folder.path, detail=True)
    if [entry["name"] for entry in found] == ["."]:
        # Names in the tar are "./train" and so on, and UPath cannot step into ".".
        for entry in folder.fs.ls(".", detail=True):
            address = f"{folder.protocol}://{entry['name']}"
            path = type(folder)(address, **folder.storage_options)
            yield Entry(path.name, path, entry["type"])
        return
    for entry in found:
        name = entry["name"].rstrip("/").rpartition("/")[2]
        if name:
            yield Entry(name, folder / name, entry["type"])

"""Files that a command writes: whole or not at all, and nobody else's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


def check_output(path: Path, *, force: bool = True) -> None:
    """Refuse a place that cannot be written to, before the work for it begins."""
    folder = path.absolute().parent
    if path.is_dir():
        raise click.ClickException(f"{path} is a folder; expected the name of a file.")
    if path.exists() and not force:
        raise click.ClickException(
            f"{path} exists. Choose another name, or replace it with --force."
        )
    if not folder.is_dir():
        raise click.ClickException(
            f"{path} cannot be written: the folder {folder} does not exist; make it "
            "first."
        )
    if not os.access(folder, os.W_OK):
        raise click.ClickException(
            f"{path} cannot be written: permission denied for the folder {folder}."
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write to, and move that file into place once it is whole.

    After a kill, the unfinished file stays until the next call for the same place.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)

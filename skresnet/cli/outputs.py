"""Files that a command writes: whole or not at all, and nobody else's."""

from __future__ import annotations

import csv
import io
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import combinations
from pathlib import Path
from typing import Any

import click

from skresnet.text import shown

if sys.platform != "win32":
    import fcntl

_UNFINISHED = ".unfinished"
# What spreadsheets take for the beginning of a formula, in both widths.
_FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001


def spreadsheet_cell(text: str) -> str:
    """Put an apostrophe in front of what a spreadsheet would take for a formula."""
    return "'" + text if text.startswith((*_FORMULA, "'")) else text


def csv_line(cells: Iterable[object]) -> str:
    """Write a line of CSV that is one line, and has no formulas."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(
        cell if isinstance(cell, int | float) else spreadsheet_cell(shown(cell))
        for cell in cells
    )
    return text.getvalue()


def check_outputs(outputs: Sequence[Path], *, force: bool) -> None:
    """Refuse places that cannot be written to, before the work for them begins."""
    for path in outputs:
        _check_output(path, force)
    for path, other in combinations(outputs, 2):
        if _identity(path) == _identity(other):
            raise click.ClickException(
                f"{path} and {other} are the same file: give each output a name of its "
                "own."
            )


def check_not_inputs(outputs: Sequence[Path], inputs: Iterable[Any]) -> None:
    """Refuse to replace what is read, under whatever name it is reached."""
    existing = {_identity(path): path for path in outputs if path.exists()}
    for path in inputs if existing else ():
        if not isinstance(path, str | os.PathLike):  # in an archive, or far away
            continue
        if out := existing.get(_identity(Path(path))):
            raise click.ClickException(
                f"{out} is read by this command ({path}) and would be replaced: choose "
                "another name."
            )


def _check_output(path: Path, force: bool) -> None:
    folder = path.absolute().parent
    try:
        # Of the link itself: one that leads nowhere is somebody's, too.
        exists = bool(path.lstat())
    except FileNotFoundError:
        exists = False
    except OSError as error:
        raise _cannot_be_written(path, error) from error
    if path.is_dir():
        raise click.ClickException(f"{path} is a folder; expected the name of a file.")
    if _is_special(path):
        raise click.ClickException(
            f"{path} is a device, a pipe or a socket; expected the name of a file."
        )
    if _identity(path) in (_identity(Path(f"/dev/fd/{number}")) for number in range(3)):
        raise click.ClickException(
            f"{path} is where the standard streams go; choose another name."
        )
    if exists and not force:
        raise click.ClickException(
            f"{path} exists. Choose another name, or replace it with --force."
        )
    if not folder.is_dir():
        raise click.ClickException(
            f"{path} cannot be written: the folder {folder} does not exist; make it "
            "first."
        )
    try:
        with _new_file(path):
            pass
    except OSError as error:
        raise _cannot_be_written(path, error) from error


def _cannot_be_written(path: Path, error: OSError) -> click.ClickException:
    cause = (error.strerror or str(error)).lower()
    where = f" for the folder {path.absolute().parent}"
    return click.ClickException(
        f"{path} cannot be written: {cause}"
        f"{where if isinstance(error, PermissionError) else ''}."
    )


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _identity(path: Path) -> tuple[object, ...]:
    """Tell one file from another whatever link leads to it."""
    try:
        status = path.stat()
        return status.st_dev, status.st_ino
    except OSError:  # it is to come
        return path.absolute().parent.resolve(), path.name


@contextmanager
def writing(*paths: Path, force: bool) -> Iterator[list[Path]]:
    """Give names to write to, and move the files into place once all are whole.

    Raises
    ------
    click.ClickException
        If, without ``force``, something lies at one of the places by now. The files
        are then in a new folder beside it, which the message names.
    """
    with ExitStack() as stack:
        unfinished = [stack.enter_context(_new_file(path)) for path in paths]
        yield unfinished
        for file, path in zip(unfinished, paths, strict=True):
            _take_mode(file, path)
            with file.open("rb+") as written:
                os.fsync(written.fileno())
        free = force or not any(map(os.path.lexists, paths))
        if not free or not all(map(_moved, unfinished, paths, [force] * len(paths))):
            folder = Path(tempfile.mkdtemp(prefix="skresnet-", dir=paths[0].parent))
            for file, path in zip(unfinished, paths, strict=True):
                if file.exists():
                    file.rename(folder / path.name)
            names = " and ".join(map(str, paths))
            raise click.ClickException(
                f"{names} appeared while this command ran, and is left as it is. What "
                f"was made lies in {folder}."
            )


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """Make an empty file with a name that nobody could foresee, beside another one.

    It is removed at the end, unless it was moved; where the process is killed before,
    by the next one that writes to the same place.
    """
    folder = path.absolute().parent
    prefix = f".{path.name[:32]}."
    for other in folder.iterdir():
        if other.name.startswith(prefix) and _UNFINISHED in other.name:
            _remove_abandoned(other)
    while True:
        # The ending is what joblib chooses the compression by.
        descriptor, name = tempfile.mkstemp(
            _UNFINISHED + path.suffix[-8:], prefix, folder
        )
        file = Path(name)
        if sys.platform == "win32":
            os.close(descriptor)
            break
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if file.exists():  # nobody took it for abandoned before it was locked
            break
        os.close(descriptor)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)
        if sys.platform != "win32":
            os.close(descriptor)


def _remove_abandoned(file: Path) -> None:
    """Remove an unfinished file unless the process that made it holds its lock."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink()
        finally:
            os.close(descriptor)


def _take_mode(file: Path, path: Path) -> None:
    """Give a file the mode of the one that it replaces, or of any new one."""
    # Some file systems know neither owners nor modes.
    with suppress(OSError, AttributeError):
        if path.exists():
            replaced = path.stat()
            file.chmod(stat.S_IMODE(replaced.st_mode))
            os.chown(file, replaced.st_uid, replaced.st_gid)
        else:
            mask = os.umask(0o077)
            os.umask(mask)
            file.chmod(0o666 & ~mask)


def _moved(file: Path, path: Path, force: bool) -> bool:
    """Move a file to its place, unless that was taken meanwhile."""
    if force:
        if path.is_dir() or _is_special(path):
            return False
        file.replace(path)
        return True
    try:
        os.link(file, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links, where there is a gap of an instant
        if os.path.lexists(path):
            return False
        file.rename(path)
    return True


@contextmanager
def results(out: Path | None, *, force: bool) -> Iterator[Callable[[str], None]]:
    """Write text to a file, or to standard output where there is none."""
    if out is None:
        # Pipes and files get UTF-8 whatever the terminal speaks.
        yield lambda text: click.echo(
            text.encode("utf-8", "backslashreplace"), nl=False
        )
    else:
        with (
            writing(out, force=force) as (unfinished,),
            unfinished.open("w", encoding="utf-8", newline="") as file,
        ):
            yield lambda text: click.echo(text, file, nl=False)


_OWN_ENDINGS = (".joblib", ".skops", ".npy", ".html")


def beside(out: Path, ending: str) -> Path:
    """Name a file that belongs to another one: m.test.csv to m.joblib."""
    # Any other ending may be what tells two outputs apart, such as cats.v1 and cats.v2.
    own = next((own for own in _OWN_ENDINGS if out.name.endswith(own)), "")
    return out.with_name(out.name.removesuffix(own) + ending)

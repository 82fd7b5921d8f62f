"""What a command says, to people and to whoever stands in for a terminal."""

from __future__ import annotations

import os
import shlex
import sys
import textwrap
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from shutil import get_terminal_size, which
from subprocess import list2cmdline
from typing import Protocol, TextIO

import click


class Fit(Protocol):
    """Brings text to the width of whatever shows it; see `fitting`."""

    def __call__(self, text: str, indent: str = "") -> str:
        """Return lines, of which those that go on have that indent."""


def prepare_streams() -> None:
    """Make standard streams that take any text, in place of closed ones too.

    Where one is closed, the next file that is opened would get its number, and with it
    what TensorFlow writes to standard error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # File and class names need not be text in the encoding of the stream.
            stream.reconfigure(errors="backslashreplace")


def say(text: str, *, err: bool = False, wrap: bool = True) -> None:
    """Write lines about the work, which goes on if nobody can read them."""
    stream = sys.stderr if err else sys.stdout
    try:
        with _no_bar_on(stream):
            click.echo(fitting(text) if wrap and stream.isatty() else text, stream)
    except OSError as error:
        # What is kept in the stream would fail again at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not err and not isinstance(error, BrokenPipeError):
            say(f"Warning: standard output takes no more: {error.strerror}", err=True)


def _no_bar_on(stream: TextIO) -> AbstractContextManager[None]:
    """Take bars off the line meanwhile, which they are drawn on without an end."""
    if "tqdm" not in sys.modules:  # there is none, then, and its import takes time
        return nullcontext()
    from tqdm import tqdm

    return tqdm.external_write_mode(stream)


def say_next(*lines: Iterable[str | Path]) -> None:
    """Write command lines of this program that can be pasted into a shell."""
    program = [sys.executable, "-m", "skresnet"]
    if Path(sys.argv[0]).stem == "skresnet":
        program = ["skresnet"] if which("skresnet") else sys.argv[:1]
    say("Next:")
    for line in lines:
        # Where a hyphen begins the name of a file, it begins no option.
        words = [
            f"./{word}" if isinstance(word, Path) and str(word)[0] == "-" else str(word)
            for word in line
        ]
        say("  " + pasteable([*program, *words]), wrap=False)


def pasteable(words: list[str]) -> str:
    """Write a command line as the shell of this system takes it."""
    return list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def fitting_error(message: str) -> str:
    """Wrap the text of an error, which click puts a word in front of."""
    word = "Error: "
    return fitting(word + message)[len(word) :] if sys.stderr.isatty() else message


def fit_for(out: Path | None) -> Fit:
    """Return what wraps results for a terminal, and leaves them alone for others."""
    if out is None and sys.stdout.isatty():
        return fitting
    return lambda text, indent="": text


def fitting(text: str, indent: str = "") -> str:
    """Wrap lines between words to the width of the terminal."""
    wrapper = textwrap.TextWrapper(
        get_terminal_size().columns,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    wrapped = []
    for line in text.split("\n"):
        words = line.lstrip()
        wrapper.initial_indent = line[: len(line) - len(words)]
        wrapper.subsequent_indent = indent or wrapper.initial_indent
        wrapped.append(wrapper.fill(words))
    return "\n".join(wrapped)

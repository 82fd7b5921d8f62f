"""What a command says, to people and to whoever stands in for a terminal."""

from __future__ import annotations

import os
import shlex
import sys
import textwrap
import unicodedata
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from shutil import get_terminal_size, which
from subprocess import list2cmdline
from typing import Any, TextIO

import click

from skresnet.text import listed, shown

# Columns beside a name, for four numbers; and a name's own, however few are left.
_BESIDE_NAMES, _LEAST_OF_NAMES = 41, 12

# What a sentence puts around a name: quotes, a bracket and a comma.
_AROUND_NAMES = 6

_FILLER = "\0"  # which nothing that is shown holds


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
        # What begins the name of a file begins no option then, and is no home.
        words = [
            f"./{word}"
            if isinstance(word, Path) and str(word)[0] in "-~"
            else str(word)
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


def fitting(text: str, indent: str = "") -> str:
    """Wrap lines between words to the width of the terminal."""
    wrapper = textwrap.TextWrapper(
        get_terminal_size().columns,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    wrapped = []
    for line in measured(text).split("\n"):
        words = line.lstrip()
        wrapper.initial_indent = line[: len(line) - len(words)]
        wrapper.subsequent_indent = indent or wrapper.initial_indent
        wrapped.append(wrapper.fill(words))
    return drawn("\n".join(wrapped))


def listed_classes(names: Iterable[Any], at_most: int = 8) -> str:
    """List names of classes; in a terminal, none is wider than a line of it."""
    fit = {name: name for name in map(str, names)}
    if sys.stdout.isatty() or sys.stderr.isatty():
        room = max(get_terminal_size().columns - _AROUND_NAMES, _LEAST_OF_NAMES)
        measures = {name: measured(shown(name)) for name in fit}
        cuts = shortened(measures, room)
        fit |= {n: drawn(cut) for n, cut in cuts.items() if cut != measures[n]}
    return listed(fit.values(), at_most)


class Fit:
    """Brings results to the width of whatever shows them.

    Parameters
    ----------
    out : Path or None
        The file that they go to, which has room for everything; None for a terminal or
        a pipe.
    """

    def __init__(self, out: Path | None) -> None:
        self._is_shown = out is None
        self._is_terminal = out is None and sys.stdout.isatty()

    def sentence(self, text: str, indent: str = "") -> str:
        """Wrap a line for a terminal; what searches lines behind a pipe gets it whole.

        Those that go on have that indent.
        """
        return fitting(text, indent) if self._is_terminal else drawn(text)

    def row(self, text: str, indent: str = "") -> str:
        """Wrap a line that has names as tables have them, behind a pipe too."""
        return fitting(text, indent) if self._is_shown else drawn(text)

    def names(self, names: Iterable[Any]) -> dict[Any, str]:
        """Write the names in a table, `measured`, short enough for it."""
        measures = {name: measured(shown(name)) for name in names}
        if not self._is_shown:
            return measures
        left = get_terminal_size().columns - _BESIDE_NAMES
        return shortened(measures, max(left, _LEAST_OF_NAMES))


def shortened(measures: dict[Any, str], width: int) -> dict[Any, str]:
    """Cut `measured` names in the middle, all at one place that tells them apart.

    Where there is no such place, those that were cut end in their number.
    """
    n_names = len(set(measures.values()))
    cuts = {}
    for tail in sorted(range(width), key=lambda tail: abs(2 * tail - width)):
        cuts = {name: _cut(text, width, tail) for name, text in measures.items()}
        if len(set(cuts.values())) == n_names:
            return cuts
    room = width - len(f"#{len(cuts)}")
    return {
        name: text
        if text == measures[name]
        else f"{_cut(measures[name], room, 0)}#{number}"
        for number, (name, text) in enumerate(cuts.items(), 1)
    }


def _cut(text: str, width: int, tail: int) -> str:
    """Leave the last characters of a measured text, and as many of the first as fit."""
    if len(text) <= width:
        return text
    begin = text[: width - 1 - tail]
    if text[len(begin)] == _FILLER:  # of a character that would lose its half
        begin = begin[:-1]
    end = text[len(text) - tail :].removeprefix(_FILLER)
    return f"{begin}…{end}"


def measured(text: str) -> str:
    """Put a filler behind each character of two columns: the length is the width."""
    return "".join(
        character + _FILLER * (unicodedata.east_asian_width(character) in ("W", "F"))
        for character in drawn(text)
    )


def drawn(text: str) -> str:
    """Take the fillers of `measured` out again."""
    return text.replace(_FILLER, "")

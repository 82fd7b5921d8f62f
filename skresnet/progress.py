"""The progress bars, of one kind wherever something takes its time, and their lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tqdm.auto import tqdm

_IN_TERMINALS_ONLY = ContextVar("in_terminals_only", default=False)
_LEAVE_LINES = ContextVar("leave_lines", default=True)


class Bar(tqdm):
    """A progress bar without tqdm's thread, which would outlive the call."""

    monitor_interval = 0

    def __init__(self, *args: Any, disable: bool | None = False, **params: Any) -> None:
        if disable is False and _IN_TERMINALS_ONLY.get():
            disable = None  # by which tqdm asks standard error
        super().__init__(*args, disable=disable, **params)


def leave_line(text: object) -> None:
    """Print what a bar leaves when it goes."""
    if _LEAVE_LINES.get():
        print(text)


@contextmanager
def shown_by_command(*, lines: bool = True) -> Iterator[None]:
    """Show bars in terminals only, where people look, and lines if the command wants.

    Parameters
    ----------
    lines : bool, default=True
        Whether bars leave their lines, which a command may say in words of its own.
    """
    in_terminals_only = _IN_TERMINALS_ONLY.set(True)
    leave_lines = _LEAVE_LINES.set(lines)
    try:
        yield
    finally:
        _IN_TERMINALS_ONLY.reset(in_terminals_only)
        _LEAVE_LINES.reset(leave_lines)

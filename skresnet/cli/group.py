"""How a command ends: done, with an error's own words, or by Ctrl-C."""

from __future__ import annotations

import errno
import warnings
from typing import Any, TextIO

import click


class CommandGroup(click.Group):
    """Commands whose errors are texts for people, and whose warnings are one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of their use, not of the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; see the help of the command for the exit statuses."""
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            # These are for who writes code against a library.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                click.echo("\nInterrupted.", err=True)
                # 128 and the number of SIGINT, as shells have it.
                ctx.exit(130)
            except Exception as error:
                if ctx.params["traceback"] and not isinstance(
                    error, click.UsageError | click.exceptions.Exit
                ):
                    raise error.__cause__ or error from None
                if _is_about_the_data(error):
                    raise click.ClickException(str(error)) from error
                raise


def _is_about_the_data(error: Exception) -> bool:
    """Tell whether an error explains itself; a fault of this package does not."""
    if isinstance(error, OSError):
        # Nobody reads the output any longer; click ends quietly by itself.
        return error.errno != errno.EPIPE
    if isinstance(error, RuntimeError):
        from skresnet.cache import CacheUnavailableError

        return isinstance(error, CacheUnavailableError)
    return isinstance(error, ValueError)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    click.echo(f"Warning: {message}", err=True)

"""The `skresnet` command, thin over the public names of the package.

Modules here import scikit-learn, TensorFlow and the rest of the package inside
functions, so that help and wrong usage are answered at once.
"""

from __future__ import annotations

import errno
import warnings
from importlib import import_module
from typing import Any, TextIO

import click

from skresnet import __version__
from skresnet.cli.terminal import fitting_error, prepare_streams, say

# In the order of their use, not of the alphabet. Each lies in the module of its name.
_COMMANDS = (
    *("check", "train", "evaluate", "predict"),
    *("embed", "export", "serve", "info", "demo"),
)


class _Group(click.Group):
    """Commands whose errors are texts for people, and whose warnings are one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of their use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, and no other."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"skresnet.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; see the help of the command for the exit statuses."""
        prepare_streams()
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            # These are for who writes code against a library.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                say("\nInterrupted.", err=True)
                # 128 and the number of SIGINT, as shells have it.
                ctx.exit(130)
            except click.exceptions.Exit:
                raise
            except Exception as error:
                if ctx.params["traceback"] and not isinstance(error, click.UsageError):
                    raise error.__cause__ or error from None
                if isinstance(error, click.UsageError):
                    message = fitting_error(error.format_message())
                    raise click.UsageError(message, error.ctx) from error
                if isinstance(error, click.ClickException) or _is_about_the_data(error):
                    raise click.ClickException(fitting_error(str(error))) from error
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
    say(f"Warning: {message}", err=True)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="skresnet")
@click.option(
    "--traceback", is_flag=True, help="Show where in the code an error comes from."
)
def main(traceback: bool) -> None:
    """Classify images with a pretrained ResNet50 and scikit-learn.

    Pictures lie in one folder a class, such as photos/cat/1.jpg, or in such folders
    for train, val and test, such as photos/train/cat/1.jpg.

    Exit status: 0 done; 1 something is wrong with the data or the machine; 2 the
    command line itself is wrong; 3 done, but for pictures that cannot be read; 130
    interrupted by Ctrl-C.
    """

"""The `skresnet` command, thin over the public names of the package.

Modules here import scikit-learn, TensorFlow and the rest of the package inside
functions, so that help and wrong usage are answered at once.
"""

from __future__ import annotations

import click

from skresnet import __version__
from skresnet.cli import demo, embed, evaluate, info, predict, train
from skresnet.cli.group import CommandGroup


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="skresnet")
@click.option(
    "--traceback", is_flag=True, help="Show where in the code an error comes from."
)
def main(traceback: bool) -> None:
    """Classify images with a pretrained ResNet50 and scikit-learn.

    Pictures lie in one folder a class, such as photos/cat/1.jpg, or in such folders
    for train, val and test, such as photos/train/cat/1.jpg.

    Exit status: 0 done; 1 something is wrong with the data or the machine; 2 the
    command line itself is wrong; 130 interrupted by Ctrl-C.
    """


for command in (
    train.train,
    evaluate.evaluate,
    predict.predict,
    embed.embed,
    info.info,
    demo.demo,
):
    main.add_command(command)

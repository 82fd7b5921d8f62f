"""`skresnet demo`."""

from __future__ import annotations

import click

from skresnet.cli.models import start_tensorflow
from skresnet.cli.options import examples
from skresnet.cli.terminal import say_next


@click.command(
    short_help="Show all of it on pictures drawn for the purpose.",
    epilog=examples("skresnet demo --n-per-class 8"),
)
@click.option(
    "--n-per-class",
    type=click.IntRange(min=4),
    default=60,
    show_default=True,
    help="Training pictures of each of the five classes.",
)
@click.option(
    "--random-state",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the pictures and of the training.",
)
def demo(n_per_class: int, random_state: int) -> None:
    """Draw five classes of scientific figures, train on them and show the result.

    Needs no network and no pictures. Uses the weights of ImageNet where they are at
    hand or can be downloaded, and otherwise those that come with this package.
    """
    from skresnet.demo import run_demo
    from skresnet.progress import shown_by_command

    start_tensorflow()
    with shown_by_command():
        run_demo(n_per_class=n_per_class, random_state=random_state)
    click.echo("\nThe same with a folder of your own, which has a folder a class:")
    say_next(("train", "photos", "--out", "model.joblib"))

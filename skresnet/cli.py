"""The `skresnet` command."""

from __future__ import annotations

import click

from skresnet import __version__


@click.group()
@click.version_option(__version__, prog_name="skresnet")
def main() -> None:
    """Classify images with a pretrained ResNet50 and scikit-learn."""


@main.command()
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

    Needs no network and no pictures.
    """
    from skresnet.demo import run_demo

    run_demo(n_per_class=n_per_class, random_state=random_state)

"""One command from installable packages to pretrained weights of Keras' ResNet50."""

from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from tools.distill.checkpoint import read_checkpoint, write_checkpoint
from tools.distill.convert import TOLERANCE, feature_difference, write_keras_weights
from tools.distill.packed import INDEX
from tools.distill.pictures import pack
from tools.distill.probe import Probe
from tools.distill.sources import PACKAGES
from tools.distill.teacher import NAMES
from tools.distill.training import (
    Run,
    Settings,
    report_probes,
    settings_of,
    settle_scale,
    settle_statistics,
    train,
)

WEIGHTS = "resnet50.weights.h5"
NONE = "none"

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.option("--minutes", default=240.0, show_default=True, help="Of training.")
@click.option("--teacher", type=click.Choice(NAMES), default="lite0", show_default=True)
@click.option(
    "--folder",
    "folders",
    multiple=True,
    type=_FOLDER,
    help="Pictures of your own, besides those of the packages.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    type=click.Choice([NONE, *(package.name for package in PACKAGES)]),
    help="Only these Debian packages, or none.",
)
@click.option(
    "--probe",
    "probe_folders",
    multiple=True,
    type=_FOLDER,
    help="Labelled pictures whose accuracy is printed as the training goes on.",
)
@click.option("--probe-minutes", default=10.0, show_default=True)
@click.option(
    "--start-from",
    type=_FOLDER,
    help="WORK of a run that is through: its weights begin another schedule here.",
)
@click.option("--seed", default=0, show_default=True)
def main(
    work: Path,
    minutes: float,
    teacher: str,
    folders: tuple[Path, ...],
    packages: tuple[str, ...],
    probe_folders: tuple[Path, ...],
    probe_minutes: float,
    start_from: Path | None,
    seed: int,
) -> None:
    """Bring pictures, train, convert and check, all within the folder WORK.

    A run that was stopped goes on from its last checkpoint, here or on another
    machine to which WORK was copied, with the options it began with.
    """
    pictures = work / "pictures"
    if not (pictures / INDEX).exists():
        chosen = [p for p in PACKAGES if not packages or p.name in packages]
        try:
            pack(pictures, chosen, work / "debs", folders)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    state = read_checkpoint(work)
    settings = Settings(minutes=minutes, teacher=teacher, seed=seed)
    if state is not None:
        settings = settings_of(state)
    run = Run(settings, pictures, device)
    if state is not None:
        run.restore(state)
        click.echo(f"Going on at step {run.steps}, {run.seconds / 60:.1f} minutes in.")
    elif start_from is not None:
        _start(run, start_from)
    click.echo(f"{settings} on {device}")
    probes = [Probe(folder) for folder in probe_folders]
    train(run, probes, lambda state: write_checkpoint(work, state), probe_minutes)
    settle_statistics(run)
    settle_scale(run)
    click.echo(
        f"{run.steps} steps of {run.settings.batch_size} crops "
        f"in {run.seconds / 60:.1f} minutes. At last:"
    )
    report_probes(run, probes)

    unchecked = work / f"unchecked-{WEIGHTS}"
    write_keras_weights(run.student, unchecked)
    difference = feature_difference(run.student, unchecked, _some_crops(run))
    click.echo(f"Features in PyTorch and Keras differ by {difference:.1e} at most.")
    if difference > TOLERANCE:
        raise click.ClickException(
            f"That is above {TOLERANCE}: {unchecked} is not the student."
        )
    click.echo(f"Wrote {unchecked.replace(work / WEIGHTS)}.")


def _start(run: Run, folder: Path) -> None:
    state = read_checkpoint(folder)
    if state is None:
        raise click.ClickException(f"{folder} holds no checkpoint to start from.")
    try:
        run.start_from(state)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Starting from step {run.steps} of {folder}.")


def _some_crops(run: Run) -> NDArray[np.uint8]:
    """Return a batch of crops (n, size, size, 3), RGB."""
    crops = next(run.batches())
    return crops.permute(0, 2, 3, 1).byte().cpu().numpy()


if __name__ == "__main__":
    main()

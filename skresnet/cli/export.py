"""`skresnet export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from skresnet.cli.models import load_model
from skresnet.cli.options import examples, force_option, option
from skresnet.cli.outputs import check_not_inputs
from skresnet.cli.pictures import check_headers, list_below
from skresnet.cli.sources import source_of
from skresnet.cli.terminal import say

_MOST = 64  # pictures that a file is run on


@click.command(
    short_help="Write a model as one network for other runtimes.",
    epilog=examples(
        "skresnet export model.joblib model.onnx",
        "skresnet export model.joblib model.tflite --sample photos/test",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--sample",
    metavar="FOLDER_OR_TABLE",
    help="Pictures to run the file on, 64 of them at most.  [default: photographs "
    "that come with scikit-learn, and drawn pictures]",
)
@option(
    "--tolerance",
    type=click.FloatRange(0),
    default=1e-4,
    help="By how much a probability may differ from the model's.",
)
@force_option
def export(
    model: Path, path: Path, sample: str | None, tolerance: float, force: bool
) -> None:
    """Write the MODEL in a file as one network, from pixels to probabilities.

    The ending of PATH says for what: .onnx, .keras, .tflite (LiteRT), .xml (OpenVINO),
    or none for the folder of a TensorFlow SavedModel. Preprocessing and classifier are
    inside; who uses the file decodes, turns upright and resizes a picture.

    The file is run by its runtime and compared with the model before it is left under
    its name. One that differs is not written.

    A model in a .joblib file is a pickle: loading it runs what it contains. Load only
    files from people you trust. One in a .skops file runs nothing.
    """
    from skresnet.export import export_model
    from skresnet.export.exporting import check_place, checked_format

    try:
        check_place(path, checked_format(path), overwrite=force)
    except (ImportError, FileExistsError) as error:
        raise click.ClickException(
            str(error).replace("overwrite=True", "--force")
        ) from error
    pictures = None
    if sample is not None:
        listed = list_below(source_of(sample, {})[0], paths_only=True).paths
        pictures = listed[:: max(1, -(-len(listed) // _MOST))]
        check_headers(pictures, None, may_skip=False)
    fitted = load_model(model)
    read = [model, fitted["embedder"].weights_.path, *(pictures or ())]
    check_not_inputs([path, path.with_suffix(".bin")], read)
    with _quiet_libraries():
        check = export_model(
            fitted, path, sample=pictures, tolerance=tolerance, overwrite=force
        )
    say(str(check))
    say(f"Wrote {path}, {_size(path) / 1e6:.1f} MB", wrap=False)


def _size(path: Path) -> int:
    files = [path, path.with_suffix(".bin")] if path.suffix == ".xml" else [path]
    if path.is_dir():
        files = [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep what libraries write to the file of standard error, past Python, unseen.

    Converters tell there what they do, step by step. What Python writes is shown.
    """
    stream = sys.stderr
    stream.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    shown = os.fdopen(os.dup(2), "w", 1, errors="backslashreplace")
    try:
        os.dup2(nowhere, 2)
        if stream is sys.__stderr__:
            sys.stderr = shown
        yield
    finally:
        sys.stderr = stream
        os.dup2(kept, 2)
        shown.close()
        os.close(kept)
        os.close(nowhere)

"""Networks in 8 bits for OpenVINO: quantised once by NNCF, and kept on disk.

Filters are quantised by what they are, activations by the ranges they have on pictures
that are always the same: parts of the two photographs that come with scikit-learn, at
many scales, and drawings. So what comes of it depends on the
weights and settings alone, and not on pictures that a user fits first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_images

from skresnet.backbone import kept
from skresnet.backbone.settings import BackboneSettings

_PROGRAM = Path(__file__).with_name("quantise.py")
_ENDING = ".quantised"
_LENGTH_BYTES = 8
_N_PHOTOGRAPHS = 96
_N_DRAWINGS = 24


def quantised(settings: BackboneSettings, describe: Callable[[], Any]) -> Any:
    """Return a network of 8 bits: as it was kept, or quantised now and then kept.

    Of several processes that want the same one at once, one quantises it and the
    others wait.

    Parameters
    ----------
    settings : BackboneSettings
        Of the network.

    describe : callable
        What returns the network as an openvino.Model, for one picture at a time.

    Returns
    -------
    model : openvino.Model

    Raises
    ------
    RuntimeError
        If NNCF does not quantise it.
    """
    folder = kept.private_folder(settings)
    if folder is None:
        return _model_of(_quantise(settings, describe()))
    key = kept.network_key(settings, settings.calibration)
    path = folder / f"{key}{_ENDING}"
    model = _read(path)
    if model is not None:
        return model
    with _alone(folder / "quantising.lock"):
        model = _read(path)  # by now another process may have made it
        if model is None:
            content = _quantise(settings, describe())
            kept.write(path, content)
            model = _model_of(content)
    return model


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes waiting, where the file system knows locks."""
    lock = FileLock(path)
    try:
        lock.acquire()
    except (OSError, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _read(path: Path) -> Any:
    content = kept.read(path)
    if content is None:
        return None
    try:
        model = _model_of(content.tobytes())
    except (RuntimeError, ValueError):  # not of OpenVINO, or of a later one
        return None
    kept.mark_used(path)
    return model


def _model_of(content: bytes) -> Any:
    """Read what `_quantise` returns."""
    import openvino as ov

    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    return ov.Core().read_model(content[_LENGTH_BYTES:start], content[start:])


def _quantise(settings: BackboneSettings, model: Any) -> bytes:
    """Quantise in a process of its own: the length of a description, it, constants."""
    import openvino as ov

    with TemporaryDirectory(prefix="skresnet-") as name:
        folder = Path(name)
        ov.serialize(model, folder / "model.xml", folder / "model.bin")
        np.save(folder / "pictures.npy", calibration_pictures(settings.input_size))
        # Convolutions of single channels lose most by 8 bits: see docs/speed.md.
        spared = [
            layer.name for layer in settings.network.layers if layer.kind == "depthwise"
        ]
        (folder / "settings.json").write_text(json.dumps({"spared": spared}))
        done = subprocess.run(
            # Beside the program lies a module that is called openvino as well.
            [sys.executable, "-P", str(_PROGRAM), name],
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "NNCF_CI": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise RuntimeError(
                f"precision='int8': the network could not be quantised "
                f"({settings.calibration}): {said[-1] if said else 'nothing was said'} "
                "Use precision='float32'."
            )
        description = (folder / "quantised.xml").read_bytes()
        constants = (folder / "quantised.bin").read_bytes()
    return len(description).to_bytes(_LENGTH_BYTES, "little") + description + constants


def calibration_pictures(size: tuple[int, int]) -> NDArray[np.uint8]:
    """Make the pictures on which activations are looked at, the same every time.

    Parameters
    ----------
    size : tuple of int
        Their height and width.

    Returns
    -------
    pictures : ndarray of shape (n, height, width, 3), uint8
    """
    random = np.random.RandomState(0)
    photographs = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    return np.stack(
        [
            *(
                _part(photographs[k % len(photographs)], size, random)
                for k in range(_N_PHOTOGRAPHS)
            ),
            *(_drawing(size, random) for _ in range(_N_DRAWINGS)),
        ]
    )


def _part(
    photograph: Image.Image, size: tuple[int, int], random: np.random.RandomState
) -> NDArray[np.uint8]:
    """Cut out a part of any scale, and blur some."""
    height, width = size
    most_width, most_height = photograph.size
    share = np.exp(random.uniform(np.log(0.08), 0))
    part_height = share * most_height
    part_width = min(part_height * np.exp(random.uniform(-0.3, 0.3)), most_width)
    x = random.uniform(0, most_width - part_width)
    y = random.uniform(0, most_height - part_height)
    box = (x, y, x + part_width, y + part_height)
    part = photograph.resize((width, height), Image.Resampling.BILINEAR, box)
    if random.rand() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if random.rand() < 0.25:  # as of pictures of few pixels
        few = int(random.choice([8, 16, 32]))
        part = part.resize((few, few), Image.Resampling.BOX)
        part = part.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(part, np.uint8)


def _drawing(size: tuple[int, int], random: np.random.RandomState) -> NDArray[np.uint8]:
    """Draw lines, areas and letters on paper that is light more often than not."""

    def colour(darkest: int, lightest: int) -> tuple[int, ...]:
        return tuple(int(value) for value in random.randint(darkest, lightest, 3))

    paper = colour(200, 256) if random.rand() < 0.7 else colour(0, 256)
    image = Image.new("RGB", (256, 256), paper)
    draw = ImageDraw.Draw(image)
    for _ in range(random.randint(1, 25)):
        ink = colour(0, 80) if random.rand() < 0.5 else colour(0, 256)
        left, upper, right, lower = (int(value) for value in random.randint(0, 256, 4))
        left, right = sorted((left, right))
        upper, lower = sorted((upper, lower))
        box = (left, upper, right + 1, lower + 1)
        thickness = int(random.randint(1, 7))
        kind = random.randint(6)
        if kind == 0:
            draw.rectangle(box, outline=ink, width=thickness)
        elif kind == 1:
            draw.rectangle(box, fill=ink)
        elif kind == 2:
            fill = ink if random.rand() < 0.5 else None
            draw.ellipse(box, fill=fill, outline=ink, width=thickness)
        elif kind == 3:
            points = random.randint(0, 256, (random.randint(2, 12), 2))
            draw.line([(int(x), int(y)) for x, y in points], fill=ink, width=thickness)
        else:
            for row in range(random.randint(1, 8)):
                letters = random.randint(33, 127, random.randint(3, 30))
                words = "".join(chr(int(letter)) for letter in letters)
                draw.text((left - 60, upper + row * 14 - 60), words, fill=ink)
    height, width = size
    small = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(small, np.uint8)

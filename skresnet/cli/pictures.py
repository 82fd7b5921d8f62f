"""The pictures that a command is about: listed, divided, written to a list."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np


class Part(NamedTuple):
    """Pictures with their classes."""

    paths: np.ndarray
    classes: np.ndarray


class Parts(NamedTuple):
    """The pictures of a training."""

    train: Part
    val: Part | None
    test: Part | None
    test_was_set_aside: bool = False


def load_parts(folder: str, test_size: float, random_state: int) -> Parts:
    """List the splits of a folder, or the classes, of which a test set is set aside."""
    from skresnet import load_image_folder, load_image_splits

    if _split_folders(folder):
        splits = load_image_splits(folder)
        return Parts(*(_part(splits.get(name)) for name in ("train", "val", "test")))  # type: ignore[arg-type]
    every = _part(load_image_folder(folder))
    assert every is not None
    if test_size == 0:
        return Parts(every, None, None)
    return _divided(every, test_size, random_state)


def load_test(source: str) -> Part:
    """List the test pictures of a folder, or those that a CSV file names."""
    from skresnet import load_image_folder

    if Path(source).is_file():
        return _read_list(source)
    splits = _split_folders(source)
    tests = [path for path in splits if Path(path).name.lower() == "test"]
    if splits and not tests:
        raise ValueError(
            f"No test folder in {source!r}, which has the splits "
            f"{', '.join(map(repr, splits))}. Name one of these to evaluate on it."
        )
    part = _part(load_image_folder(tests[0] if tests else source))
    assert part is not None
    return part


def list_below(folder: str) -> tuple[list[str], list[str | None]]:
    """List every picture below a folder, and the class folder that each lies in.

    A picture in no folder has no class.
    """
    from skresnet.datasets.walk import (
        describe_skipped,
        existing_folder,
        find_images,
        folder_above,
    )

    root = existing_folder(folder)
    paths: list[str] = []
    classes: list[str | None] = []
    for top in _split_folders(root) or [root]:
        found = find_images(top, above=folder_above(str(Path(top).parent)))
        _tell_left_out(top, describe_skipped(found.skipped))
        for path in found.images:
            inside = Path(path).relative_to(top).parts
            classes.append(inside[0] if len(inside) > 1 else None)
        paths += found.images
    if not paths:
        raise ValueError(
            f"No pictures below {root!r}. Pictures are files that end in .jpg, .png, "
            ".bmp, .gif, .webp or .tif and their variants."
        )
    return paths, classes


def write_list(part: Part, path: Path) -> None:
    """Write pictures and classes to a CSV file that `load_test` reads."""
    # Names of files need not be valid UTF-8; this gives back the bytes they have.
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "class"])
        writer.writerows(
            (Path(picture).absolute(), name)
            for picture, name in zip(part.paths, part.classes, strict=True)
        )


def _read_list(source: str) -> Part:
    with Path(source).open(
        encoding="utf-8", errors="surrogateescape", newline=""
    ) as file:
        rows = csv.DictReader(file)
        if not {"path", "class"} <= set(rows.fieldnames or ()):
            raise ValueError(
                f"{source!r} is no list of pictures: expected a CSV file whose first "
                "line names the columns path and class, as `skresnet train` writes "
                "beside a model."
            )
        pairs = [(row["path"], row["class"]) for row in rows]
    if not pairs:
        raise ValueError(f"The list {source!r} names no picture.")
    paths, classes = zip(*pairs, strict=True)
    return Part(np.array(paths, object), np.array(classes))


def _split_folders(folder: str) -> list[str]:
    """Find train, val and test in a folder; nothing where its folders are classes."""
    from skresnet.datasets.layout import are_splits, split_of
    from skresnet.datasets.walk import existing_folder, list_folder
    from skresnet.text import listed

    folders = list_folder(existing_folder(folder)).folders
    if not are_splits([Path(path).name for path in folders]):
        return []
    splits = [path for path in folders if split_of(Path(path).name)]
    others = [Path(path).name for path in folders if path not in splits]
    if others:
        _tell_left_out(folder, f"folders that are no splits: {listed(others)}")
    return splits


def _part(bunch: Any) -> Part | None:
    if bunch is None:
        return None
    from skresnet.datasets.walk import describe_skipped

    _tell_left_out("", describe_skipped(bunch.skipped))
    return Part(bunch.data, bunch.target)


def _divided(every: Part, test_size: float, random_state: int) -> Parts:
    from sklearn.model_selection import train_test_split

    from skresnet.text import listed

    lone = [
        name for name, count in Counter(every.classes.tolist()).items() if count < 2
    ]
    if lone:
        raise ValueError(
            "Each class needs at least 2 pictures, one to train and one to test; "
            f"found 1 in {listed(lone)}. Add pictures, or set none "
            "aside with --test-size 0."
        )
    try:
        train, test, train_classes, test_classes = train_test_split(
            *every,
            test_size=test_size,
            stratify=every.classes,
            random_state=random_state,
        )
    except ValueError as error:
        raise ValueError(f"--test-size {test_size}: {error}") from error
    return Parts(
        Part(train, train_classes),
        None,
        Part(test, test_classes),
        test_was_set_aside=True,
    )


def _tell_left_out(folder: str, description: str) -> None:
    if description != "nothing":
        where = f" in {folder}" if folder else ""
        click.echo(f"Left out{where}: {description}", err=True)

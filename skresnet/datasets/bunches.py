"""What every loader returns: pictures with their classes, alone or in splits."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skresnet.datasets.elsewhere import Place, name_of
from skresnet.datasets.walk import (
    CAUSES,
    SPLIT_FOLDERS,
)
from skresnet.reading import PictureError, as_pictures
from skresnet.text import counted, listed
from skresnet.warn import warn_user


class ImageSplits(Bunch):
    """A Bunch that says which split is missing where one is asked for in vain."""

    def __getattr__(self, key: str) -> Any:
        if key in SPLIT_FOLDERS and key not in self:
            raise AttributeError(f"There is no {key!r} split. {self['DESCR']}")
        return super().__getattr__(key)


def image_bunch(
    where: str,
    paths: Sequence[Place],
    classes: Sequence[str] | None,
    *,
    class_names: Iterable[str] = (),
    groups: NDArray[np.str_] | None,
    skipped: Mapping[str, list[Place]],
    unreadable: list[tuple[Place, str]],
    notes: Iterable[str] = (),
) -> Bunch:
    """Make what a loader returns of pictures, in the order they come in.

    The classes are those of the pictures, and those named besides.
    """
    data = np.empty(len(paths), object)
    data[:] = paths
    found = Counter(classes or ())
    counts = {name: found[name] for name in sorted({*found, *class_names})}
    return Bunch(
        data=data,
        target=None if classes is None else np.array(classes, np.str_),
        target_names=list(counts),
        filenames=data,
        groups=groups,
        skipped=Bunch(
            **{cause: sorted(paths, key=str) for cause, paths in skipped.items()}
        ),
        unreadable=unreadable,
        DESCR=_describe(where, len(data), counts, groups, skipped, unreadable, notes),
    )


def image_splits(
    where: str, splits: Mapping[str, Bunch], missing: Mapping[str, str], notes: str = ""
) -> ImageSplits:
    """Join the splits; `missing` says why there is none of a name."""
    lines = [f"Splits in {where}", ""]
    for name in SPLIT_FOLDERS:
        found = f"{splits[name].DESCR}" if name in splits else missing[name]
        lines.append(f"{name}: {found}")
    _warn_of_torn_groups(where, splits)
    copies = _copies(splits)
    if copies:
        _warn_of_copies(where, copies)
    names = sorted({name for split in splits.values() for name in split.target_names})
    return ImageSplits(
        **splits,
        target_names=names,
        copies=copies,
        DESCR="\n".join([*lines, *notes.splitlines()]),
    )


def class_name(name: str) -> str:
    """Write a class in the one of several Unicode forms that keyboards give.

    Some systems take names of files apart, into letters and accents.
    """
    return unicodedata.normalize("NFC", name)


def look_alikes(names: Iterable[str], others: Collection[str]) -> str:
    """Say which names differ from one of the others in what is easily overlooked."""
    alike = {_overlooked(other): other for other in others}
    pairs = [
        f"{name!r} is like {alike[_overlooked(name)]!a}"
        for name in sorted(names)
        if _overlooked(name) in alike
    ]
    if not pairs:
        return ""
    return (
        f" {' and '.join(pairs)} but for upper and lower case, spaces, or characters "
        "that cannot be seen."
    )


def unreadable_headers(paths: list[Place]) -> dict[Place, str]:
    """Check each image as an estimator will, and give the cause for those that fail."""
    causes = {}
    for picture in as_pictures(paths) if paths else []:
        try:
            picture.check()
        except PictureError as error:
            causes[paths[picture.position]] = str(error)
    return causes


def _overlooked(name: str) -> str:
    shown = unicodedata.normalize("NFKC", name)
    return "".join(
        c for c in shown if unicodedata.category(c)[0] not in "CZ"
    ).casefold()


def _warn_of_torn_groups(where: str, splits: Mapping[str, Bunch]) -> None:
    """Warn where images of one group are in two splits."""
    found = {name: split.groups for name, split in splits.items()}
    inside = Counter(
        group
        for groups in found.values()
        if groups is not None
        for group in {*groups.tolist()}
    )
    if torn := [group for group, n_splits in inside.items() if n_splits > 1]:
        warn_user(
            f"In {where}, more than one split has images of "
            f"{counted(len(torn), 'group')}: {listed(torn)}. What is learnt from a "
            "subject in train helps with the same subject in test, which makes the "
            "accuracy there too good. Move each group into one split."
        )


def _copies(splits: Mapping[str, Bunch]) -> list[tuple[str, str]]:
    """Find the images of val and test whose bytes an earlier split has too.

    Only files of equal size are read.
    """
    sizes = {
        name: {path: size for path in split.data if (size := _size(path)) is not None}
        for name, split in splits.items()
    }
    copies: list[tuple[str, str]] = []
    earlier: dict[int, list[str]] = {}
    for of_split in sizes.values():
        shared = {size for size in of_split.values() if size in earlier}
        first = {_digest(path): path for size in shared for path in earlier[size][::-1]}
        copies += [
            (first[digest], path)
            for path, size in of_split.items()
            if size in shared and (digest := _digest(path)) in first
        ]
        for path, size in of_split.items():
            earlier.setdefault(size, []).append(path)
    return copies


def _size(path: Place) -> int | None:
    try:
        return Path(path).stat().st_size if isinstance(path, str) else None
    except OSError:  # as whoever reads it will say
        return None


def _digest(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file_digest(file, "sha256").digest()
    except OSError:
        return path.encode(errors="surrogateescape")  # the copy of nothing


def _warn_of_copies(where: str, copies: list[tuple[str, str]]) -> None:
    """Warn of images that are in two splits."""
    first, second = copies[0]
    warn_user(
        f"In {where}, {counted(len(copies), 'image')} of one split "
        f"{'is' if len(copies) == 1 else 'are'}, byte for byte, in another: "
        f"{second!r} is {first!r}{', for instance' if len(copies) > 1 else ''}. The "
        "accuracy on images that were trained on says nothing of others. Remove them; "
        "`copies` lists them, and skresnet.find_leakage finds altered ones too."
    )


def _describe(
    where: str,
    n_images: int,
    counts: Mapping[str, int],
    groups: NDArray[np.str_] | None,
    skipped: Mapping[str, list[Place]],
    unreadable: list[tuple[Place, str]],
    notes: Iterable[str],
) -> str:
    """Write the description of pictures with their classes."""
    classes = f" of {counted(len(counts), 'class', 'classes')}" if counts else ""
    lines = [f"{counted(n_images, 'image')}{classes} in {where}", ""]
    lines += [f"  {name!r}: {count}" for name, count in counts.items()]
    if groups is not None:
        lines += ["", f"In {counted(len(np.unique(groups)), 'group')}."]
    lines += [f"\n{note}" for note in notes]
    if any(skipped.values()):
        lines += ["", "Left out:"]
    for cause, paths in skipped.items():
        if paths:
            lines.append(f"  {counted(len(paths), *CAUSES[cause])}{_endings(paths)}")
    if unreadable:
        lines += ["", "Header cannot be read:"]
        lines += [f"  {path!r}: {cause}" for path, cause in unreadable]
    return "\n".join(lines)


def _endings(paths: list[Place]) -> str:
    """Count the endings of names, for a user to spot a format we do not read."""
    endings = Counter(Path(name_of(p)).suffix.lower() or "no ending" for p in paths)
    return f" ({', '.join(f'{end} {n}' for end, n in sorted(endings.items()))})"

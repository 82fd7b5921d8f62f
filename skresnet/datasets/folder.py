"""Read a data set laid out as one folder a class, or as train, val and test folders."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skresnet.datasets.walk import (
    CAUSES,
    FOLDER_TREE,
    SPLIT_FOLDERS,
    SPLITS_TREE,
    Contents,
    are_splits,
    describe_skipped,
    existing_folder,
    find_images,
    folder_above,
    list_folder,
    split_of,
)
from skresnet.reading import PictureError, as_pictures
from skresnet.text import counted, listed


def load_image_folder(root: str | os.PathLike[str], *, verify: bool = False) -> Bunch:
    """List the images of a folder that holds one folder a class.

    The name of a folder directly in `root` is the class of every image below it,
    however deep. Images are found by the ending of their name: JPEG, PNG, BMP, GIF,
    WebP and TIFF, in upper or lower case. No pixel is read; the paths go as they are
    to an estimator or to :func:`~sklearn.model_selection.train_test_split`.

    Parameters
    ----------
    root : str or path-like
        Folder with the class folders. A leading ``~`` is the home folder.
    verify : bool, default=False
        Open each file, read its header and take those whose header cannot be read
        out of `data`. The pixels are not decoded, so a file that is cut off late
        passes.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of shape (n_images,), dtype object
            Paths, each a str that begins with `root` as given. Sorted within a
            class, the classes one after the other.
        target : ndarray of shape (n_images,), dtype str
            The class name of each image.
        target_names : list of str
            The class names, sorted.
        filenames : ndarray of shape (n_images,), dtype object
            The same array as `data`, named as in
            :func:`~sklearn.datasets.load_files`.
        skipped : :class:`~sklearn.utils.Bunch` of list of str
            Paths that were left out, by cause: `hidden` (the name begins with a dot;
            what is in a hidden folder is not listed), `not_image`, `outside_class`
            (images directly in `root`), `broken_link`, `repeated_folder` (links to a
            folder that contains the link, or was read for this class before) and
            `special_file` (pipes, sockets, devices; they are never opened).
        unreadable : list of tuple (path, cause)
            With ``verify=True``, the images that were taken out and why.
        DESCR : str
            All this in words, with counts.

    Raises
    ------
    FileNotFoundError
        If `root` does not exist.
    NotADirectoryError
        If `root` is a file.
    PermissionError
        If `root` or a folder below it cannot be read.
    ValueError
        If there are no class folders, if a class folder holds no image, or if the
        folders are those of :func:`load_image_splits`.

    Examples
    --------
    >>> from sklearn.model_selection import train_test_split
    >>> from skresnet import load_image_folder
    >>> photos = load_image_folder("photos")  # doctest: +SKIP
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     photos.data, photos.target, stratify=photos.target
    ... )  # doctest: +SKIP
    """
    folder = existing_folder(root)
    top = list_folder(folder)
    _expect_class_folders(folder, top)

    skipped = top.skipped | {"outside_class": top.images}
    unreadable: list[tuple[str, str]] = []
    images_of: dict[str, list[str]] = {}
    empty: list[str] = []
    above = folder_above(folder)
    for class_folder in top.folders:
        found = find_images(class_folder, above=above)
        for cause, paths in found.skipped.items():
            skipped[cause] += paths
        if found.skipped["repeated_folder"] == [class_folder]:
            continue
        broken = _unreadable_headers(found.images) if verify else {}
        unreadable += broken.items()
        images = [path for path in found.images if path not in broken]
        if not images:
            empty.append(_what_is_in(class_folder, found.skipped, broken))
        images_of[Path(class_folder).name] = images
    if empty:
        raise ValueError(
            f"Every class folder needs at least one image, but {' and '.join(empty)}. "
            f"Put images in or take the folder away. Images are files that end in "
            f".jpg, .png, .bmp, .gif, .webp or .tif and their variants."
        )
    if not images_of:
        raise ValueError(
            f"No class folders in {folder!r}: its folders are all links to a folder "
            f"that contains them. {FOLDER_TREE}"
        )

    data = np.array([path for paths in images_of.values() for path in paths], object)
    target = np.repeat(list(images_of), [len(paths) for paths in images_of.values()])
    return Bunch(
        data=data,
        target=target,
        target_names=list(images_of),
        filenames=data,
        skipped=Bunch(**{cause: sorted(paths) for cause, paths in skipped.items()}),
        unreadable=unreadable,
        DESCR=_describe(folder, images_of, skipped, unreadable),
    )


def _expect_class_folders(folder: str, top: Contents) -> None:
    """Raise if the folders in `root` cannot be classes, and say what they are."""
    names = [Path(path).name for path in top.folders]
    if not names:
        images = [Path(path).name for path in top.images]
        loose = (
            f"{counted(len(images), 'image')} directly in it ({listed(images, 4)}); an "
            f"image must lie in the folder of its class"
            if images
            else describe_skipped(top.skipped)
        )
        raise ValueError(
            f"No class folders in {folder!r}; found {loose}. {FOLDER_TREE}"
        )
    if are_splits(names):
        raise ValueError(
            f"The folders in {folder!r} are splits, not classes: {listed(names)}. Use "
            f"load_image_splits to load them all, or load_image_folder on one of "
            f"them. If they are classes after all, rename them."
        )


def _unreadable_headers(paths: list[str]) -> dict[str, str]:
    """Check each image as an estimator will, and give the cause for those that fail."""
    causes = {}
    for picture in as_pictures(paths) if paths else []:
        try:
            picture.check()
        except PictureError as error:
            causes[paths[picture.position]] = str(error)
    return causes


def _what_is_in(
    class_folder: str, skipped: dict[str, list[str]], broken: dict[str, str]
) -> str:
    """Write what a class folder without images holds instead."""
    if not broken:
        return f"{class_folder!r} holds {describe_skipped(skipped)}"
    path, cause = next(iter(broken.items()))
    return (
        f"{class_folder!r} holds {counted(len(broken), 'image')} that cannot be read "
        f"({Path(path).name!r}: {cause})"
    )


def _describe(
    folder: str,
    images_of: dict[str, list[str]],
    skipped: dict[str, list[str]],
    unreadable: list[tuple[str, str]],
) -> str:
    """Write the description of a loaded folder."""
    total = sum(len(paths) for paths in images_of.values())
    classes = counted(len(images_of), "class", "classes")
    lines = [f"{counted(total, 'image')} of {classes} in {folder!r}", ""]
    lines += [f"  {name!r}: {len(paths)}" for name, paths in images_of.items()]
    if any(skipped.values()):
        lines += ["", "Left out:"]
    for cause, paths in skipped.items():
        if paths:
            lines.append(f"  {counted(len(paths), *CAUSES[cause])}{_endings(paths)}")
    if unreadable:
        lines += ["", "Header cannot be read:"]
        lines += [f"  {path!r}: {cause}" for path, cause in unreadable]
    return "\n".join(lines)


def _endings(paths: list[str]) -> str:
    """Count the endings of names, for a user to spot a format we do not read."""
    endings = Counter(Path(path).suffix.lower() or "no ending" for path in paths)
    return f" ({', '.join(f'{end} {n}' for end, n in sorted(endings.items()))})"


class ImageSplits(Bunch):
    """A Bunch that says which split is missing where one is asked for in vain."""

    def __getattr__(self, key: str) -> Any:
        if key in SPLIT_FOLDERS and key not in self:
            raise AttributeError(f"There is no {key!r} split. {self['DESCR']}")
        return super().__getattr__(key)


def load_image_splits(root: str | os.PathLike[str], *, verify: bool = False) -> Bunch:
    """List the images of a folder that holds train, val and test folders.

    Each of the three holds one folder a class, the same classes in all; see
    :func:`load_image_folder` for what is found in them. The folders are recognised in
    upper or lower case, as ``train`` or ``training``, ``val``, ``valid`` or
    ``validation``, and ``test``.

    Parameters
    ----------
    root : str or path-like
        Folder with the folders of the splits. A leading ``~`` is the home folder.
    verify : bool, default=False
        Open each file, read its header and take those whose header cannot be read
        out of the data; see :func:`load_image_folder`.

    Returns
    -------
    splits : :class:`~sklearn.utils.Bunch`
        With the attributes

        train, val, test : :class:`~sklearn.utils.Bunch`
            What :func:`load_image_folder` returns for each. `val` and `test` are
            absent where their folder is.
        target_names : list of str
            The class names, sorted.
        DESCR : str
            The splits in words, those that are missing, and the folders in `root`
            that are no splits and were not read.

    Raises
    ------
    FileNotFoundError
        If `root` does not exist, or holds no folder for the train split.
    NotADirectoryError
        If `root` is a file.
    PermissionError
        If a folder cannot be read.
    ValueError
        If two folders stand for one split, if the splits do not name the same
        classes, or if one of them is no folder of class folders.

    Examples
    --------
    >>> from skresnet import load_image_splits
    >>> photos = load_image_splits("photos")  # doctest: +SKIP
    >>> photos.train.data, photos.train.target  # doctest: +SKIP
    """
    folder = existing_folder(root)
    folders = _split_folders(folder)
    splits = {
        split: load_image_folder(folders[split], verify=verify)
        for split in SPLIT_FOLDERS
        if split in folders
    }
    _expect_same_classes(folder, {name: s.target_names for name, s in splits.items()})
    return ImageSplits(
        **splits,
        target_names=splits["train"].target_names,
        DESCR=_describe_splits(folder, splits),
    )


def _split_folders(folder: str) -> dict[str, str]:
    """Find the folder of each split in `root`."""
    paths = list_folder(folder).folders
    names = [Path(path).name for path in paths]
    folders: dict[str, str] = {}
    for path, name in zip(paths, names, strict=True):
        split = split_of(name)
        if split in folders:
            raise ValueError(
                f"Two folders in {folder!r} stand for the {split} split: "
                f"{Path(folders[split]).name!r} and {name!r}. Keep one of them, or "
                f"move the images of one into the other."
            )
        if split is not None:
            folders[split] = path
    if "train" not in folders:
        raise FileNotFoundError(
            f"No folder for the train split in {folder!r}, neither "
            f"{' nor '.join(map(repr, SPLIT_FOLDERS['train']))}; found the folders "
            f"{listed(names)}. {SPLITS_TREE}\n\nIf the folders you have are classes, "
            f"use load_image_folder and divide its images with "
            f"sklearn.model_selection.train_test_split."
        )
    return folders


def _expect_same_classes(folder: str, classes_of: dict[str, list[str]]) -> None:
    """Raise if a split lacks or adds a class, compared with train."""
    train = set(classes_of["train"])
    differences = []
    for split, names in classes_of.items():
        if lacking := train.difference(names):
            differences.append(f"{split} lacks {listed(lacking)}")
        if added := set(names) - train:
            differences.append(f"{split} adds {listed(added)}")
    if differences:
        raise ValueError(
            f"The splits in {folder!r} must hold the same class folders, but compared "
            f"with train, {'; '.join(differences)}. Train has {listed(train)}. Give "
            f"each split a folder for every class, and check how the names are spelt."
        )


def _describe_splits(folder: str, splits: dict[str, Bunch]) -> str:
    """Write the description of the loaded splits."""
    lines = [f"Splits in {folder!r}", ""]
    for split, names in SPLIT_FOLDERS.items():
        if split in splits:
            lines.append(f"{split}: {splits[split].DESCR}")
        else:
            lines.append(f"{split}: missing; no folder named {' or '.join(names)}")
    others = [Path(path).name for path in list_folder(folder).folders]
    if unread := [name for name in others if split_of(name) is None]:
        lines += ["", f"Folders that are no splits, not read: {listed(unread)}"]
    return "\n".join(lines)

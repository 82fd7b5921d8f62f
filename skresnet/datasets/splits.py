"""Read a data set laid out as train, val and test folders."""

import os
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from skresnet.datasets.folder import load_image_folder
from skresnet.datasets.layout import SPLIT_FOLDERS, SPLITS_TREE, split_of
from skresnet.datasets.walk import existing_folder, list_folder
from skresnet.text import listed


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
        DESCR=_describe(folder, splits),
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


def _describe(folder: str, splits: dict[str, Bunch]) -> str:
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

"""Read a data set laid out as one folder a class, or as train, val and test folders."""

from typing import Any

from sklearn.utils import Bunch

from skresnet.datasets.bunches import (
    class_name,
    image_bunch,
    image_splits,
    look_alikes,
    unreadable_headers,
)
from skresnet.datasets.elsewhere import Place, name_of
from skresnet.datasets.groups import Groups, group_finder
from skresnet.datasets.walk import (
    FOLDER_TREE,
    SPLIT_FOLDERS,
    SPLITS_TREE,
    Contents,
    are_splits,
    describe_skipped,
    existing_folder,
    find_images,
    folder_above,
    innermost,
    list_folder,
    split_of,
)
from skresnet.reading.files import EXTENSIONS
from skresnet.text import counted, listed
from skresnet.warn import warn_user

# What competitions call the only folder of a split whose classes they keep back.
_NO_CLASSES = ("test", "unknown", "unlabeled", "unlabelled", "images", "all", "none")


def load_image_folder(
    root: Any,
    *,
    groups: Groups = None,
    verify: bool = False,
    allow_empty: bool = False,
) -> Bunch:
    """List the images of a folder that holds one folder a class.

    The name of a folder directly in `root` is the class of every image below it,
    however deep. Images are found by the ending of their name: JPEG, PNG, BMP, GIF,
    WebP, TIFF, AVIF, JPEG 2000 and HEIC, in upper or lower case. No pixel is read; the
    paths go as they are to an estimator or to
    :func:`~sklearn.model_selection.train_test_split`.

    Where `root` holds a single folder and this one those of the classes, as unpacking
    an archive leaves it, they are taken, with a warning. Class names are written in
    Unicode's form NFC, so that folders whose names differ in nothing else are one
    class.

    Parameters
    ----------
    root : str, path-like or ``upath.UPath``
        Folder with the class folders, or a ``.zip`` or ``.tar`` of them. A leading
        ``~`` is the home folder. Archives and what an ``upath.UPath`` leads to, such as
        ``UPath("s3://...")``, need ``pip install "skresnet[remote]"``.
    groups : "parent", str, :class:`re.Pattern`, path, mapping or None, default=None
        Which images show the same subject, and must stay on one side of a split.
        ``"parent"`` is the name of the folder that an image lies in, below that of its
        class; another str is a regular expression that is searched for in the name of
        the file, and what its one part in parentheses matches is the group; the path
        of a table, ``"subjects.csv"`` for instance, has a column of paths and one of
        groups, named as :func:`load_image_table` finds them; a mapping has a group for
        each path or name of a file.
    verify : bool, default=False
        Open each file, read its header and take those whose header cannot be read
        out of `data`. The pixels are not decoded, so a file that is cut off late
        passes.
    allow_empty : bool, default=False
        Whether a class folder may hold no image. Its name is then in `target_names`
        all the same.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of shape (n_images,), dtype object
            Paths, each a str that begins with `root` as given, or an ``upath.UPath``
            in an archive or elsewhere. Sorted within a class, the classes one after
            the other.
        target : ndarray of shape (n_images,), dtype str
            The class name of each image.
        target_names : list of str
            The class names, sorted.
        filenames : ndarray of shape (n_images,), dtype object
            The same array as `data`, named as in
            :func:`~sklearn.datasets.load_files`.
        groups : ndarray of shape (n_images,), dtype str, or None
            The group of each image, for
            :class:`~sklearn.model_selection.StratifiedGroupKFold` and its kind, and for
            ``fit``. None without ``groups``.
        skipped : :class:`~sklearn.utils.Bunch` of list of str
            Paths that were left out, by cause: `hidden` (the name begins with a dot;
            what is in a hidden folder is not listed), `thumbnail` (what network drives
            and systems put beside images: ``@eaDir``, ``__MACOSX``, ``Thumbs.db`` and
            their kind), `not_image`, `outside_class`
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
        If `root` is empty, there are no class folders, a class folder holds no image
        and may not, no image is found at all, an image has no group, or the folders
        are those of :func:`load_image_splits`.

    Examples
    --------
    >>> from sklearn.model_selection import train_test_split
    >>> from skresnet import load_image_folder
    >>> photos = load_image_folder("photos")  # doctest: +SKIP
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     photos.data, photos.target, stratify=photos.target
    ... )  # doctest: +SKIP
    """
    find_groups = group_finder(groups)
    folder = _unpacked(existing_folder(root))
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
        broken = unreadable_headers(found.images) if verify else {}
        unreadable += broken.items()
        images = [path for path in found.images if path not in broken]
        if not images:
            empty.append(_what_is_in(class_folder, found.skipped, broken))
        images_of.setdefault(class_name(name_of(class_folder)), []).extend(images)
    if empty and not (allow_empty and any(images_of.values())):
        raise ValueError(
            f"Every class folder needs at least one image, but {' and '.join(empty)}. "
            "Put images in or take the folder away. Images are files that end in "
            f"{', '.join(sorted(EXTENSIONS))}."
        )
    if not images_of:
        raise ValueError(
            f"No class folders in {folder!r}: its folders are all links to a folder "
            f"that contains them. {FOLDER_TREE}"
        )
    if len(top.folders) == 1 and groups is None:
        _doubt_a_lone_class(top.folders[0])
    pairs = [(name, path) for name in sorted(images_of) for path in images_of[name]]
    paths = [path for _, path in pairs]
    return image_bunch(
        repr(folder),
        paths,
        [name for name, _ in pairs],
        class_names=images_of,
        groups=find_groups(paths, folder),
        skipped=skipped,
        unreadable=unreadable,
        notes=_merged(top.folders),
    )


def _unpacked(root: Place) -> Place:
    """Find the folder of the classes or splits, and say so where it is not the root."""
    folder = innermost(root)
    if folder != root and isinstance(root, str):
        warn_user(
            f"{root!r} holds a single folder and no image; the folders in {folder!r} "
            "are taken instead. Name that folder, and this is not said again."
        )
    return folder


def _doubt_a_lone_class(class_folder: Place) -> None:
    """Warn where the folders in the only class folder may be the classes."""
    here = list_folder(class_folder)
    if len(here.folders) > 1 and not here.images:
        names = [name_of(path) for path in here.folders]
        warn_user(
            f"{class_folder!r} is the only class folder and holds no image itself, but "
            f"the folders {listed(names)}. If these are the classes, name it as root."
        )


def _merged(class_folders: list[Place]) -> list[str]:
    """Say which class folders are one class by another form of their name."""
    names = [name_of(path) for path in class_folders]
    twice = {class_name(n) for n in names if class_name(n) != n} & {*names}
    return [
        f"The folders {name!r} and {other!a} are one class: their names are the same "
        "in two forms of Unicode."
        for name in sorted(twice)
        for other in names
        if class_name(other) == name != other
    ]


def _expect_class_folders(folder: Place, top: Contents) -> None:
    """Raise if the folders in `root` cannot be classes, and say what they are."""
    names = [name_of(path) for path in top.folders]
    if not names:
        images = [name_of(path) for path in top.images]
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


def _what_is_in(
    class_folder: str, skipped: dict[str, list[str]], broken: dict[str, str]
) -> str:
    """Write what a class folder without images holds instead."""
    if not broken:
        return f"{class_folder!r} holds {describe_skipped(skipped)}"
    path, cause = next(iter(broken.items()))
    return (
        f"{class_folder!r} holds {counted(len(broken), 'image')} that cannot be read "
        f"({name_of(path)!r}: {cause})"
    )


def load_image_splits(
    root: Any,
    *,
    groups: Groups = None,
    verify: bool = False,
    allow_empty: bool = False,
) -> Bunch:
    """List the images of a folder that holds train, val and test folders.

    Each of the three holds one folder a class, the same classes in all; see
    :func:`load_image_folder` for what is found in them. The folders are recognised in
    upper or lower case, as ``train`` or ``training``, ``val``, ``valid`` or
    ``validation``, and ``test``.

    A ``test`` or ``val`` folder whose images lie in no class folder, as competitions
    give it out, is left out with a warning; ``predict`` takes its images.

    Parameters
    ----------
    root : str, path-like or ``upath.UPath``
        Folder with the folders of the splits, or an archive or place elsewhere; see
        :func:`load_image_folder`. A leading ``~`` is the home folder.
    groups : "parent", str, :class:`re.Pattern`, path, mapping or None, default=None
        Which images show the same subject; see :func:`load_image_folder`. A warning
        names the groups that are in more than one split.
    verify : bool, default=False
        Open each file, read its header and take those whose header cannot be read
        out of the data; see :func:`load_image_folder`.
    allow_empty : bool, default=False
        Whether class folders may hold no image, and splits have different classes.

    Returns
    -------
    splits : :class:`~sklearn.utils.Bunch`
        With the attributes

        train, val, test : :class:`~sklearn.utils.Bunch`
            What :func:`load_image_folder` returns for each. `val` and `test` are
            absent where their folder is, or has no classes.
        target_names : list of str
            The class names, sorted.
        copies : list of tuple (path, path)
            The images that are, byte for byte, in two splits, the path in the earlier
            one first; a warning counts them. Only files of equal size are read for it.
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
        classes and must, or if one of them is no folder of class folders.

    Examples
    --------
    >>> from skresnet import load_image_splits
    >>> photos = load_image_splits("photos")  # doctest: +SKIP
    >>> photos.train.data, photos.train.target  # doctest: +SKIP
    """
    group_finder(groups)  # which would fail for every split alike
    folder = _unpacked(existing_folder(root))
    folders, others = _split_folders(folder)
    options: Any = {"groups": groups, "verify": verify, "allow_empty": allow_empty}
    splits = {"train": load_image_folder(folders["train"], **options)}
    missing = {
        split: f"missing; no folder named {' or '.join(names)}"
        for split, names in SPLIT_FOLDERS.items()
    }
    for split in [name for name in ("val", "test") if name in folders]:
        path = folders[split]
        if _has_no_classes(path, splits["train"].target_names):
            n_images = len(find_images(path, above=folder_above(folder)).images)
            missing[split] = (
                f"{counted(n_images, 'image')} in {path!r} without the folder of a "
                "class, not loaded; predict takes them"
            )
            warn_user(f"There is no {split!r} split: {missing[split]}.")
        else:
            splits[split] = load_image_folder(path, **options)
    if not allow_empty:
        classes_of = {name: s.target_names for name, s in splits.items()}
        _expect_same_classes(folder, classes_of)
    notes = (
        f"\nFolders that are no splits, not read: {listed(others)}" if others else ""
    )
    return image_splits(repr(folder), splits, missing, notes)


def _has_no_classes(folder: Place, classes: list[str]) -> bool:
    """Tell whether a split is flat, or has all its images in one folder of no class."""
    top = list_folder(folder)
    if len(top.folders) == 1 and not top.images:
        name = name_of(top.folders[0]).lower()
        inner = list_folder(top.folders[0])
        is_class = name in classes or name not in _NO_CLASSES
        return not is_class and bool(inner.images) and not inner.folders
    return bool(top.images) and not top.folders


def _split_folders(folder: Place) -> tuple[dict[str, Place], list[str]]:
    """Find the folder of each split in `root`, and the names of the others."""
    paths = list_folder(folder).folders
    names = [name_of(path) for path in paths]
    folders: dict[str, Place] = {}
    for path, name in zip(paths, names, strict=True):
        split = split_of(name)
        if split in folders:
            raise ValueError(
                f"Two folders in {folder!r} stand for the {split} split: "
                f"{name_of(folders[split])!r} and {name!r}. Keep one of them, or "
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
    return folders, [name for name in names if split_of(name) is None]


def _expect_same_classes(folder: Place, classes_of: dict[str, list[str]]) -> None:
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
            f"{look_alikes(set().union(*classes_of.values()) - train, train)}"
        )

"""Which files in a folder are the cache's, and which of them is in use.

A store file is called ``skresnet-embeddings-v<format>-<generation>.sqlite``. The
format is in the name, where no damaged byte can change it. The highest generation is
the one in use. A store that is beyond use is never renamed or reused, because other
processes may have it open: the next generation begins beside it.
"""

import contextlib
import re
from pathlib import Path

from skresnet.cache.errors import CacheFormatError, CacheUnavailableError

FORMAT = 1
_STORE_NAME = re.compile(r"skresnet-embeddings-v(\d+)-(\d+)\.sqlite")


def store_path(folder: Path, generation: int) -> Path:
    """Name the store file of a generation."""
    return folder / f"skresnet-embeddings-v{FORMAT}-{generation}.sqlite"


def next_path(path: Path) -> Path:
    """Name the store file that follows one that is beyond use."""
    return store_path(path.parent, _generation(path) + 1)


def find_stores(folder: Path) -> list[Path]:
    """List the store files in a folder, the one in use last.

    Raises
    ------
    CacheFormatError
        If the only stores there are of another format.
    CacheUnavailableError
        If the folder cannot be listed.
    """
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CacheUnavailableError(
            f"The embedding cache {folder} cannot be read: {error.strerror}. Expected "
            "a folder that this user may list: choose another one."
        ) from error
    matches = [match for name in names if (match := _STORE_NAME.fullmatch(name))]
    formats = {int(match[1]) for match in matches}
    if formats and FORMAT not in formats:
        raise CacheFormatError(
            f"The folder {folder} holds an embedding cache of format {max(formats)}, "
            f"this version of skresnet reads and writes format {FORMAT}. Choose "
            "another folder, or delete the files skresnet-embeddings-v* in it."
        )
    ours = [folder / match[0] for match in matches if int(match[1]) == FORMAT]
    return sorted(ours, key=_generation)


def make_folder(folder: Path) -> None:
    """Make the folder of a cache unless it is there.

    Raises
    ------
    CacheUnavailableError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheUnavailableError(
            f"The folder {folder} for the embedding cache cannot be made: "
            f"{error.strerror}. Choose a folder that this user may write."
        ) from error


def companions(store: Path) -> list[Path]:
    """List the files that may belong to a store: itself, its log, the log's index.

    The names are SQLite's (https://www.sqlite.org/tempfiles.html).
    """
    suffixes = ("", "-wal", "-shm", "-journal")
    return [store.with_name(store.name + suffix) for suffix in suffixes]


def bytes_on_disk(stores: list[Path]) -> int:
    """Add up the sizes of the stores' files."""
    total = 0
    for store in stores:
        for file in companions(store):
            # Other processes make and remove logs at any moment.
            with contextlib.suppress(FileNotFoundError):
                total += file.stat().st_size
    return total


def _generation(path: Path) -> int:
    match = _STORE_NAME.fullmatch(path.name)
    assert match is not None, path
    return int(match[2])

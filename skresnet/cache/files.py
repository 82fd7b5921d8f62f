"""Where a cache lies: its folder, its files, and what can be wrong with them.

A store file is called ``skresnet-embeddings-v<format>-<generation>.sqlite``. The
format is in the name, where no damaged byte can change it. The highest generation is
the one in use. A store that is beyond use is never renamed or reused, because other
processes may have it open: the next generation begins beside it.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from skresnet.warn import warn_user

FORMAT = 1
_STORE_NAME = re.compile(r"skresnet-embeddings-v(\d+)-(\d+)\.sqlite")

# A batch takes seconds at most. Whoever holds the lock for longer has many others
# before us, or is stopped.
SILENT_SECONDS, PATIENT_SECONDS = 5.0, 30.0
_POLL_SECONDS = 0.005

# The locks of which this process has said that it waits, and those it waited for in
# vain and does not wait for again until it has had them.
_told: set[Path] = set()
_in_vain: set[Path] = set()


class CacheWarning(UserWarning):
    """A cache was damaged or of no use; the answer is right, but computed again."""


class CacheUnavailableError(RuntimeError):
    """The cache cannot be opened, read or written; the text names folder and cause."""


class CacheFormatError(CacheUnavailableError):
    """The folder holds a cache that another version of skresnet wrote."""


class DamagedStoreError(CacheUnavailableError):
    """A store file is broken in its structure; the cache answers it by a fresh one."""


def default_cache_folder() -> Path:
    """Return the folder where the system keeps what programs of this user cache.

    Returns
    -------
    folder : Path
        ``~/.cache/skresnet`` on Linux, or below ``XDG_CACHE_HOME`` where that is set;
        ``~/Library/Caches/skresnet`` on macOS; ``skresnet`` in ``LOCALAPPDATA`` on
        Windows.
    """
    return user_cache_path("skresnet", appauthor=False, opinion=False)


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


@contextlib.contextmanager
def lock(folder: Path, name: str) -> Iterator[bool]:
    """Be the only one in the block among those who use the folder and the name.

    The locks are the operating system's: it takes them back when a process ends,
    however it ends. `EmbeddingCache.lock` says when False is yielded.
    """
    if folder.exists() and not os.access(folder, os.W_OK):
        yield False
        return
    make_folder(folder)
    # Who has the first may go on to wait for the second. A thread that has just left
    # the block finds the first taken by the one who waits, so that they alternate.
    path = folder / f"skresnet-embeddings-{name}.lock"
    following, mine = path.with_suffix(".next.lock"), path
    began = time.monotonic()
    with contextlib.ExitStack() as held:
        with contextlib.ExitStack() as waiting:
            locked = _locked(following, path, began, waiting) and _locked(
                mine, path, began, held
            )
        (_in_vain.discard if locked else _in_vain.add)(path)
        yield locked


def _locked(file: Path, path: Path, began: float, held: contextlib.ExitStack) -> bool:
    """Lock a file, or return False where that is not possible in time."""
    lock = FileLock(file, poll_interval=_POLL_SECONDS)
    for patience in (SILENT_SECONDS, PATIENT_SECONDS):
        left = 0.0 if path in _in_vain else began + patience - time.monotonic()
        try:
            held.enter_context(lock.acquire(timeout=max(0.0, left)))
            return True
        except Timeout:
            if path not in _told:
                _told.add(path)
                warn_user(
                    f"Others have been computing for the embedding cache {path.parent} "
                    f"for {SILENT_SECONDS:g} seconds. This process waits for what they "
                    f"store, {PATIENT_SECONDS:g} seconds at most and once, and then "
                    "computes without it. If they hang, end them.",
                    CacheWarning,
                )
        except (OSError, NotImplementedError):  # this file system has no locks
            return False
    return False


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

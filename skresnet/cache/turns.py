"""Who may compute for a cache: one thread of one process at a time, in turns."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from skresnet.cache.errors import CacheUnavailableError
from skresnet.cache.files import make_folder

try:
    import fcntl
except ImportError:  # Windows, where nobody waits for anybody
    fcntl = None  # type: ignore[assignment]

PATIENCE_SECONDS = 60.0

_PAUSE_SECONDS = 0.005

# Who has the first may go on to wait for the second. A thread that has just finished
# its turn finds the first taken by the one who waits, so that they alternate.
_NEXT, _TURN = "skresnet-embeddings-next.lock", "skresnet-embeddings-turn.lock"


@contextlib.contextmanager
def turn(folder: Path) -> Iterator[bool]:
    """Be the only one in the block among those who use the same folder.

    The locks are the operating system's: it takes them back when a process ends,
    however it ends. Their two empty files stay, because a lock on a file that somebody
    deletes excludes nobody.

    Parameters
    ----------
    folder : Path
        The folder of the cache; made if it is missing.

    Yields
    ------
    bool
        False where the block runs without having a turn: in a folder that cannot be
        written, where nobody will find what others have computed; on a system or file
        system without such locks; and after `PATIENCE_SECONDS` of waiting.

    Raises
    ------
    CacheUnavailableError
        If the folder or the locks cannot be made.
    """
    if fcntl is None or (folder.exists() and not os.access(folder, os.W_OK)):
        yield False
        return
    make_folder(folder)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with contextlib.ExitStack() as held:
        with _file(folder / _NEXT) as following:
            mine = held.enter_context(_file(folder / _TURN))
            has_turn = _locked(following, deadline) and _locked(mine, deadline)
        yield has_turn


@contextlib.contextmanager
def _file(path: Path) -> Iterator[int]:
    """Open a lock's file anew: threads that shared it would share the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
    except OSError as error:
        raise CacheUnavailableError(
            f"The embedding cache {path.parent} cannot be used: {path.name} cannot be "
            f"opened ({error.strerror}). Expected a folder on a local disk that this "
            "user may write: make room, change its permissions or choose another one."
        ) from error
    try:
        yield descriptor
    finally:
        # Closing would leave the lock to a child that was forked in the meantime.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _locked(descriptor: int, deadline: float) -> bool:
    """Lock a file, or return False where that is not possible in time."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE_SECONDS)
        except OSError:  # this file system has no locks
            return False
        else:
            return True

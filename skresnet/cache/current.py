"""The store of a folder that is in use: opened, replaced when damaged, never forked."""

import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from skresnet.cache.errors import (
    CacheUnavailableError,
    CacheWarning,
    DamagedStoreError,
)
from skresnet.cache.files import find_stores, make_folder, next_path, store_path
from skresnet.cache.store import Store
from skresnet.warn import warn_user


class CurrentStore:
    """Leads to the open store of a folder; use it while holding ``one_at_a_time``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store: Store | None = None

    def existing(self) -> Store | None:
        """Return the store, or None where nothing was stored yet."""
        if self._store is not None:
            if self._store.is_in_place():
                return self._store
            self.release()
        stores = find_stores(self._folder)
        return self._open(stores[-1]) if stores else None

    def write(self, action: Callable[[Store], None]) -> None:
        """Do something to the store; made if missing, replaced if beyond use."""
        store = self.existing()
        if store is None:
            make_folder(self._folder)
            store = self._open(store_path(self._folder, 1))
        try:
            action(store)
        except DamagedStoreError as error:
            action(self._begin_anew(store.path, error))

    def release(self) -> None:
        """Close the store; the next use opens it again."""
        if self._store is not None:
            self._finalizer()
            self._store = None

    def _open(self, path: Path) -> Store:
        try:
            return self._use(Store(path))
        except DamagedStoreError as error:
            return self._begin_anew(path, error)

    def _begin_anew(self, damaged: Path, error: DamagedStoreError) -> Store:
        """Leave a store that is beyond use and open the one that follows it."""
        self.release()
        if not os.access(self._folder, os.W_OK):
            raise CacheUnavailableError(
                f"The embedding cache {damaged} is damaged and its folder cannot be "
                "written to begin a fresh one: choose another folder."
            ) from error
        # Another process may have met the damage first.
        newest = find_stores(self._folder)[-1:]
        path = newest[0] if newest and newest[0] != damaged else next_path(damaged)
        warn_user(
            f"{error} It is left as it is and {path.name} is used instead: what it "
            "held will be computed again. EmbeddingCache.clear removes it. Check the "
            "disk if this comes back.",
            CacheWarning,
        )
        return self._use(Store(path))

    def _use(self, store: Store) -> Store:
        self._store = store
        # A cache that is dropped without close gives its files back all the same.
        self._finalizer = weakref.finalize(self, store.close)
        _in_use.add(self)
        return store


# One call at a time in a process, and none while it forks: SQLite's locks belong to
# the process that took them, and a child that inherited an open database would write
# to it without any (https://www.sqlite.org/howtocorrupt.html, section 2.6).
one_at_a_time = threading.RLock()
_in_use: weakref.WeakSet[CurrentStore] = weakref.WeakSet()


def _close_before_fork() -> None:
    one_at_a_time.acquire()
    for current in list(_in_use):
        current.release()
    _in_use.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_close_before_fork,
        after_in_parent=one_at_a_time.release,
        after_in_child=one_at_a_time.release,
    )

"""One store file: a SQLite database of keys and values that may be damaged.

SQLite is asked for what a cache needs: a killed process loses its open transaction and
nothing else, because committed pages are in the operating system's hands. In write-
ahead mode with ``synchronous=NORMAL`` a power cut may also lose the last commits, but
leaves the store sound (https://www.sqlite.org/pragma.html#pragma_synchronous). The file
grows as it is written, locks of killed processes vanish with them, and there is no
size for anyone to configure.
"""

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from skresnet.cache.files import (
    CacheUnavailableError,
    CacheWarning,
    DamagedStoreError,
    find_stores,
    make_folder,
    next_path,
    store_path,
)
from skresnet.warn import warn_user

# How long to wait for other writers, and how long without saying so. Transactions last
# milliseconds; clearing or shrinking a large store lasts seconds.
PATIENT_SECONDS, SILENT_SECONDS = 30.0, 5.0

# The statements here are constant and right: where SQLite finds fault with them ("no
# such table"), or a rule of the tables broken, the file is damaged. All other errors
# (locked, full, no permission) are the surroundings' and leave the file alone.
_DAMAGE = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_INTERNAL,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
}

_SCHEMA = (
    # "used" stands before "value": choosing what to evict need not read the rows.
    "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, used REAL, value BLOB)",
    "CREATE TABLE IF NOT EXISTS settings (key BLOB PRIMARY KEY, text TEXT)",
)

_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'"

# SQLite keeps the count of uses in 31 bits of the file's header.
_MOST_USES = 2**31 - 2

# What an entry takes besides its value, roughly: its key twice, headers.
_ENTRY_OVERHEAD = 128


class Store:
    """An open store file; every method is one transaction.

    Methods raise DamagedStoreError where the file's structure is broken, and
    CacheUnavailableError where its surroundings refuse (full disk, no permission).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Not yet there is not unwritable: the folder decides then.
        self.read_only = not all(
            os.access(needed, os.W_OK)
            for needed in (path.parent, path)
            if needed.exists()
        )
        # A folder that cannot be written has no room for SQLite's log and locks.
        # Reading without them is right as long as nobody writes, and the checksum of
        # each entry guards the rest.
        mode = "mode=ro&immutable=1" if self.read_only else "mode=rwc"
        with self._errors_named():
            self._connection = sqlite3.connect(
                f"{path.as_uri()}?{mode}",
                uri=True,
                timeout=1.0,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        self.close = self._connection.close

    def _prepare(self) -> None:
        connection = self._connection
        # Damaged text must reach the checksum as bytes, not fail to decode before it.
        connection.text_factory = bytes
        # No memory map, whatever SQLite was built with: reading a file that was cut
        # short must raise and not kill the process with SIGBUS.
        connection.execute("PRAGMA mmap_size=0")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        # Before anything is written, be it the mode: a link may lead anywhere.
        tables = {name for (name,) in connection.execute(_TABLES)}
        if tables and tables.isdisjoint({b"entries", b"settings"}):
            raise CacheUnavailableError(
                f"The embedding cache {self.path.parent} cannot be used: "
                f"{self.path.name} is the database of another application. Move it "
                "away or choose another folder."
            )
        if not self.read_only:
            self._enter_write_ahead_mode()
            if not tables:
                with self._writing():
                    for statement in _SCHEMA:
                        connection.execute(statement)
        connection.execute("SELECT key, used, value FROM entries LIMIT 0")
        connection.execute("SELECT key, text FROM settings LIMIT 0")
        status = self.path.stat()
        self._file = (status.st_dev, status.st_ino)

    def _enter_write_ahead_mode(self) -> None:
        # In this mode readers and the one writer do not wait for each other.
        (mode,) = self._patiently("PRAGMA journal_mode=WAL").fetchone()
        # Where the file system cannot do it, SQLite keeps its older journal, which
        # needs the stricter setting to survive a power cut.
        synchronous = "NORMAL" if mode in ("wal", b"wal") else "FULL"
        self._connection.execute(f"PRAGMA synchronous={synchronous}")

    def is_in_place(self) -> bool:
        """Tell whether the path still leads to the open file (nobody deleted it)."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._file

    def read(self, keys: Iterable[bytes]) -> list[object]:
        """Return the value of each key as bytes, or None; b"" if it is unreadable."""
        values: list[object] = []
        with self._errors_named(), self._reading():
            for key in keys:
                try:
                    found = self._connection.execute(
                        "SELECT value FROM entries WHERE key = ?", (key,)
                    ).fetchone()
                except sqlite3.Error as error:
                    if not _is_damage(error):
                        raise
                    found = (b"",)
                if found is None:
                    values.append(None)
                else:
                    values.append(b"" if found[0] is None else found[0])
        return values

    def write(
        self,
        values: Mapping[bytes, bytes],
        settings: tuple[bytes, str],
        touched: Iterable[bytes],
        max_bytes: int | None,
    ) -> None:
        """Store the values; touched entries and these are the most recently used."""
        with self._errors_named():
            with self._writing():
                now = self._next_use()
                self._connection.execute(
                    "INSERT OR REPLACE INTO settings VALUES (?, ?)", settings
                )
                self._touch(touched, now)
                self._connection.executemany(
                    "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
                    ((key, now, value) for key, value in values.items()),
                )
                if max_bytes is not None:
                    self._evict(max_bytes, now)
            # Evicted space is reused, so the file stays about as large as the limit.
            # A much larger one was written under a higher limit.
            if max_bytes is not None and self._file_bytes() > 1.25 * max_bytes:
                with contextlib.suppress(sqlite3.Error):
                    self._shrink()

    def touch(self, keys: Iterable[bytes]) -> None:
        """Make the entries the most recently used."""
        with self._errors_named(), self._writing():
            self._touch(keys, self._next_use())

    def keys(self) -> list[bytes]:
        """Return the key of each entry, as far as they can be read."""
        rows = self._readable("SELECT key FROM entries ORDER BY key")
        return [key for (key,) in rows if isinstance(key, bytes)]

    def settings(self) -> dict[bytes, str]:
        """Return the text of each settings key, as far as they can be read."""
        return {
            key: text.decode(errors="replace")
            for key, text in self._readable("SELECT key, text FROM settings")
            if isinstance(key, bytes) and isinstance(text, bytes)
        }

    def structure(self) -> str:
        """Return "ok", or the first fault that SQLite finds in the file's structure."""
        with self._errors_named():
            try:
                check = self._connection.execute("PRAGMA integrity_check(1)")
                (found,) = check.fetchone()
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise
                return str(error)
        return found.decode(errors="replace")

    def require_sound_structure(self) -> None:
        """Read the whole file; raise DamagedStoreError if its structure has a fault."""
        fault = self.structure()
        if fault != "ok":
            fault = " ".join(fault.split())
            raise DamagedStoreError(
                f"The embedding cache {self.path} is damaged: {fault}."
            )

    def clear(self) -> None:
        """Remove all entries and give their space back to the file system."""
        with self._errors_named():
            with self._writing():
                self._connection.execute("DELETE FROM entries")
                self._connection.execute("DELETE FROM settings")
            self._shrink()

    def _readable(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query up to the first that damage makes unreadable."""
        rows = []
        with self._errors_named(), self._reading():
            try:
                for row in self._connection.execute(query):
                    rows.append(row)
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise
        return rows

    def _next_use(self) -> int:
        """Count on. A clock that is set back would make what is new the oldest."""
        now = self._pragma("user_version") % _MOST_USES + 1
        self._connection.execute(f"PRAGMA user_version = {now}")
        return now

    def _touch(self, keys: Iterable[bytes], now: int) -> None:
        self._connection.executemany(
            "UPDATE entries SET used = ? WHERE key = ?", ((now, key) for key in keys)
        )

    def _evict(self, max_bytes: int, now: int) -> None:
        in_use = self._file_bytes() - self._pragma("freelist_count") * self._pragma(
            "page_size"
        )
        if in_use <= max_bytes:
            return
        # A tenth more than needed: finding the oldest reads the whole list of
        # entries, which must not happen for every batch.
        excess = in_use - 0.9 * max_bytes
        oldest: list[tuple[int]] = []
        # A use that is yet to come is damage, or the time of day that was once kept.
        for row, length in self._connection.execute(
            "SELECT rowid, length(value) FROM entries "
            "ORDER BY CASE WHEN used <= ? THEN used END, rowid",
            (now,),
        ):
            oldest.append((row,))
            excess -= (length or 0) + _ENTRY_OVERHEAD
            if excess <= 0:
                break
        self._connection.executemany("DELETE FROM entries WHERE rowid = ?", oldest)

    def _shrink(self) -> None:
        self._patiently("VACUUM")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _patiently(self, statement: str) -> sqlite3.Cursor:
        """Execute what other writers may keep waiting; say so where that takes long.

        SQLite has a timeout of its own, but does not use it when two processes create
        a store at once, and is silent.
        """
        began, told = time.monotonic(), False
        while True:
            try:
                return self._connection.execute(statement)
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - began
                if _primary_code(error) != sqlite3.SQLITE_BUSY:
                    raise
                if waited > SILENT_SECONDS and not told:
                    told = True
                    warn_user(
                        "Another process has been writing to the embedding cache "
                        f"{self.path.parent} for {SILENT_SECONDS:g} seconds. This one "
                        f"waits for {PATIENT_SECONDS:g} seconds at most. If the other "
                        "hangs, end it.",
                        CacheWarning,
                    )
                if waited > PATIENT_SECONDS:
                    raise
                time.sleep(0.01)

    def _file_bytes(self) -> int:
        return self._pragma("page_count") * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return int(value)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Let what is done inside see one state of the store."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            # Not COMMIT, which complains of damage that the reader has got over.
            self._roll_back()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Commit what is done inside, all of it or nothing."""
        self._patiently("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Turn SQLite's errors into the two that the cache tells apart."""
        try:
            yield
        except sqlite3.Error as error:
            code = _primary_code(error)
            if code is None:
                raise
            # A header can be damaged into the mark of a newer SQLite, whose files
            # this one only reads.
            marked = code == sqlite3.SQLITE_READONLY and not self.read_only
            if _is_damage(error) or marked:
                raise DamagedStoreError(
                    f"The embedding cache {self.path} is damaged: {error}."
                ) from error
            raise CacheUnavailableError(
                f"The embedding cache {self.path.parent} cannot be used: {error} "
                f"({error.sqlite_errorname}, in {self.path.name}). Expected a folder "
                "on a local disk with free space that this user may write: make room, "
                "change its permissions or choose another folder."
            ) from error


def _primary_code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_damage(error: sqlite3.Error) -> bool:
    return _primary_code(error) in _DAMAGE


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

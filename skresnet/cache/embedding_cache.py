"""The cache as its users see it: rows by settings and digest, in a folder."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skresnet.cache.files import (
    CacheUnavailableError,
    CacheWarning,
    bytes_on_disk,
    companions,
    find_stores,
    lock,
)
from skresnet.cache.store import CurrentStore, Store, one_at_a_time
from skresnet.validation import user_path
from skresnet.warn import warn_user

# How many entries may wait for their "recently used" mark before it is written.
_TOUCHED_AT_ONCE = 8192

_ENTRIES_CHECKED_AT_ONCE = 256

_SETTINGS_KEY_BYTES = 16
_CHECKSUM_BYTES = 4
_STORED = np.dtype("<f4")


@dataclass(frozen=True)
class CacheInfo:
    """What a cache holds.

    Attributes
    ----------
    folder : Path
        Where the cache is.
    entries : int
        Number of rows stored.
    bytes_on_disk : int
        Size of all files of the cache in bytes, those set aside included.
    settings : dict of str to int
        Number of rows stored under each settings text.
    set_aside : list of Path
        Store files that were damaged beyond use; ``EmbeddingCache.clear`` removes them.
    """

    folder: Path
    entries: int
    bytes_on_disk: int
    settings: dict[str, int]
    set_aside: list[Path]

    def __str__(self) -> str:
        lines = [
            f"Embedding cache {self.folder}",
            f"  {self.entries:,} entries, {self.bytes_on_disk / 1e6:,.1f} MB on disk",
        ]
        lines += [f"  {number:,}: {text}" for text, number in self.settings.items()]
        lines += [f"  damaged, set aside: {path.name}" for path in self.set_aside]
        return "\n".join(lines)


@dataclass(frozen=True)
class CacheVerification:
    """What ``EmbeddingCache.verify`` found.

    Attributes
    ----------
    sound : int
        Number of entries whose checksum is right.
    damaged : list of (str, bytes)
        Settings text and digest of each entry whose checksum is wrong or that cannot
        be read. They are never returned, and replaced when they are stored again.
    structure : str
        "ok", or the first fault in the structure of the store. With a fault, entries
        may be missing from both of the above.
    """

    sound: int
    damaged: list[tuple[str, bytes]]
    structure: str


class EmbeddingCache:
    """Rows of features that were computed before, kept in a folder.

    Several processes and threads may read and write one folder at once. A row that
    comes back is the row that was stored, bit for bit: each carries a checksum, and a
    damaged one counts as not stored. The folder should be on a local disk; the locks of
    network file systems are not reliable enough for several writers.

    Parameters
    ----------
    folder : str or path-like
        Where the cache lives; made when the first rows are stored. ``~`` is expanded,
        and a relative path is taken from the working directory of this moment. Other
        files in the folder are left alone.
    max_bytes : int or None, default=None
        Limit for the bytes of stored rows. When it is passed, the least recently used
        rows leave until a tenth of it is free. The files may be one ``put_many`` and
        SQLite's log (a few megabytes) larger. None is no limit, and saves the
        bookkeeping of what was used when.

    Raises
    ------
    ValueError
        If ``max_bytes`` is not positive.

    Notes
    -----
    With ``max_bytes``, reading marks rows as used in memory; the marks are written with
    the next ``put_many``, with ``close``, or when 8192 have gathered. A process that is
    killed or never closes the cache loses the last marks, never rows.

    A pickle holds the absolute folder and the limit, and opens the same folder where it
    is loaded. A fork closes the store first, so that nothing open is inherited; parent
    and child open it again on their next use.

    Examples
    --------
    >>> import numpy as np
    >>> from skresnet.cache import EmbeddingCache
    >>> with EmbeddingCache("~/.cache/my-embeddings") as cache:  # doctest: +SKIP
    ...     cache.put_many("ResNet50 avg_pool", {b"digest": np.ones(3, np.float32)})
    ...     cache.get_many("ResNet50 avg_pool", [b"digest", b"other"])
    [array([1., 1., 1.], dtype=float32), None]
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, max_bytes: int | None = None
    ) -> None:
        if max_bytes is not None and max_bytes <= 0:
            raise ValueError(
                f"max_bytes: found {max_bytes}, expected a positive number of bytes, "
                "or None for no limit."
            )
        self.folder = user_path(folder).absolute()
        self.max_bytes = max_bytes
        self._forget()

    def get_many(
        self,
        settings: str,
        digests: Sequence[bytes],
        *,
        n_features: int | None = None,
    ) -> list[NDArray[np.float32] | None]:
        """Return the stored rows.

        Parameters
        ----------
        settings : str
            Canonical text of everything that decides the features besides the picture.
        digests : sequence of bytes
            Digest of each picture, usually 32 bytes.
        n_features : int or None, default=None
            Length that each row must have; a row of another length is damaged. None
            takes any.

        Returns
        -------
        list of (ndarray of shape (n_features,), dtype float32) or None
            One item a digest, in order; the arrays are read-only. None where nothing is
            stored or what is stored is damaged.

        Raises
        ------
        CacheUnavailableError
            If the store cannot be opened or read.
        CacheFormatError
            If another version of skresnet wrote the store.

        Warns
        -----
        CacheWarning
            Once a call if rows are damaged, and if the whole store is.
        """
        prefix = _settings_key(settings)
        keys = [prefix + digest for digest in digests]
        with one_at_a_time:
            store = self._current.existing()
            if store is None:
                return [None] * len(keys)
            values = store.read(keys)
            rows = [
                None if value is None else _unpack(key, value, n_features)
                for key, value in zip(keys, values, strict=True)
            ]
            found = sum(value is not None for value in values)
            damaged = found - sum(row is not None for row in rows)
            if damaged:
                self._damage_seen = True
                warn_user(
                    f"The embedding cache {self.folder} holds {damaged} damaged "
                    f"entries among the {len(keys)} asked for; they count as not "
                    "stored and are replaced when they are stored again. Check the "
                    "disk if this comes back.",
                    CacheWarning,
                )
            if self.max_bytes is not None and not store.read_only:
                self._touched.update(
                    key for key, row in zip(keys, rows, strict=True) if row is not None
                )
                if len(self._touched) >= _TOUCHED_AT_ONCE:
                    self._write_touched()
        return rows

    def put_many(
        self, settings: str, rows: Mapping[bytes, NDArray[np.float32]]
    ) -> None:
        """Store rows in one transaction: all of them or, where it fails, none.

        Once it returns, the rows outlive the end of the process, however it ends.

        Parameters
        ----------
        settings : str
            Canonical text of everything that decides the features besides the picture.
        rows : mapping of bytes to ndarray of shape (n_features,), dtype float32
            The row of each picture's digest; rows stored before are replaced.

        Raises
        ------
        ValueError
            If a row is not a float32 array with one dimension.
        CacheUnavailableError
            If the folder cannot be made or written, or the disk is full.
        CacheFormatError
            If another version of skresnet wrote the store.

        Warns
        -----
        CacheWarning
            If the store was damaged beyond use and a fresh one was begun beside it.
        """
        prefix = _settings_key(settings)
        values = {
            key: _pack(key, row)
            for key, row in ((prefix + digest, row) for digest, row in rows.items())
        }
        if not values:
            return
        with one_at_a_time:
            self._current.write(
                lambda store: self._write_rows(store, (prefix, settings), values)
            )
            self._touched.clear()
            self._damage_seen = False

    def lock(self, settings: str) -> contextlib.AbstractContextManager[bool]:
        """Make a context that one thread of one process at a time is in.

        Processes that compute the same rows look into the cache once they have the
        lock, and find what the others have stored. Those who wait for it alternate.

        Parameters
        ----------
        settings : str
            The settings of the rows; those of others are not locked.

        Returns
        -------
        context manager
            Gives True, or False where nobody is kept out: if the folder cannot be
            written, the file system has no locks, or the wait has lasted for 30
            seconds. A process waits for that long once, even if the one who has the
            lock stays stopped for ever.

        Raises
        ------
        CacheUnavailableError
            On entering, if the folder cannot be made.

        Warns
        -----
        CacheWarning
            Once a process, after 5 seconds of waiting.
        """
        return lock(self.folder, _settings_key(settings).hex())

    def info(self) -> CacheInfo:
        """Count what is stored; print the result to read it.

        Returns
        -------
        CacheInfo

        Raises
        ------
        CacheUnavailableError
            If the store cannot be opened or read.
        CacheFormatError
            If another version of skresnet wrote the store.
        """
        with one_at_a_time:
            store = self._current.existing()
            keys, texts = (
                ([], {}) if store is None else (store.keys(), store.settings())
            )
            stores = find_stores(self.folder)
            numbers: dict[str, int] = {}
            for key in keys:
                text = _settings_text(texts, key)
                numbers[text] = numbers.get(text, 0) + 1
            return CacheInfo(
                folder=self.folder,
                entries=len(keys),
                bytes_on_disk=bytes_on_disk(stores),
                settings=numbers,
                set_aside=stores[:-1],
            )

    def verify(self) -> CacheVerification:
        """Read every entry and compare its checksum.

        Returns
        -------
        CacheVerification

        Raises
        ------
        CacheUnavailableError
            If the store cannot be opened or read.
        CacheFormatError
            If another version of skresnet wrote the store.
        """
        with one_at_a_time:
            store = self._current.existing()
            if store is None:
                return CacheVerification(sound=0, damaged=[], structure="ok")
            keys, texts = store.keys(), store.settings()
            damaged = []
            for start in range(0, len(keys), _ENTRIES_CHECKED_AT_ONCE):
                chunk = keys[start : start + _ENTRIES_CHECKED_AT_ONCE]
                for key, value in zip(chunk, store.read(chunk), strict=True):
                    # None: another process has removed it in the meantime.
                    if value is not None and _unpack(key, value) is None:
                        damaged.append(key)
            structure = store.structure()
            self._damage_seen |= bool(damaged) or structure != "ok"
            return CacheVerification(
                sound=len(keys) - len(damaged),
                damaged=[
                    (_settings_text(texts, key), key[_SETTINGS_KEY_BYTES:])
                    for key in damaged
                ],
                structure=structure,
            )

    def clear(self) -> None:
        """Remove all entries and the store files that were set aside.

        The store is emptied, not deleted, because other processes may have it open;
        once they have closed it, about 20 kB remain.

        Raises
        ------
        CacheUnavailableError
            If the store cannot be opened or written.
        CacheFormatError
            If another version of skresnet wrote the store.
        """
        with one_at_a_time:
            if not find_stores(self.folder):
                return
            self._current.write(Store.clear)
            self._touched.clear()
            for old in find_stores(self.folder)[:-1]:
                for file in companions(old):
                    # Missing, or open in another process on Windows.
                    with contextlib.suppress(OSError):
                        file.unlink()

    def merge(self, *others: str | os.PathLike[str] | Self) -> int:
        """Take in the rows of other caches, such as those of the shards of a job array.

        Rows that are here already stay as they are, and damaged ones are left out. The
        other caches are not changed, and may be in use.

        Parameters
        ----------
        *others : str, path-like or EmbeddingCache
            The other caches, or their folders.

        Returns
        -------
        n_rows : int
            The number of rows that were added.

        Raises
        ------
        CacheUnavailableError
            If a folder does not exist, or a store cannot be opened, read or written.
        CacheFormatError
            If another version of skresnet wrote a store.
        """
        caches = [
            other if isinstance(other, EmbeddingCache) else EmbeddingCache(other)
            for other in others
        ]
        for other in caches:
            if not other.folder.is_dir():
                raise CacheUnavailableError(
                    f"The embedding cache {other.folder} cannot be merged: there is no "
                    "such folder."
                )
        return sum(map(self._take_in, caches))

    def _take_in(self, other: EmbeddingCache) -> int:
        with one_at_a_time:
            store = other._current.existing()
            keys, texts = (
                ([], {}) if store is None else (store.keys(), store.settings())
            )
        added = 0
        by_settings: dict[bytes, list[bytes]] = {}
        for key in keys:
            by_settings.setdefault(key[:_SETTINGS_KEY_BYTES], []).append(key)
        for prefix, own in by_settings.items():
            if prefix not in texts:  # damage has taken what the rows are of
                continue
            for start in range(0, len(own), _ENTRIES_CHECKED_AT_ONCE):
                chunk = own[start : start + _ENTRIES_CHECKED_AT_ONCE]
                added += self._copy(other, (prefix, texts[prefix]), chunk)
        return added

    def _copy(
        self, other: EmbeddingCache, settings: tuple[bytes, str], keys: list[bytes]
    ) -> int:
        with one_at_a_time:
            theirs = other._current.existing()
            ours = self._current.existing()
            found = [None] * len(keys) if theirs is None else theirs.read(keys)
            here = [None] * len(keys) if ours is None else ours.read(keys)
            values = {
                key: value
                for key, value, known in zip(keys, found, here, strict=True)
                if isinstance(value, bytes)
                and _unpack(key, value) is not None
                and _unpack(key, known) is None
            }
            if values:
                self._current.write(
                    lambda store: self._write_rows(store, settings, values)
                )
        return len(values)

    def close(self) -> None:
        """Let the files go; the next use opens them again."""
        with one_at_a_time:
            self._write_touched()
            self._current.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        limit = "" if self.max_bytes is None else f", max_bytes={self.max_bytes}"
        return f"EmbeddingCache({str(self.folder)!r}{limit})"

    def __getstate__(self) -> dict[str, object]:
        return {"folder": self.folder, "max_bytes": self.max_bytes}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._forget()

    def _forget(self) -> None:
        self._current = CurrentStore(self.folder)
        self._touched: set[bytes] = set()
        self._damage_seen = False

    def _write_rows(
        self, store: Store, settings: tuple[bytes, str], values: dict[bytes, bytes]
    ) -> None:
        if self._damage_seen:
            # Where a byte of a row has changed, the structure around it may have too,
            # and a write along broken structure would spread the damage.
            store.require_sound_structure()
        store.write(values, settings, self._touched, self.max_bytes)

    def _write_touched(self) -> None:
        store = self._current.existing() if self._touched else None
        if store is not None:
            # Only the order of eviction is lost, which is no reason to fail a reader.
            with contextlib.suppress(CacheUnavailableError):
                store.touch(self._touched)
        self._touched.clear()


def _settings_text(texts: dict[bytes, str], key: bytes) -> str:
    return texts.get(key[:_SETTINGS_KEY_BYTES], "(unknown settings)")


def _settings_key(settings: str) -> bytes:
    """Hash the settings text to the 16 bytes that begin the key of each entry."""
    return blake2b(settings.encode(), digest_size=_SETTINGS_KEY_BYTES).digest()


def _pack(key: bytes, row: NDArray[np.float32]) -> bytes:
    """Turn a float32 row of shape (n_features,) into the bytes that are stored."""
    if not isinstance(row, np.ndarray) or row.ndim != 1 or row.dtype != np.float32:
        found = (
            f"{row.dtype} of shape {row.shape}"
            if isinstance(row, np.ndarray)
            else type(row).__name__
        )
        raise ValueError(
            f"rows: expected float32 arrays of shape (n_features,), found {found} for "
            f"the digest {key[_SETTINGS_KEY_BYTES:].hex()}. Other dtypes would not "
            "come back as they went in: convert the row before storing it."
        )
    payload = row.astype(_STORED, copy=False).tobytes()
    return _checksum(key, payload) + payload


def _unpack(
    key: bytes, value: Any, n_features: int | None = None
) -> NDArray[np.float32] | None:
    """Turn stored bytes into a read-only row, or None where they are damaged.

    A row of another length than asked for has been put there by somebody else.
    """
    if not isinstance(value, bytes):
        return None
    payload = memoryview(value)[_CHECKSUM_BYTES:]
    if _checksum(key, payload) != value[:_CHECKSUM_BYTES] or len(payload) % 4:
        return None
    row = np.frombuffer(payload, _STORED).astype(np.float32, copy=False)
    return row if n_features in (None, len(row)) else None


def _checksum(key: bytes, payload: bytes | memoryview) -> bytes:
    # The key is part of it: a row that damage has moved under another picture's key
    # must not pass. CRC-32 finds every change within 32 bits in a row and misses one
    # in 2**32 of the others; a cryptographic hash would be most of the reading time.
    return zlib.crc32(payload, zlib.crc32(key)).to_bytes(_CHECKSUM_BYTES, "little")

"""One entry of the store: its key, and a row of features with its checksum."""

import zlib
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

SETTINGS_KEY_BYTES = 16
_CHECKSUM_BYTES = 4
_STORED = np.dtype("<f4")


def settings_key(settings: str) -> bytes:
    """Hash the settings text to the 16 bytes that begin the key of each entry."""
    return blake2b(settings.encode(), digest_size=SETTINGS_KEY_BYTES).digest()


def pack(key: bytes, row: NDArray[np.float32]) -> bytes:
    """Turn a float32 row of shape (n_features,) into the bytes that are stored."""
    if not isinstance(row, np.ndarray) or row.ndim != 1 or row.dtype != np.float32:
        found = (
            f"{row.dtype} of shape {row.shape}"
            if isinstance(row, np.ndarray)
            else type(row).__name__
        )
        raise ValueError(
            f"rows: expected float32 arrays of shape (n_features,), found {found} for "
            f"the digest {key[SETTINGS_KEY_BYTES:].hex()}. Other dtypes would not come "
            "back as they went in: convert the row before storing it."
        )
    payload = row.astype(_STORED, copy=False).tobytes()
    return _checksum(key, payload) + payload


def unpack(
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

"""Embeddings that were computed before: bytes in, float32 rows out.

The store is one SQLite file in the folder the user names. LMDB was the other candidate
and is faster: 250,000 against 140,000 rows of 2048 float32 read in a second (20,000
rows in batches of 256, warm, checksums compared; computing one costs milliseconds).
But LMDB maps the file into memory and trusts its pages, so damage can end the process
that reads it. What became of processes that read and rewrote every entry of a damaged
store, each its own copy:

==================================  ==========================  =====================
Damage                              LMDB (py-lmdb 3.0)          SQLite 3.40
==================================  ==========================  =====================
one byte, outside the rows          1 process of 3,500 killed   0 of 1,000 killed
two pages exchanged                 4 of 400 killed             0 of 400 killed
file cut at a random place          379 of 400 killed           0 of 400 killed
==================================  ==========================  =====================

Neither returned a wrong row, thanks to the checksum of each entry. 3,000 copies of this
cache's own store, damaged in these ways or with a page of zeros, gave no wrong row and
killed nothing, and each held all rows again after they were stored again. SQLite also
needs no size of a memory map, no watch over killed readers, and 8.6 instead of 12.4 kB
a row.
"""

from skresnet.cache.embedding_cache import (
    CacheInfo,
    CacheVerification,
    EmbeddingCache,
)
from skresnet.cache.files import (
    CacheFormatError,
    CacheUnavailableError,
    CacheWarning,
    default_cache_folder,
)

__all__ = [
    "CacheFormatError",
    "CacheInfo",
    "CacheUnavailableError",
    "CacheVerification",
    "CacheWarning",
    "EmbeddingCache",
    "default_cache_folder",
]

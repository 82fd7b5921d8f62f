"""What can go wrong with a cache, by name."""


class CacheWarning(UserWarning):
    """A cache was damaged or of no use; the answer is right, but computed again."""


class CacheUnavailableError(RuntimeError):
    """The cache cannot be opened, read or written; the text names folder and cause."""


class CacheFormatError(CacheUnavailableError):
    """The folder holds a cache that another version of skresnet wrote."""


class DamagedStoreError(CacheUnavailableError):
    """A store file is broken in its structure; the cache answers it by a fresh one."""

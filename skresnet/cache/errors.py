"""What can go wrong with a cache, by name."""

import sys
import warnings


class CacheWarning(UserWarning):
    """Part of a cache was damaged; the answer is right, but must be computed again."""


class CacheUnavailableError(RuntimeError):
    """The cache cannot be opened, read or written; the text names folder and cause."""


class CacheFormatError(CacheUnavailableError):
    """The folder holds a cache that another version of skresnet wrote."""


class DamagedStoreError(CacheUnavailableError):
    """A store file is broken in its structure; the cache answers it by a fresh one."""


def warn_of_damage(text: str) -> None:
    """Warn, pointing at the line outside this package that led here."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("skresnet."):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, CacheWarning, stacklevel=level)

"""What a cache tells about itself."""

from dataclasses import dataclass
from pathlib import Path


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

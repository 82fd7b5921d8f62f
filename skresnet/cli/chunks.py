"""Many pictures, some at a time, with news of how far it is."""

from __future__ import annotations

from collections.abc import Iterator

# Enough for the threads that read to stay ahead of the network nearly always, few
# enough for a bar that moves; 2 MB of features at 2048 a picture.
AT_ONCE = 256


def chunks(paths: list[str], *, silent: bool = False) -> Iterator[list[str]]:
    """Hand out paths, with a bar on standard error where that is a terminal.

    Memory stays the same for any number of pictures, except for their paths.
    """
    from tqdm.auto import tqdm

    with tqdm(
        total=len(paths), unit="picture", disable=True if silent else None
    ) as progress:
        for start in range(0, len(paths), AT_ONCE):
            chunk = paths[start : start + AT_ONCE]
            yield chunk
            progress.update(len(chunk))

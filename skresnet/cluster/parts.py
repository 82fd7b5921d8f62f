"""A folder of parts, written by many, and how a part of the pictures is made.

A part is there under its name once it is whole, and the name tells which pictures it
is of: that is all there is to know of what was done, whoever stopped and when.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

from skresnet.cluster.collections import limit_to_worker
from skresnet.datasets.elsewhere import Place, entries, is_elsewhere
from skresnet.datasets.streaming import Listing, Part
from skresnet.embedding import EmbeddingSettings, embed
from skresnet.feature_tables import KNOWN, feature_schema, feature_table, text_column
from skresnet.reading import as_pictures

UNREADABLE: Final = "_unreadable"
"""The folder of the tables of what cannot be read.

Who reads a folder of Parquet passes over names that begin with an underscore.
"""

_DESCRIPTION = "_skresnet.json"
_NAME = re.compile(r"part-(\d{6,})-[0-9a-f]{8}\.parquet")
_UNFINISHED = ".unfinished"
_ABANDONED_AFTER = 3600.0  # seconds, in which any part is written
# Here, a file is there at once or not at all; elsewhere it is renamed once it is whole.
_WHOLE_AT_ONCE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "memory"}
# Rows that training reads at once.
_ROW_GROUP = 256


@dataclass(frozen=True)
class PartsFolder:
    """Where parts are written to.

    Parameters
    ----------
    place : str or upath.UPath
        The folder, as a str on this disk.
    """

    place: Place

    def describe(self, description: Mapping[str, Any], *, force: bool) -> None:
        """Begin the folder, or make sure that it was begun for the same rows.

        Parameters
        ----------
        description : mapping
            What all parts have in common, to be written as JSON.

        force : bool
            Whether parts that were made in another way are removed.

        Raises
        ------
        ValueError
            If what is there is not to be gone on with.
        """
        text = json.dumps(description, indent=1, sort_keys=True).encode()
        there = self._names("")
        if _DESCRIPTION in there:
            with self._open(_DESCRIPTION) as file:
                found = file.read()
            if found == text:
                return
            if not force:
                raise ValueError(
                    f"{self.place} holds features that were made in another way "
                    f"({_differences(found, description)}). Choose another folder, or "
                    "replace them with --force."
                )
            self.remove(self.parts())
            self.remove(self.unreadable(), UNREADABLE)
        elif others := [name for name in there if not name.startswith(".")]:
            raise ValueError(
                f"{self.place} holds files that are no parts, such as "
                f"{min(others)!r}: choose another folder."
            )
        self.write(_DESCRIPTION, text)

    def remove_abandoned(self) -> None:
        """Remove files that processes which were killed have not finished."""
        if is_elsewhere(self.place):
            return
        for folder in (Path(self.place), Path(self.place, UNREADABLE)):
            for file in folder.glob(f".*{_UNFINISHED}"):
                with suppress(FileNotFoundError):  # finished at this moment
                    if time.time() - file.stat().st_mtime > _ABANDONED_AFTER:
                        file.unlink()

    def parts(self) -> set[str]:
        """List the names of the parts that are whole."""
        return {name for name in self._names("") if _NAME.fullmatch(name)}

    def unreadable(self) -> set[str]:
        """List the parts that have pictures that cannot be read."""
        return {name for name in self._names(UNREADABLE) if _NAME.fullmatch(name)}

    def write(self, name: str, content: bytes, below: str = "") -> None:
        """Put a file in place, whole or not at all."""
        if is_elsewhere(self.place):
            self._write_elsewhere(name, content, below)
            return
        folder = Path(self.place, below)
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(_UNFINISHED, ".", folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            # As any new file in this folder, which those of mkstemp are not.
            Path(unfinished).chmod(folder.stat().st_mode & 0o666)
            Path(unfinished).replace(folder / name)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise

    def _write_elsewhere(self, name: str, content: bytes, below: str) -> None:
        file_system, path = self._elsewhere(below)
        file_system.makedirs(path, exist_ok=True)
        protocol = file_system.protocol
        protocols = {protocol} if isinstance(protocol, str) else {*protocol}
        if protocols & _WHOLE_AT_ONCE:
            file_system.pipe_file(f"{path}/{name}", content)
            return
        unfinished = f"{path}/.{name}{os.urandom(4).hex()}{_UNFINISHED}"
        file_system.pipe_file(unfinished, content)
        file_system.mv(unfinished, f"{path}/{name}")

    def remove(self, names: Collection[str], below: str = "") -> None:
        """Remove parts, which others may do at the same time."""
        for name in names:
            with suppress(FileNotFoundError):
                if is_elsewhere(self.place):
                    file_system, path = self._elsewhere(below)
                    file_system.rm_file(f"{path}/{name}")
                else:
                    Path(self.place, below, name).unlink()

    def n_unreadable(self, name: str) -> int:
        """Tell how many pictures of a part cannot be read."""
        import pyarrow.parquet

        with self._open(name, UNREADABLE) as file:
            return int(pyarrow.parquet.ParquetFile(file).metadata.num_rows)

    def _names(self, below: str) -> list[str]:
        try:
            if is_elsewhere(self.place):
                folder = self.place / below if below else self.place
                folder.fs.invalidate_cache()
                return [entry.name for entry in entries(folder)]
            return os.listdir(Path(self.place, below))  # noqa: PTH208 - names, and quickly
        except FileNotFoundError:
            return []

    def _open(self, name: str, below: str = "") -> Any:
        if is_elsewhere(self.place):
            file_system, path = self._elsewhere(below)
            return file_system.open(f"{path}/{name}", "rb")
        return Path(self.place, below, name).open("rb")

    def _elsewhere(self, below: str) -> tuple[Any, str]:
        folder = self.place / below if below else self.place
        return folder.fs, str(folder.path).rstrip("/")


def number_of(name: str) -> int:
    """Tell the number of a part from its name."""
    match = _NAME.fullmatch(name)
    assert match is not None, name
    return int(match[1])


def _differences(found: bytes, description: Mapping[str, Any]) -> str:
    try:
        before = json.loads(found)
    except ValueError:
        return "its description is damaged"
    told = []
    for name in sorted({*before, *description}):
        then, now = before.get(name), description.get(name)
        if isinstance(then, dict) and isinstance(now, dict):
            told += [
                f"{key} was {then.get(key)!r} and is {now.get(key)!r}"
                for key in sorted({*then, *now})
                if then.get(key) != now.get(key)
            ]
        elif then != now:
            told.append(f"{name} was {then!r} and is {now!r}")
    return "; ".join(told[:4])


class Made(NamedTuple):
    """What became of a part."""

    n_unreadable: int
    n_cached: int


@dataclass(frozen=True)
class PartMaker:
    """All that is needed to make any part, wherever: a small description.

    Parameters
    ----------
    settings : EmbeddingSettings
        How pictures become rows.

    folder : PartsFolder
        Where parts are written to.

    metadata : mapping of bytes to bytes
        What the files say of the embedder.
    """

    settings: EmbeddingSettings
    folder: PartsFolder
    metadata: Mapping[bytes, bytes]

    def make(self, part: Part) -> Made:
        """Embed the pictures and write the part.

        Parameters
        ----------
        part : Part
            The pictures.
        """
        limit_to_worker()
        listed = part.pictures
        embedded = embed(
            as_pictures([picture.path for picture in listed]),
            self.settings,
            in_turns=False,  # no other part has the same pictures
        )
        # Before the part, with which all is done.
        if embedded.failures:
            failed = [listed[failure.position] for failure in embedded.failures]
            causes = [failure.cause for failure in embedded.failures]
            self.folder.write(part.name, _unreadable(failed, causes), UNREADABLE)
        else:  # perhaps another time, by somebody who was stopped
            self.folder.remove([part.name], UNREADABLE)
        kept = embedded.readable.tolist()
        table = feature_table(
            feature_schema(self.settings.backbone.n_features, self.metadata),
            _columns([listed[row] for row in kept]),
            [embedded.digests[row] for row in kept],
            embedded.rows[kept],
        )
        self.folder.write(part.name, _content(table))
        return Made(len(embedded.failures), embedded.n_cached)


def _unreadable(pictures: Sequence[Listing], causes: Sequence[str]) -> bytes:
    import pyarrow

    columns = [*_columns(pictures), causes]
    return _content(
        pyarrow.table([*map(text_column, columns)], names=[*KNOWN, "cause"])
    )


def _columns(pictures: Sequence[Listing]) -> list[list[Any]]:
    return [[picture[column] for picture in pictures] for column in range(len(KNOWN))]


def _content(table: Any) -> bytes:
    import pyarrow.parquet

    file = BytesIO()
    pyarrow.parquet.write_table(
        table,
        file,
        row_group_size=_ROW_GROUP,
        use_dictionary=["class", "split", "group"],
    )
    return file.getvalue()

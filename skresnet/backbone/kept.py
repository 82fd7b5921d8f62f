"""Networks kept on disk for the next process, beside the embeddings of the command.

What lies there is read only where it is this user's own: a folder or a file that
others may write to is not used. Each file begins with the digest of the rest, so that
one that is damaged is made anew. Nothing that goes wrong there is an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from skresnet.backbone.settings import BackboneSettings
from skresnet.validation import user_path

# The folder, or nothing to keep no networks.
FOLDER_VARIABLE = "SKRESNET_COMPILED_NETWORKS"

# The networks used last, of each ending; ResNet50's take 94 MB each in float32,
# EfficientNet-Lite0's 14.
KEPT = 3

_DIGEST_BYTES = 32


def folder_of_networks() -> Path | None:
    """Return the folder of kept networks; None where none are to be kept."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen is None:
        return user_cache_path("skresnet", appauthor=False, opinion=False) / "compiled"
    return user_path(chosen) if chosen else None


def private_folder(settings: BackboneSettings) -> Path | None:
    """Return where a network may be kept, made if needed; None for nowhere.

    Random weights are not kept.
    """
    folder = None if settings.weights.path is None else folder_of_networks()
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if _is_own(folder.stat()) else None
    except OSError:
        return None


def network_key(settings: BackboneSettings, *made_by: Any) -> str:
    """Return the name of a network's file, by all that decides what is in it.

    Parameters
    ----------
    settings : BackboneSettings
        What the network computes.

    *made_by : object that JSON knows
        Versions, and what a file depends on besides.
    """
    decisive: dict[str, Any] = asdict(settings)
    # Equal weights are equal wherever their file lies.
    decisive["weights"] = [settings.weights.network, settings.weights.digest]
    decisive["made by"] = [*made_by, platform.machine()]
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_own(state: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):  # Windows: the folder lies in the user's profile
        return True
    others = stat.S_IWGRP | stat.S_IWOTH
    return state.st_uid == os.getuid() and not state.st_mode & others


def read(path: Path) -> NDArray[np.uint8] | None:
    """Return what was kept; None if there is nothing, or nothing to rely on.

    The file is mapped: to copy 94 MB takes as long as to import them.
    """
    try:
        with path.open("rb") as file:
            if not _is_own(os.fstat(file.fileno())):
                return None
            # OpenVINO wants to be able to write; what it writes never gets to the file.
            whole = np.memmap(file, np.uint8, "c")
    except (OSError, ValueError):  # there is none, or it is empty
        return None
    digest, content = whole[:_DIGEST_BYTES], whole[_DIGEST_BYTES:]
    found = hashlib.sha256(content.data).digest()
    return content if found == digest.tobytes() else None


def mark_used(path: Path) -> None:
    """Make a file one of those used last."""
    with suppress(OSError):
        os.utime(path)


def write(path: Path, content: bytes) -> None:
    """Keep a network, and no more than a few; what cannot be written is not kept."""
    with suppress(OSError):
        _write(path, content)
        _forget_oldest(path.parent, path.suffix)


def _write(path: Path, content: bytes) -> None:
    """Put a file in place at once: another process never sees half of it."""
    descriptor, name = tempfile.mkstemp(".unfinished", path.stem, path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _forget_oldest(folder: Path, ending: str) -> None:
    """Remove all but the networks used last, and what was never finished."""
    by_age = sorted(folder.glob(f"*{ending}"), key=_age)
    abandoned = [path for path in folder.glob("*.unfinished") if _age(path) > 3600]
    for path in [*by_age[KEPT:], *abandoned]:
        path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def as_bytes(exported: Any) -> bytes:
    """Return what OpenVINO exports, as bytes or as a stream, as bytes."""
    return exported if isinstance(exported, bytes) else exported.getvalue()

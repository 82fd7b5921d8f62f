"""Networks that OpenVINO has compiled before, kept on disk for the next process.

To read 94 MB of weights, fold the normalisations into them and put them in OpenVINO's
order takes a process longer than all else that a prediction needs. What comes of it
depends on nothing but the settings, so it is kept: one file a network, beside the
embeddings that the command keeps.

What lies there is read only where it is this user's own: a folder or a file that
others may write to is not used. Each file begins with the digest of the rest, and one
that is damaged, or that OpenVINO does not take, is made anew. Nothing that goes wrong
here is an error: the network is then compiled from its weights.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from skresnet.backbone.settings import BackboneSettings
from skresnet.base import installed_version

# The folder, or nothing to keep no networks.
FOLDER_VARIABLE = "SKRESNET_COMPILED_NETWORKS"

# The networks used last; ResNet50's take 94 MB each, EfficientNet-Lite0's 14.
KEPT = 3

_ENDING = ".openvino"
_DIGEST_BYTES = 32


def compiled_folder() -> Path | None:
    """Return the folder of compiled networks; None where none are to be kept."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen is None:
        return user_cache_path("skresnet", appauthor=False, opinion=False) / "compiled"
    return Path(chosen).expanduser() if chosen else None


def compiled_once(
    settings: BackboneSettings,
    device: str,
    compile_model: Callable[[], Any],
    import_model: Callable[[bytes], Any],
) -> Any:
    """Return a compiled network: as it was kept, or compiled now and then kept.

    Parameters
    ----------
    settings : BackboneSettings
        Of the network. Random weights are not kept.

    device : str
        All that decides what OpenVINO compiles besides: its version, the processor.

    compile_model, import_model : callable
        The two ways to it.
    """
    folder = None if settings.weights.path is None else compiled_folder()
    if folder is None or not _is_private(folder):
        return compile_model()
    path = folder / f"{_key(settings, device)}{_ENDING}"
    content = _read(path)
    if content is not None:
        try:
            compiled = import_model(content)
        except RuntimeError:  # OpenVINO's only one
            pass
        else:
            with suppress(OSError):
                os.utime(path)
            return compiled
    compiled = compile_model()
    with suppress(OSError):
        _write(path, compiled.export_model())
        _forget_oldest(folder)
    return compiled


def _key(settings: BackboneSettings, device: str) -> str:
    decisive: dict[str, Any] = asdict(settings)
    # Equal weights are equal wherever their file lies.
    decisive["weights"] = [settings.weights.network, settings.weights.digest]
    decisive["made by"] = [installed_version("skresnet"), device, platform.machine()]
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_private(folder: Path) -> bool:
    """Tell whether a folder is this user's alone to write to, and make it if needed."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _is_own(folder.stat())
    except OSError:
        return False


def _is_own(state: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):  # Windows: the folder lies in the user's profile
        return True
    others = stat.S_IWGRP | stat.S_IWOTH
    return state.st_uid == os.getuid() and not state.st_mode & others


def _read(path: Path) -> bytes | None:
    """Return what was kept; None if there is nothing, or nothing to rely on."""
    try:
        with path.open("rb") as file:
            if not _is_own(os.fstat(file.fileno())):
                return None
            digest, content = file.read(_DIGEST_BYTES), file.read()
    except OSError:
        return None
    return content if hashlib.sha256(content).digest() == digest else None


def _write(path: Path, content: Any) -> None:
    """Put a file in place at once: another process never sees half of it."""
    whole = content if isinstance(content, bytes) else content.getvalue()
    descriptor, name = tempfile.mkstemp(".unfinished", path.stem, path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(whole).digest())
            file.write(whole)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _forget_oldest(folder: Path) -> None:
    """Remove all but the networks used last, and what was never finished."""
    by_age = sorted(folder.glob(f"*{_ENDING}"), key=_age)
    abandoned = [path for path in folder.glob("*.unfinished") if _age(path) > 3600]
    for path in [*by_age[KEPT:], *abandoned]:
        path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime

"""Fetch Debian packages and unpack them, without installing anything."""

from __future__ import annotations

import subprocess
from pathlib import Path


class PackageError(Exception):
    """A package could not be fetched or unpacked; the message says why."""


def fetch(package: str, folder: Path) -> Path:
    """Return the package's .deb in the folder, downloading it if it is not there.

    Raises
    ------
    PackageError
        If `apt-get` is missing or fails.
    """
    found = sorted(folder.glob(f"{package}_*.deb"))
    if not found:
        folder.mkdir(parents=True, exist_ok=True)
        _run(["apt-get", "download", package], folder, package)
        found = sorted(folder.glob(f"{package}_*.deb"))
    if not found:
        raise PackageError(f"{package}: apt-get download left no {package}_*.deb.")
    return found[-1]


def version(deb: Path) -> str:
    """Return the version that the .deb itself states."""
    return _run(["dpkg-deb", "-f", deb.name, "Version"], deb.parent, deb.name).strip()


def unpack(deb: Path, folder: Path) -> None:
    """Unpack the files of the .deb into the folder."""
    _run(["dpkg-deb", "-x", deb.name, str(folder.resolve())], deb.parent, deb.name)


def _run(command: list[str], folder: Path, subject: str) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        raise PackageError(
            f"{subject}: there is no {command[0]} here. Run this on Debian or Ubuntu, "
            "or give pictures of your own with --folder."
        ) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        advice = " Try `apt-get update` first." if command[0] == "apt-get" else ""
        raise PackageError(
            f"{subject}: {' '.join(command[:2])} failed: {lines[-1]}{advice}"
        )
    return done.stdout

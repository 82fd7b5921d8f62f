"""Tell whether the wheel and the source distribution hold what they should.

    python -m build --outdir dist && python tools/check_distributions.py dist

The wheel holds the package and nothing else; the source distribution holds what its
readers need to test it and to build its documentation as well.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
IN_SOURCE = (
    "*.md",
    "LICENSE",
    "pyproject.toml",
    "tests/**/*.py",
    "docs/*.*",
    "docs/_static/*",
    "examples/*",
    "benchmarks/**/*.py",
    "tools/**/*.py",
)


def files(*patterns: str) -> set[str]:
    """List the files of the checkout that match a pattern, caches left out."""
    return {
        path.relative_to(ROOT).as_posix()
        for pattern in patterns
        for path in ROOT.glob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }


def complaints(folder: Path) -> list[str]:
    """Compare the distributions in a folder with the checkout."""
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as file:
        in_wheel = {name for name in file.namelist() if ".dist-info/" not in name}
    with tarfile.open(source) as file:
        paths = [Path(member.name).parts for member in file if member.isfile()]
        in_source = {"/".join(parts[1:]) for parts in paths}
    package = files("skresnet/**/*")
    wanted = package | files(*IN_SOURCE)
    return [
        *(f"{wheel.name} lacks {name}" for name in sorted(package - in_wheel)),
        *(f"{wheel.name} has {name}" for name in sorted(in_wheel - package)),
        *(f"{source.name} lacks {name}" for name in sorted(wanted - in_source)),
    ]


if __name__ == "__main__":
    found = complaints(Path(sys.argv[1]))
    print("\n".join(found) or "Both distributions hold what they should.")
    sys.exit(bool(found))

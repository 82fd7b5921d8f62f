"""The collection of files of every kind, against the decoders of others."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

for library in ("tifffile", "imagecodecs", "png", "cv2", "pillow_heif"):
    pytest.importorskip(library)


def test_no_file_of_any_kind_shows_other_pixels_than_it_has():
    command = [sys.executable, str(ROOT / "tools" / "check_decoding.py")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert ", 0 wrong" in ended.stdout.splitlines()[-1]

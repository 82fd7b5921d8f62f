"""Small folders of images, made for one test each."""

import hashlib
import os
from pathlib import Path

from PIL import Image


def draw_image(path: Path, colour: str | None = None) -> str:
    """Draw an image in a colour that no other path has, unless one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = "#" + hashlib.sha256(os.fsencode(path)).hexdigest()[:6]
    Image.new("RGB", (4, 3), colour or own).save(path)
    return str(path)


def draw_tree(root: Path, *names: str) -> Path:
    for name in names:
        draw_image(root / name)
    return root

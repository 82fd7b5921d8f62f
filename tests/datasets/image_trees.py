"""Small folders of images, made for one test each."""

from pathlib import Path

from PIL import Image


def draw_image(path: Path, colour: str = "red") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3), colour).save(path)
    return str(path)


def draw_tree(root: Path, *names: str) -> Path:
    for name in names:
        draw_image(root / name)
    return root

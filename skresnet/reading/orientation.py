"""Which way up a picture is to be seen."""

from typing import Final

from PIL import ExifTags, Image

# Exif 2.32, tag 0x0112: what undoes each way of having held the camera.
_UNDOING: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image) -> Image.Image:
    """Turn a loaded picture the way its EXIF orientation says."""
    # ImageOps.exif_transpose does the same, then rewrites the metadata, which nobody
    # reads here and which fails where the metadata are damaged.
    undoing = _UNDOING.get(_orientation(image))
    return image if undoing is None else image.transpose(undoing)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Give the (width, height) of a picture as it will be once upright."""
    width, height = image.size
    return (height, width) if _orientation(image) in (5, 6, 7, 8) else (width, height)


def _orientation(image: Image.Image) -> int:
    """Read the orientation, 1 where there is none that makes sense."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Damaged metadata raise almost anything, and say nothing about the pixels.
        return 1
    return orientation if isinstance(orientation, int) else 1

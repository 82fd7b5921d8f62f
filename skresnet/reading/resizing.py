"""The size of the picture the network sees, and the ways to reach it."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from PIL import Image

_FILTERS: Final = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "hamming": Image.Resampling.HAMMING,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}

INTERPOLATIONS: Final = tuple(_FILTERS)
"""Names of the resampling filters, those of ``keras.utils.load_img``."""

ASPECTS: Final = ("stretch", "crop", "pad")
"""Names of the ways to bring a picture of another aspect ratio to ``input_size``."""

_BLACK: Final = 0

_Size: TypeAlias = tuple[int, int]
_Box: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True)
class Resizing:
    """How a decoded picture becomes one of ``input_size``.

    Parameters
    ----------
    input_size : tuple of int, default=(224, 224)
        Height and width in pixels of the result.
    interpolation : str, default="bilinear"
        One of `INTERPOLATIONS`: Pillow's filter of that name, which when shrinking
        averages over all pixels covered (except "nearest").
    aspect : {"stretch", "crop", "pad"}, default="stretch"
        "stretch" resizes to ``input_size`` whatever the aspect ratio; "crop" keeps the
        largest centred part with the aspect ratio of ``input_size``, the same one as
        ``keras.utils.load_img(keep_aspect_ratio=True)``; "pad" shows the whole picture
        centred on black.
    scaled_decoding : bool, default=True
        Let the JPEG decoder deliver 1/2, 1/4 or 1/8 of the size where that still
        covers what is needed. Faster on large photos, and not to the bit what full
        decoding gives. Never done with interpolation "nearest".

    Raises
    ------
    ValueError
        If a parameter is none of these.
    """

    input_size: tuple[int, int] = (224, 224)
    interpolation: str = "bilinear"
    aspect: str = "stretch"
    scaled_decoding: bool = True

    def __post_init__(self) -> None:
        if len(self.input_size) != 2 or min(self.input_size) < 1:
            raise ValueError(
                f"input_size is {self.input_size!r}; expected the height and width in "
                "pixels, two positive integers such as (224, 224)"
            )
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"interpolation is {self.interpolation!r}; "
                f"expected one of {', '.join(INTERPOLATIONS)}"
            )
        if self.aspect not in ASPECTS:
            raise ValueError(
                f"aspect is {self.aspect!r}; expected one of {', '.join(ASPECTS)}"
            )


def resized(image: Image.Image, resizing: Resizing) -> Image.Image:
    """Bring an upright picture to the size asked for, unless it has that already."""
    height, width = resizing.input_size
    box, inner = layout(image.size, resizing)
    if image.size != (width, height):
        filter_ = _FILTERS[resizing.interpolation]
        image = image.resize(inner, filter_, box=box)
    if inner != (width, height):
        canvas = Image.new(image.mode, (width, height), _BLACK)
        canvas.paste(image, ((width - inner[0]) // 2, (height - inner[1]) // 2))
        image = canvas
    return image


def decoding_scale(size: _Size, resizing: Resizing) -> int:
    """Tell by how much a JPEG of this upright (width, height) may shrink as decoded."""
    if not resizing.scaled_decoding or resizing.interpolation == "nearest":
        return 1
    (left, top, right, bottom), (width, height) = layout(size, resizing)
    room = min((right - left) // width, (bottom - top) // height)
    return next((scale for scale in (8, 4, 2) if scale <= room), 1)


def layout(size: _Size, resizing: Resizing) -> tuple[_Box, _Size]:
    """Find the part taken of a picture of a (width, height), and what becomes of it.

    Returns
    -------
    box : tuple of int
        Left, top, right and bottom of the part that is taken.
    inner : tuple of int
        The (width, height) that it gets, in the middle of the result.
    """
    width, height = size
    target_height, target_width = resizing.input_size
    if resizing.aspect == "crop":
        crop_width = max(1, min(width, height * target_width // target_height))
        crop_height = max(1, min(height, width * target_height // target_width))
        left, top = (width - crop_width) // 2, (height - crop_height) // 2
        box = (left, top, left + crop_width, top + crop_height)
        return box, (target_width, target_height)
    whole = (0, 0, width, height)
    if resizing.aspect == "stretch":
        return whole, (target_width, target_height)
    if width * target_height >= height * target_width:
        inner_height = (height * target_width + width // 2) // width
        return whole, (target_width, max(1, inner_height))
    inner_width = (width * target_height + height // 2) // height
    return whole, (max(1, inner_width), target_height)

"""What printing, scanning and saving do to a figure."""

import io

import numpy as np
from PIL import Image, ImageFilter


def scan(image: Image.Image, paper: str, rng: np.random.Generator) -> Image.Image:
    """Wear an RGB image: grey, slanted, soft, tinted, noisy, or saved as JPEG."""
    if rng.random() < 0.3:
        image = image.convert("L").convert("RGB")
    if rng.random() < 0.25:
        image = image.rotate(
            rng.normal(0, 2), Image.Resampling.BICUBIC, fillcolor=paper
        )
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1)))
    if rng.random() < 0.4:
        image = _relight(image, rng)
    if rng.random() < 0.25:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(25, 80)))
        image = Image.open(buffer, formats=("JPEG",)).convert("RGB")
    return image


def _relight(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Change contrast and tint, darken towards one side, add noise."""
    pixels = np.asarray(image, np.float32) / 255
    gain = rng.uniform(0.6, 1) * rng.uniform(0.9, 1.05, 3)
    pixels = pixels * gain + rng.uniform(0, 1 - gain.max() if gain.max() < 1 else 0)
    ramp = np.linspace(1 - rng.uniform(0, 0.25), 1, image.width)
    pixels *= ramp[None, :: int(rng.choice([-1, 1])), None]
    pixels += rng.normal(0, rng.uniform(0, 0.045), pixels.shape[:2])[..., None]
    return Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))

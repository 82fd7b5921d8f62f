"""Pictures with planted faults."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from skresnet import ResNet50Embedder

COLOURS = {"blue": (40, 60, 200), "green": (50, 190, 60), "red": (200, 50, 40)}


def coloured(colour, generator):
    """Shapes of a colour, each picture its own."""
    grid = generator.normal(0, 45, (5, 6, 3)) + np.array(colour)
    image = Image.fromarray(grid.clip(0, 255).astype(np.uint8))
    return image.resize((96, 72), Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def planted(tmp_path_factory):
    """Splits with copies, wrong labels and broken files; see the names of the files."""
    root = tmp_path_factory.mktemp("planted")
    generator = np.random.default_rng(0)
    for split, count in {"train": 24, "test": 12}.items():
        for name, colour in COLOURS.items():
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                coloured(colour, generator).save(folder / f"s{index // 2}_{index}.png")
    train, test = root / "train", root / "test"
    original = train / "red" / "s0_0.png"
    (test / "red" / "same_1.png").write_bytes(original.read_bytes())
    (train / "green" / "again_1.png").write_bytes(
        (train / "green" / "s1_2.png").read_bytes()
    )
    mirrored = ImageOps.mirror(Image.open(train / "blue" / "s3_6.png"))
    mirrored.save(test / "blue" / "mirrored_1.jpg")
    coloured(COLOURS["red"], generator).save(train / "blue" / "wrong_1.png")
    Image.new("RGB", (96, 72), "white").save(train / "green" / "white_1.png")
    (train / "green" / "broken_1.png").write_bytes(b"no picture")
    return root


@pytest.fixture
def small_embedder():
    return ResNet50Embedder(
        weights=None, random_state=0, input_size=32, layer="conv2_block1_out"
    )

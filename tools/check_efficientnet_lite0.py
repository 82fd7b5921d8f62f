"""Compare our EfficientNet-Lite0 with the reference implementation in PyTorch.

Usage: python -m tools.check_efficientnet_lite0 [PICTURE ...] [--record FILE.npz]

Needs torch and efficientnet-lite-pytorch. The end of each block, and
the features, of each picture at 224 x 224 and at an odd size; the largest difference is
relative to the largest value of the layer. ``--record`` writes what the tests compare
with: parts of two photographs and what the reference makes of them.
"""

import argparse
import contextlib
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

from skresnet.backbone import ENGINES, BackboneSettings, load_backbone
from skresnet.networks import EFFICIENTNET_LITE0
from skresnet.weights import resolve_weights
from skresnet.weights.lite0 import find_lite0

LIMIT = 1e-4
SIZES = ((224, 224), (193, 161))

# The last layer of each block, in the order of PyTorch's blocks.
BLOCK_ENDS = {
    layer.name.partition("_")[0]: layer.name
    for layer in EFFICIENTNET_LITE0.layers
    if layer.name.startswith("block")
}


def reference(pictures: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Return the mean over the picture of each channel, by name of layer."""
    size = pictures.shape[1:3]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints when it has loaded
        network: Any = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=str(find_lite0()), image_size=size
        ).eval()
    seen: dict[str, Any] = {}

    def keep(name: str) -> Any:
        return lambda module, inputs, output: seen.__setitem__(name, output)

    for name, block in zip(BLOCK_ENDS.values(), network._blocks, strict=True):
        block.register_forward_hook(keep(name))
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        seen["avg_pool"] = network.extract_features((pixels - 127) / 128)
        means = {name: output.mean((2, 3)).numpy() for name, output in seen.items()}
        logits = network._fc(torch.from_numpy(means["avg_pool"]))
    print("  ImageNet's classes:", logits.argmax(1).tolist())
    return means


def ours(pictures: NDArray[np.uint8], layer: str, engine: Any) -> Any:
    """Return the same of one layer."""
    height, width = pictures.shape[1:3]
    settings = BackboneSettings(
        resolve_weights("imagenet", network=EFFICIENTNET_LITE0),
        layer,
        input_size=(height, width),
        preprocessing="lite",
        engine=engine,
    )
    return load_backbone(settings)(pictures)


def compare(pictures: NDArray[np.uint8]) -> bool:
    """Print the differences of both engines; tell whether all are within the limit."""
    expected = reference(pictures)
    within = True
    for engine in ENGINES:
        errors = {
            layer: np.abs(ours(pictures, layer, engine) - means).max()
            / np.abs(means).max()
            for layer, means in expected.items()
        }
        worst = max(errors, key=errors.__getitem__)
        print(
            f"  {engine}: features differ by {errors['avg_pool']:.1e}, "
            f"{worst} by {errors[worst]:.1e}"
        )
        within &= errors[worst] <= LIMIT
    return within


def record(path: Path) -> None:
    """Write parts of two photographs and what the reference makes of them."""
    china, flower = load_sample_images().images
    arrays = {}
    for name, pictures in {
        "even": np.stack([china[200:328, 200:328], flower[100:228, 200:328]]),
        "odd": flower[np.newaxis, 150:247, 250:325],
    }.items():
        arrays[name] = np.ascontiguousarray(pictures)
        for layer, means in reference(arrays[name]).items():
            arrays[f"{name}/{layer}"] = means
    np.savez_compressed(path, **arrays)


def main() -> None:
    """Compare, or record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", nargs="*", type=Path, help="image files")
    parser.add_argument("--record", type=Path, help="write what the tests compare with")
    args = parser.parse_args()
    if args.record:
        record(args.record)
    images = [Image.open(path) for path in args.pictures] or [
        Image.fromarray(image) for image in load_sample_images().images
    ]
    within = True
    for height, width in SIZES:
        print(f"{len(images)} pictures of {height} x {width}:")
        resized = [image.convert("RGB").resize((width, height)) for image in images]
        within &= compare(np.stack([np.asarray(image) for image in resized]))
    sys.exit(0 if within else f"A difference is above {LIMIT}.")


if __name__ == "__main__":
    main()

"""
Copies and outsiders
====================

The same photograph, once large and once small, or saved again as a poorer JPEG, in the
training set and in the test set: the test accuracy then means little. And a picture
that is unlike all of the training gets a class all the same. Both are noticed.
"""

# %%
# Pictures, some of them copies
# -----------------------------
# The two photographs that come with scikit-learn, cut into tiles, and copies of some.
import io

import numpy as np
from PIL import Image, ImageEnhance
from sklearn.datasets import load_sample_images

side = 106
pictures = [
    Image.fromarray(photograph[top : top + side, left : left + side])
    for photograph in load_sample_images().images
    for top in range(0, 427 - side, side)
    for left in range(0, 640 - side, side)
]
n_tiles = len(pictures)


def poorer(image):
    """Save as a JPEG of low quality and load it again."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=15)
    return Image.open(file)


copies = {
    12: pictures[12].copy(),
    45: pictures[45].resize((70, 70)),
    15: poorer(pictures[15]),
    34: ImageEnhance.Brightness(pictures[34]).enhance(1.1),
    38: pictures[38].crop((3, 3, side - 3, side - 3)),
}
pictures += copies.values()
print(n_tiles, "tiles and", len(copies), "copies")

# %%
# Pairs, exact ones first, then the closest
# -----------------------------------------
# No network is needed. How near is near comes from the pictures themselves: tiles of
# clear sky are alike as well, but not as alike as copies.
from skresnet import find_duplicates

found = find_duplicates(pictures, false_alarm_rate=0.01)
made = set(zip(copies, range(n_tiles, len(pictures)), strict=True))
for first, second, kind, distance in found:
    print(first, second, kind, f"{distance:.4f}", (first, second) in made)

# %%
import matplotlib.pyplot as plt

fig, axes = plt.subplots(
    2, len(found), figsize=(1.6 * len(found), 3.6), layout="constrained", squeeze=False
)
for column, pair in zip(axes.T, found, strict=True):
    column[0].imshow(pictures[pair.first])
    column[1].imshow(pictures[pair.second])
    column[0].set_title(pair.kind)
for ax in axes.flat:
    ax.axis("off")

# %%
# Unlike anything that was seen
# -----------------------------
# An embedder that has seen three quarters of the tiles, shown the others, and noise.
# Above 1, a picture lies farther out than nearly all that is like the training.
from skresnet import ResNet50Embedder

order = np.random.default_rng(0).permutation(n_tiles)
seen, others = order[: 3 * n_tiles // 4], order[3 * n_tiles // 4 :]
noise = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), np.uint8)

embedder = ResNet50Embedder(weights="distilled")
embedder.fit_transform([pictures[tile] for tile in seen])
print("other tiles", embedder.novelty([pictures[tile] for tile in others]).round(2))
print("noise", embedder.novelty(noise).round(2))

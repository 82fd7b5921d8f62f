"""
Duplicates and near-duplicates
==============================

The same photograph, once large and once small, or saved again as a poorer JPEG, in the
training set and in the test set: the test accuracy then means little. Features of such
pictures are close together, whatever the files are called.

The weights are random, so that this runs without a download; they find copies, while
ImageNet's find pictures of the same thing as well.
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
# How far apart two pictures are
# ------------------------------
# Features of random weights share a large offset, which the scaler takes away. The
# angle between two rows then says how much they are alike.
from sklearn.metrics.pairwise import cosine_distances
from sklearn.preprocessing import StandardScaler

from skresnet import ResNet50Embedder

embedder = ResNet50Embedder(
    weights=None, random_state=0, input_size=96, layer="conv3_block4_out"
)
features = StandardScaler().fit_transform(embedder.fit_transform(pictures))
distances = cosine_distances(features)

# %%
# Pairs, the closest first
# ------------------------
# An exact copy is at distance 0. Tiles of clear sky are alike as well: the distances
# put pairs in order, and a look at them says which are copies.
first, second = np.triu_indices(len(pictures), k=1)
closest = np.argsort(distances[first, second])[:8]
made = set(zip(copies, range(n_tiles, len(pictures)), strict=True))
for i, j in zip(first[closest], second[closest], strict=True):
    print(i, j, f"{distances[i, j]:.4f}", "a copy" if (i, j) in made else "")

# %%
import matplotlib.pyplot as plt

fig, axes = plt.subplots(2, 8, figsize=(12, 3.6), layout="constrained")
for column, i, j in zip(axes.T, first[closest], second[closest], strict=True):
    column[0].imshow(pictures[i])
    column[1].imshow(pictures[j])
    column[0].set_title(f"{distances[i, j]:.3f}")
for ax in axes.flat:
    ax.axis("off")

"""
A first classifier
==================

From folders of pictures to the test accuracy and the classes of new pictures.

The network is EfficientNet-Lite0, whose ImageNet weights are installed with the
package, so that nothing is downloaded; leave ``network`` out to use ResNet50.
"""

# %%
# Pictures in folders
# -------------------
# One folder a split, and in it one folder a class; put your own in their place. These
# are tiles of photographs that come with scikit-image and scikit-learn. What is tested
# on is the right third of each photograph: tiles that overlap, or lie among those of
# the training, would be too easy.
import tempfile
from pathlib import Path

from PIL import Image
from skimage import data as photographs
from sklearn.datasets import load_sample_image

sources = {
    "brick": photographs.brick(),
    "grass": photographs.grass(),
    "gravel": photographs.gravel(),
    "petals": load_sample_image("flower.jpg")[:, 60:560],
    "stars": photographs.hubble_deep_field()[:512, :512],
    "tissue": photographs.immunohistochemistry(),
}
folder = Path(tempfile.mkdtemp()) / "photos"
for label, pixels in sources.items():
    photograph = Image.fromarray(pixels).resize((480, 480))
    for left in range(0, 480, 80):
        split = "train" if left < 320 else "test"
        (folder / split / label).mkdir(parents=True, exist_ok=True)
        for top in range(0, 480, 80):
            tile = photograph.crop((left, top, left + 80, top + 80))
            tile.save(folder / split / label / f"{top}-{left}.png")

# %%
# What is in the folder
# ---------------------
from skresnet import load_image_splits

data = load_image_splits(folder)
print(data.train.DESCR)

# %%
import matplotlib.pyplot as plt

fig, axes = plt.subplots(2, 6, figsize=(9, 3.2), layout="constrained")
for column, label in zip(axes.T, data.train.target_names, strict=True):
    column[0].set_title(label)
    paths = data.train.data[data.train.target == label]
    for ax, path in zip(column, paths[[9, 14]], strict=True):
        ax.imshow(Image.open(path), cmap="gray")
        ax.axis("off")

# %%
# The Pipeline
# ------------
# These pictures are small, and so is ``input_size``; the default is 224 x 224.
from skresnet import make_image_classifier

model = make_image_classifier(
    network="efficientnet_lite0", random_state=0, embedder__input_size=96
)
model.fit(data.train.data, data.train.target)

# %%
# What came of it
# ---------------
# A fifth of the training pictures was set aside to find the best epoch; then all of
# them were trained on up to that one. The test pictures had no part in that.
classifier = model["classifier"]
print(f"best epoch: {classifier.best_epoch_ + 1} of {classifier.n_iter_}")
print(f"validation loss: {classifier.best_score_:.3f}")
print(f"test accuracy: {model.score(data.test.data, data.test.target):.3f}")

# %%
from sklearn.metrics import ConfusionMatrixDisplay

fig, ax = plt.subplots(figsize=(5.5, 5), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    model, data.test.data, data.test.target, ax=ax, colorbar=False, cmap="Blues"
)

# %%
# New pictures
# ------------
# Paths, arrays and PIL images will do. The last two are of no class that the model
# knows: they get one all the same, and a ``novelty`` above 1 says so.
others = [photographs.coffee()[100:340, 150:390], photographs.chelsea()[:300, 90:390]]
new = [*data.test.data[8::12], *others]
probabilities, novelty = model.predict_proba(new), model.novelty(new)

fig, axes = plt.subplots(2, 4, figsize=(7.5, 4.6), layout="constrained")
for ax, picture, row, distance in zip(
    axes.flat, new, probabilities, novelty, strict=True
):
    image = Image.open(picture) if isinstance(picture, str) else picture
    ax.imshow(image, cmap="gray")
    title = f"{model.classes_[row.argmax()]} {row.max():.2f}\nnovelty {distance:.2f}"
    ax.set_title(title)
    ax.axis("off")

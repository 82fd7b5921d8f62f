"""
A first classifier
==================

From folders of pictures to the test accuracy and the classes of new pictures.

The weights are random, so that this runs without a download; leave ``weights=None``
and the scaler out to use ImageNet's.
"""

# %%
# Pictures in folders
# -------------------
# One folder a split, and in it one folder a class. These are the handwritten digits
# that come with scikit-learn, written to files; put your own folder in their place.
import tempfile
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits

folder = Path(tempfile.mkdtemp()) / "digits"
digits = load_digits()
for index in range(500):
    split = "test" if index % 5 == 0 else "train"
    path = folder / split / f"digit {digits.target[index]}" / f"{index}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((digits.images[index] * 15.9).astype("uint8")).save(path)

# %%
# What is in the folder
# ---------------------
from skresnet import load_image_splits

data = load_image_splits(folder)
print(data.train.data[0], data.train.target[0])
print(data.train.DESCR)

# %%
# The Pipeline
# ------------
# These pictures are small, and so is ``input_size``; the default is ResNet50's own,
# 224 x 224.
from skresnet import make_image_classifier

model = make_image_classifier(weights=None, random_state=0, embedder__input_size=32)
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
import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay

fig, ax = plt.subplots(figsize=(6, 6), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    model,
    data.test.data,
    data.test.target,
    ax=ax,
    colorbar=False,
    cmap="Blues",
    xticks_rotation=45,
)

# %%
# New pictures
# ------------
# Paths, arrays and PIL images will do.
new = data.test.data[::17]
fig, axes = plt.subplots(1, len(new), figsize=(9, 2), layout="constrained")
for ax, path, row in zip(axes, new, model.predict_proba(new), strict=True):
    ax.imshow(Image.open(path), cmap="gray")
    ax.set_title(f"{model.classes_[row.argmax()]}\n{row.max():.2f}")
    ax.axis("off")

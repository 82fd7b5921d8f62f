"""
Few pictures a class
====================

How many labelled pictures are enough? Features that are computed once make the
question cheap: draw a few of them, train, test, and draw again.

The weights are random, so that this runs without a download, and the pictures are the
digits that come with scikit-learn.
"""

# %%
# Features of all pictures
# ------------------------
from sklearn.datasets import load_digits

from skresnet import ResNet50Embedder

digits = load_digits()
pictures, labels = digits.images[:800] * 15.9, digits.target[:800]
embedder = ResNet50Embedder(
    weights=None, random_state=0, input_size=32, layer="conv3_block4_out"
)
features = embedder.fit_transform(pictures)

# %%
# Ten draws of each size
# ----------------------
# ``train_size`` pictures train, the same number of each class, 300 others test.
import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

n_per_class = np.array([1, 2, 4, 8, 16, 32])
classifier = make_pipeline(StandardScaler(), SVC(kernel="linear"))
scores = [
    cross_val_score(
        classifier,
        features,
        labels,
        cv=StratifiedShuffleSplit(
            n_splits=10, train_size=10 * n, test_size=300, random_state=0
        ),
    )
    for n in n_per_class
]
for n, row in zip(n_per_class, scores, strict=True):
    print(f"{n:2} pictures a class: {np.mean(row):.3f} (worst {np.min(row):.3f})")

# %%
# What one more picture brings
# ----------------------------
# With few pictures it matters much which ones they are: the draws lie far apart.
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for n, row in zip(n_per_class, scores, strict=True):
    ax.plot([n] * len(row), row, "o", color="C0", alpha=0.4)
ax.plot(n_per_class, np.mean(scores, axis=1), color="C1", label="mean of ten draws")
ax.set_xscale("log", base=2)
ax.set_xticks(n_per_class, n_per_class)
ax.set(xlabel="training pictures a class", ylabel="accuracy", ylim=(0, 1))
ax.axhline(0.1, color="grey", linestyle="--", label="chance")
ax.legend()

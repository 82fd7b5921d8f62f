"""
Other classifiers on the features
=================================

The embedder is a transformer like any other: whatever scikit-learn has can stand
behind it. Features that are computed once serve all candidates.

The weights are random, so that this runs without a download, and the pictures are the
digits that come with scikit-learn.
"""

# %%
# Features, once
# --------------
# The pictures are an array here; floats are pixel values from 0 to 255.
from sklearn.datasets import load_digits

from skresnet import ResNet50Embedder

digits = load_digits()
pictures, labels = digits.images[:300] * 15.9, digits.target[:300]
embedder = ResNet50Embedder(weights=None, random_state=0, input_size=32)
features = embedder.fit_transform(pictures)
print(features.shape, features.dtype)

# %%
# Five classifiers
# ----------------
# Each behind the same scaler, in the same three folds.
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skresnet import DenseSGDClassifier

classifiers = [
    KNeighborsClassifier(),
    RandomForestClassifier(random_state=0),
    DenseSGDClassifier(random_state=0),
    SVC(),
    LogisticRegression(max_iter=1000),
]
scores = pd.DataFrame(
    {
        type(classifier).__name__: cross_val_score(
            make_pipeline(StandardScaler(), classifier), features, labels, cv=3
        )
        for classifier in classifiers
    }
)
scores.mean().round(3).to_frame("mean accuracy")

# %%
# A point a fold
# --------------
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for row, name in enumerate(scores):
    ax.plot(scores[name], [row] * len(scores), "o", color="C0", alpha=0.5)
    ax.plot(scores[name].mean(), row, "|", color="C1", markersize=24, markeredgewidth=3)
ax.set_yticks(range(scores.shape[1]), scores)
ax.set_xlabel("accuracy (points: folds, bar: mean)")
ax.grid(axis="x", alpha=0.3)

# %%
# From pictures to classes again
# ------------------------------
# The one you choose goes behind the embedder.
model = make_pipeline(embedder, StandardScaler(), SVC())
model.fit(pictures[:200], labels[:200])
print(
    f"accuracy on 100 other pictures: {model.score(pictures[200:], labels[200:]):.3f}"
)

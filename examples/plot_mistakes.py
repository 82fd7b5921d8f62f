"""
Looking at mistakes
===================

An accuracy says how often a model is wrong. The pictures it is most sure and wrong
about say why: wrong labels, unclear pictures, or something the model cannot see.

The weights are random, so that this runs without a download, and the pictures are the
digits that come with scikit-learn.
"""

# %%
# A model and test pictures
# -------------------------
# Four of the test labels are made wrong on purpose, as they are in many a data set.
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skresnet import make_image_classifier

digits = load_digits()
pictures, labels = digits.images[:700] * 15.9, digits.target[:700].copy()
mislabelled = np.array([10, 200, 350, 600])
labels[mislabelled] = (labels[mislabelled] + 5) % 10
train, test = train_test_split(
    np.setdiff1d(np.arange(700), mislabelled), test_size=0.3, random_state=0
)
test = np.append(test, mislabelled)

model = make_image_classifier(
    weights=None,
    random_state=0,
    embedder__input_size=32,
    embedder__layer="conv3_block4_out",
)
model.steps.insert(1, ("scaler", StandardScaler()))
model.fit(pictures[train], labels[train])
print(f"test accuracy: {model.score(pictures[test], labels[test]):.3f}")

# %%
# The most confident mistakes
# ---------------------------
# Sorted by the probability of the label that was predicted: the labels that were made
# wrong come first.
from skresnet import MistakesDisplay

display = MistakesDisplay.from_estimator(model, pictures[test], labels[test], n=8)
print(f"{display.n_mistakes} mistakes in {display.n_samples} pictures")

# %%
# Which classes are mixed up
# --------------------------
import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay

fig, ax = plt.subplots(figsize=(5, 5), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    model, pictures[test], labels[test], ax=ax, colorbar=False, cmap="Blues"
)

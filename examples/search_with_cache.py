"""
A search that embeds every picture once
=======================================

A grid search fits the whole Pipeline again for each candidate and fold, and with it the
embedder, although only the classifier behind it changes. With ``cache=`` each picture
goes through ResNet50 once, in this search and in all that follow.

Small pictures and random weights keep this short and free of downloads.
"""

# %%
# Pictures and a Pipeline
# -----------------------
# Any scikit-learn classifier can take the features.
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skresnet import EmbeddingCache, ResNet50Embedder, make_paper_figures

folder = Path(tempfile.mkdtemp())
data = make_paper_figures(folder / "figures", n_per_class=10, random_state=0)
train = data.train

model = Pipeline(
    [
        ("embedder", ResNet50Embedder(weights=None, random_state=0, input_size=32)),
        ("scaler", StandardScaler()),
        ("classifier", RidgeClassifier()),
    ]
)
candidates = {"classifier__alpha": np.logspace(0, 5.5, 12)}


# %%
# The same search three times
# ---------------------------
# Twelve candidates in three folds. The first line has no cache; the second begins with
# an empty one and fills it; the third finds everything there.
def timed_search(name, cache):
    """Search, print how long it took and the best accuracy, and return the seconds."""
    search = GridSearchCV(model.set_params(embedder__cache=cache), candidates, cv=3)
    start = time.perf_counter()
    search.fit(train.data, train.target)
    seconds = time.perf_counter() - start
    print(f"{name}: {seconds:.1f} s, accuracy {search.best_score_:.3f}")
    return seconds


model.fit(train.data, train.target)  # so that no search pays for building the network
caches = {
    "without a cache": None,
    "with an empty cache": folder / "cache",
    "with a filled cache": folder / "cache",
}
seconds = [timed_search(name, cache) for name, cache in caches.items()]

# %%
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(6, 2), layout="constrained")
ax.barh(list(caches), seconds)
ax.invert_yaxis()
ax.set_xlabel("seconds")

# %%
# What the cache holds
# --------------------
# Rows are kept by the content of the picture and by all settings that decide the
# features, so that nothing is taken for something else.
print(EmbeddingCache(folder / "cache").info())

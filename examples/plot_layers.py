"""
Which layer is best
===================

The last layers of ResNet50 know most about the classes of ImageNet; for pictures that
look like nothing in it, an earlier layer can do better, and it costs less. ``layer`` is
a parameter like any other, so a grid search finds out.

The weights are random, so that this runs without a download. No layer of these has
learned anything, so that they differ less than those of ImageNet's weights do.
"""

# %%
# A grid of layers
# ----------------
# ``ResNet50Embedder().summary()`` lists all of them. The pictures are the digits that
# come with scikit-learn, few of them, so that there is something left to win.
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skresnet import ResNet50Embedder

digits = load_digits()
pictures, labels = digits.images[:200] * 15.9, digits.target[:200]
model = Pipeline(
    [
        ("embedder", ResNet50Embedder(weights=None, random_state=0, input_size=32)),
        ("scaler", StandardScaler()),
        ("classifier", SVC(kernel="linear")),
    ]
)
layers = [
    "conv2_block3_out",
    "conv3_block4_out",
    "conv4_block6_out",
    "conv5_block3_out",
]
search = GridSearchCV(
    model,
    {"embedder__layer": layers, "embedder__pooling": ["avg", "max"]},
    cv=4,
    refit=False,
)
search.fit(pictures, labels)

# %%
# Accuracy by layer and pooling
# -----------------------------
# ``avg_pool``, the default, is ``conv5_block3_out`` with the pooling ``"avg"``. The
# bars are the standard deviation over the folds: differences smaller than that are no
# reason to choose.
import matplotlib.pyplot as plt
import pandas as pd

results = pd.DataFrame(search.cv_results_)
fig, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
for pooling, rows in results.groupby("param_embedder__pooling"):
    ax.errorbar(
        rows["param_embedder__layer"],
        rows["mean_test_score"],
        yerr=rows["std_test_score"],
        marker="o",
        capsize=4,
        label=f'pooling="{pooling}"',
    )
ax.set_ylabel("accuracy")
ax.grid(axis="y", alpha=0.3)
ax.legend()

# %%
results[
    ["param_embedder__layer", "param_embedder__pooling", "mean_test_score"]
].sort_values("mean_test_score", ascending=False).round(3)

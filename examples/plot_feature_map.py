"""
A map of your pictures
======================

Pictures that the network finds alike lie side by side: a look at a data set before
anything is trained.

The weights are random, so that this runs without a download; with ImageNet's the
classes lie farther apart.
"""

# %%
# Features of drawn figures
# -------------------------
import tempfile
from pathlib import Path

from sklearn.preprocessing import StandardScaler

from skresnet import EmbeddingDisplay, ResNet50Embedder, make_paper_figures

folder = Path(tempfile.mkdtemp()) / "figures"
data = make_paper_figures(folder, n_per_class=12, random_state=1)
paths, labels = data.train.data, data.train.target

embedder = ResNet50Embedder(weights=None, random_state=0, input_size=128)
features = StandardScaler().fit_transform(embedder.fit_transform(paths))

# %%
# In two dimensions
# -----------------
# The frame of a picture has the colour of its class.
EmbeddingDisplay.from_embedding(features, labels, paths, method="tsne", random_state=0)

# %%
# As points
# ---------
# For thousands of pictures, points are easier to read. Principal components, the
# default, keep distances; t-SNE, above, keeps neighbours.
EmbeddingDisplay.from_embedding(features, labels)

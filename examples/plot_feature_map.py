"""
A map of your pictures
======================

Pictures that the network finds alike lie side by side: a look at a data set before
anything is trained.

The network is EfficientNet-Lite0, whose ImageNet weights are installed with the
package.
"""

# %%
# Features of drawn figures
# -------------------------
import tempfile
from pathlib import Path

from skresnet import EfficientNetLite0Embedder, EmbeddingDisplay, make_paper_figures

folder = Path(tempfile.mkdtemp()) / "figures"
data = make_paper_figures(folder, n_per_class=12, random_state=1)
paths, labels = data.train.data, data.train.target

features = EfficientNetLite0Embedder(input_size=128).fit_transform(paths)

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

"""
Your own validation set
=======================

By default a part of the training pictures is set aside to find the best epoch. Where
you have a validation set, it decides instead, and every training picture trains.

The weights are random, so that this runs without a download; the whitening between
the steps is for their sake.
"""

# %%
# Figures in three splits
# -----------------------
# Five classes of figures as papers have them, drawn for this.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from skresnet import make_paper_figures

folder = Path(tempfile.mkdtemp()) / "figures"
data = make_paper_figures(folder, n_per_class=16, random_state=0)

fig, axes = plt.subplots(1, 5, figsize=(10, 2.4), layout="constrained")
for ax, path, name in zip(
    axes, data.train.data[3::16], data.train.target[3::16], strict=True
):
    ax.imshow(Image.open(path), cmap="gray")
    ax.set_title(name)
    ax.axis("off")

# %%
# Metadata routing
# ----------------
# ``X_val`` and ``y_val`` are metadata in scikit-learn's sense. Once routing is on, the
# Pipeline sends the validation pictures through the embedder and everything else in
# front of the classifier, fitted on the training pictures alone. In a notebook, say
# ``sklearn.set_config(enable_metadata_routing=True)`` once.
import sklearn
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from skresnet import make_image_classifier

model = make_image_classifier(
    weights=None,
    random_state=0,
    embedder__input_size=128,
    classifier__monitor="val_accuracy",
    classifier__epochs=30,
)
model.steps[1:1] = [
    ("scaler", StandardScaler()),
    ("whitening", PCA(30, whiten=True, random_state=0)),
]
with sklearn.config_context(enable_metadata_routing=True):
    model.fit(
        data.train.data, data.train.target, X_val=data.val.data, y_val=data.val.target
    )

# %%
# The epoch that was kept
# -----------------------
# Its weights are the fitted ones, so that the validation accuracy of the model is that
# of the marked epoch. Later epochs only learned the training pictures by heart.
from skresnet import LearningCurvesDisplay

LearningCurvesDisplay.from_estimator(model)

# %%
validation = model.evaluate(data.val.data, data.val.target)
test = model.evaluate(data.test.data, data.test.target)
print(
    f"validation: loss {validation['loss']:.3f}, accuracy {validation['accuracy']:.3f}"
)
print(f"test:       loss {test['loss']:.3f}, accuracy {test['accuracy']:.3f}")

"""
A first classifier
==================

From folders of pictures to the test accuracy and the classes of new pictures. The
pictures are drawn here; put your own folder in place of them. The weights are random,
so that this runs without a download; leave ``weights=None`` out to use ImageNet's.
"""

# %%
# Pictures
# --------
# One folder a split, and in it one folder a class.
import tempfile
from pathlib import Path

from sklearn.preprocessing import StandardScaler

from skresnet import make_image_classifier, make_paper_figures

folder = Path(tempfile.mkdtemp()) / "figures"
data = make_paper_figures(folder, n_per_class=30, random_state=0)
print(data.train.DESCR)

# %%
# The Pipeline
# ------------
# Random weights give features of unequal scale; ImageNet's need no scaler.
model = make_image_classifier(weights=None, random_state=0)
model.steps.insert(1, ("scaler", StandardScaler()))
model.fit(data.train.data, data.train.target)

# %%
# What came of it
# ---------------
classifier = model["classifier"]
print(f"best epoch: {classifier.best_epoch_ + 1} of {classifier.epochs}")
print(f"validation accuracy: {classifier.best_score_:.3f}")
print(f"test accuracy: {model.score(data.test.data, data.test.target):.3f}")

# %%
# New pictures
# ------------
for path in data.test.data[::15]:
    print(Path(path).relative_to(folder), "->", model.predict([path])[0])

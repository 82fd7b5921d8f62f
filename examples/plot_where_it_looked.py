"""
Where the model looked
======================

A model can be right for a wrong reason: by the snow under every wolf, or the caption
under every ship. Maps show which parts of a picture speak for a class.

The network is EfficientNet-Lite0, whose weights are installed with the package. The
pictures are pieces of the two photographs that come with scikit-learn.
"""

# %%
# A model of two classes
# ----------------------
# Pieces of a photograph of a temple, and of one of a flower.
import numpy as np
from sklearn.datasets import load_sample_images

from skresnet import make_image_classifier

temple, flower = load_sample_images().images
generator = np.random.default_rng(0)


def piece(photograph, side=120):
    """Cut a square out of it."""
    top, left = (generator.integers(0, n - side) for n in photograph.shape[:2])
    return photograph[top : top + side, left : left + side]


pieces = [piece(photograph) for photograph in (temple, flower) for _ in range(20)]
labels = np.repeat(["temple", "flower"], 20)
model = make_image_classifier(network="efficientnet_lite0", random_state=0)
model.fit(pieces, labels)

# %%
# Grad-CAM
# --------
# The left half of this picture is temple, the right half flower. Its maps for either
# class tell the halves apart. A map of each costs one pass through the network.
from skresnet import ClassActivationDisplay

both = np.concatenate([temple[100:300, 100:250], flower[100:300, 150:300]], axis=1)
display = ClassActivationDisplay.from_estimator(
    model, [both, both], target=["temple", "flower"]
)

# %%
# As numbers: the share of each map that lies on the right.
from skresnet import class_activation_maps

found = class_activation_maps(model, [both, both], target=["temple", "flower"])
right = found.maps[:, :, 112:].sum(axis=(1, 2)) / found.maps.sum(axis=(1, 2))
for label, share in zip(found.target, right, strict=True):
    print(f"{label}: {share:.2f}")

# %%
# An inner layer
# --------------
# The last stage has 7 by 7 places. Features of an earlier one, with 14 by 14, make a
# finer map, of a model of its own.
finer = make_image_classifier(
    network="efficientnet_lite0", embedder__layer="block5c_add", random_state=0
)
finer.fit(pieces, labels)
of_finer = ClassActivationDisplay.from_estimator(
    finer, [both, both], target=["temple", "flower"]
)

# %%
# Occlusion
# ---------
# Of a random forest no gradient is known. Covering one window after the other works
# with any classifier that has ``predict_proba``, and takes as many passes as there are
# windows.
from sklearn.ensemble import RandomForestClassifier

forest = make_image_classifier(
    network="efficientnet_lite0", classifier=RandomForestClassifier(random_state=0)
)
forest.fit(pieces, labels)
by_forest = ClassActivationDisplay.from_estimator(
    forest, [both, both], target=["temple", "flower"]
)
print(by_forest.method)

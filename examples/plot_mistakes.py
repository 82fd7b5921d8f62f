"""
Looking at mistakes
===================

An accuracy says how often a model is wrong. The pictures it is most sure and wrong
about say why: wrong labels, unclear pictures, or something the model cannot see.

The network is EfficientNet-Lite0, whose weights are installed with the package.
"""

# %%
# A model and test pictures
# -------------------------
# Tiles of photographs that come with scikit-image and scikit-learn: the left of each to
# train on, the right to test. Four of the test labels are made wrong on purpose, as
# they are in many a data set.
import numpy as np
from PIL import Image
from skimage import data as photographs
from sklearn.datasets import load_sample_image

from skresnet import make_image_classifier

sources = {
    "brick": photographs.brick(),
    "coffee": photographs.coffee()[:, 100:500],
    "grass": photographs.grass(),
    "gravel": photographs.gravel(),
    "petals": load_sample_image("flower.jpg")[:, 60:560],
    "roofs": load_sample_image("china.jpg")[100:, :500],
    "stars": photographs.hubble_deep_field()[:512, :512],
    "tissue": photographs.immunohistochemistry(),
}
train, y_train, test, y_test = [], [], [], []
for label, pixels in sources.items():
    photograph = Image.fromarray(pixels).convert("RGB").resize((480, 480))
    for left in range(0, 480, 48):
        X, y = (train, y_train) if left < 240 else (test, y_test)
        for top in range(0, 480, 48):
            X.append(photograph.crop((left, top, left + 48, top + 48)))
            y.append(label)

mislabelled = np.array([20, 130, 250, 370])
y_test = np.array(y_test)
y_test[mislabelled] = np.roll(y_test[mislabelled], 1)

model = make_image_classifier(
    network="efficientnet_lite0", random_state=0, embedder__input_size=64
)
model.fit(train, y_train)
print(f"test accuracy: {model.score(test, y_test):.3f}")

# %%
# The most confident mistakes
# ---------------------------
# Sorted by the probability of the label that was predicted: the four labels that were
# made wrong come first. The other tiles could as well be of another class.
from skresnet import MistakesDisplay

display = MistakesDisplay.from_estimator(model, test, y_test, n=8)
print(f"{display.n_mistakes} mistakes in {display.n_samples} pictures")

# %%
# Which classes are mixed up
# --------------------------
import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay

fig, ax = plt.subplots(figsize=(5.5, 5.5), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    model, test, y_test, ax=ax, colorbar=False, cmap="Blues", xticks_rotation=45
)

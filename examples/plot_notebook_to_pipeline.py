"""
From the notebook to the Pipeline
=================================

The system this project comes from was a notebook in Keras: pictures through a frozen
ResNet50, and a small dense network on the features. On its 2,743 training, 1,571
validation and 1,593 test pictures of five classes of figures it reported a best
validation accuracy of 0.77 and a test accuracy of 0.782. Here it is step by step, and
beside each step what takes its place.

The weights are random and the pictures small digits, so that this runs in seconds and
without a download; the numbers below are not those of the notebook.
"""

# %%
# Pictures
# --------
# The notebook read them with ``ImageDataGenerator``, raw and resized with the nearest
# neighbour, to 224 x 224 pixels. Here 64 x 64 are enough.
import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from tensorflow.keras.preprocessing.image import ImageDataGenerator

folder = Path(tempfile.mkdtemp())
digits = load_digits()
for index in range(500):
    split = ["train", "train", "train", "val", "test"][index % 5]
    path = folder / "digits" / split / str(digits.target[index]) / f"{index}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((digits.images[index] * 15.9).astype("uint8")).save(path)

flows = {
    split: ImageDataGenerator().flow_from_directory(
        folder / "digits" / split, target_size=(64, 64), shuffle=False
    )
    for split in ("train", "val", "test")
}

# %%
# With this package, a split is its paths and class names, and nothing is read yet:
from skresnet import load_image_splits

data = load_image_splits(folder / "digits")
print(data.train.data[0], data.train.target[0])

# %%
# Features
# --------
# A second model ended at ``avg_pool``, and ``predict`` gave the features.
keras.utils.set_random_seed(0)
resnet = keras.applications.ResNet50(
    include_top=False, pooling="avg", input_shape=(64, 64, 3), weights=None
)
extractor = keras.Model(resnet.input, resnet.get_layer("avg_pool").output)
theirs = {split: extractor.predict(flow, verbose=0) for split, flow in flows.items()}

# %%
# With this package, that is one estimator. Its defaults differ in two ways,
# preprocessing and bilinear resizing, because ImageNet's weights expect them; the
# notebook's way is:
from skresnet import ResNet50Embedder

resnet.save_weights(folder / "resnet50.weights.h5")
embedder = ResNet50Embedder(
    weights=folder / "resnet50.weights.h5",  # "imagenet", the default, for you
    preprocessing=None,
    interpolation="nearest",
    input_size=64,
)
ours = {
    split: embedder.fit_transform(data[split].data)
    for split in ("train", "val", "test")
}
for split in ours:
    scale = np.abs(theirs[split]).max()
    difference = np.abs(ours[split] - theirs[split]).max() / scale
    print(f"{split}: largest difference {difference:.1e} of the largest feature")

# %%
# The head
# --------
# Labels became one-hot rows; ``ModelCheckpoint`` kept the best epoch in a file, which
# a new model then loaded. The scaler is for the random weights alone.
from sklearn.preprocessing import StandardScaler

scaler = StandardScaler().fit(theirs["train"])
X = {split: scaler.transform(rows) for split, rows in theirs.items()}
one_hot = {split: keras.utils.to_categorical(f.classes) for split, f in flows.items()}


def new_head():
    """Build and compile the dense network of the notebook."""
    keras.utils.set_random_seed(0)
    head = keras.Sequential(
        [
            keras.layers.Input((2048,)),
            keras.layers.Dense(500, activation="relu"),
            keras.layers.Dense(250, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(200, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    head.compile(
        keras.optimizers.SGD(learning_rate=0.01),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return head


checkpoint = keras.callbacks.ModelCheckpoint(
    str(folder / "best.weights.h5"),
    monitor="val_accuracy",
    save_best_only=True,
    save_weights_only=True,
)
history = new_head().fit(
    X["train"],
    one_hot["train"],
    validation_data=(X["val"], one_hot["val"]),
    epochs=20,
    callbacks=[checkpoint],
    verbose=0,
)
best = new_head()
best.load_weights(folder / "best.weights.h5")
loss, accuracy = best.evaluate(X["test"], one_hot["test"], verbose=0)
print(f"test loss {loss:.3f}, accuracy {accuracy:.3f}")

# %%
# With this package, all of it is one estimator, on class names. Its defaults are
# better than the notebook's numbers, which have a name of their own. The order of the
# pictures and the initial weights are drawn in another way, so that the result differs
# a little.
from skresnet import ORIGINAL_SETTINGS, DenseSGDClassifier

classifier = DenseSGDClassifier(**ORIGINAL_SETTINGS, random_state=0)
classifier.fit(X["train"], data.train.target, X_val=X["val"], y_val=data.val.target)
result = classifier.evaluate(X["test"], data.test.target)
print(f"test loss {result['loss']:.3f}, accuracy {result['accuracy']:.3f}")

# %%
# Both trainings
# --------------
import matplotlib.pyplot as plt

fig, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
for ax, curves, title in zip(
    axes,
    (history.history, classifier.history_),
    ("notebook", "DenseSGDClassifier"),
    strict=True,
):
    ax.plot(range(1, 21), curves["loss"], label="training")
    ax.plot(range(1, 21), curves["val_loss"], label="validation")
    ax.set(title=title, xlabel="epoch", xticks=[1, 5, 10, 15, 20])
axes[0].set_ylabel("loss")
axes[1].legend()

# %%
# All in one
# ----------
# With ImageNet's weights, this is the notebook:
from skresnet import make_image_classifier

make_image_classifier(
    classifier=DenseSGDClassifier(**ORIGINAL_SETTINGS),
    embedder__preprocessing=None,
    embedder__interpolation="nearest",
)

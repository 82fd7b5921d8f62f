"""The whole of the main job on pictures that this package draws itself."""

from __future__ import annotations

import tempfile
import textwrap
from pathlib import Path

import sklearn
from sklearn.preprocessing import StandardScaler

from skresnet import (
    ImageClassifierPipeline,
    WeightsUnavailableError,
    make_image_classifier,
    make_paper_figures,
)

_N_PREDICTIONS, _N_CLASSES = 5, 3

# By network and weights, the best first.
_CHOICES: dict[tuple[str, str | None], str] = {
    ("resnet50", "imagenet"): "ResNet50 with the ImageNet weights that Keras publishes",
    ("efficientnet_lite0", "imagenet"): "EfficientNet-Lite0, whose ImageNet weights "
    "are installed with this package (network='efficientnet_lite0')",
    ("resnet50", "distilled"): "ResNet50 with the weights that come with this package "
    "(weights='distilled')",
    ("resnet50", None): "ResNet50 with random weights, which have learned nothing yet",
}


def run_demo(*, n_per_class: int = 60, random_state: int = 0) -> float:
    """Draw figures, train on them, and print each step.

    Parameters
    ----------
    n_per_class : int, default=60
        Training pictures of each of the five classes; validation and test have half
        as many each.

    random_state : int, default=0
        Decides the pictures, the initial weights and the order of training.

    Returns
    -------
    accuracy : float
        Accuracy on the test pictures.
    """
    with tempfile.TemporaryDirectory(prefix="skresnet-demo-") as folder:
        return _train_and_test(Path(folder) / "figures", n_per_class, random_state)


def _train_and_test(folder: Path, n_per_class: int, random_state: int) -> float:
    print(f"Drawing five classes of scientific figures in {folder} ...")
    data = make_paper_figures(
        folder, n_per_class=n_per_class, random_state=random_state
    )
    for name in ("train", "val", "test"):
        print(f"  {name}: {len(data[name].data)} pictures")
    print(f"  classes: {', '.join(data.target_names)}")

    model = _best_available_classifier(random_state)
    print(f"\n{model}\n")
    print("Embedding the pictures and training the head on their features ...")
    # With metadata routing, the validation pictures go through the embedder too.
    with sklearn.config_context(enable_metadata_routing=True):
        model.fit(
            data.train.data,
            data.train.target,
            X_val=data.val.data,
            y_val=data.val.target,
        )
    model["classifier"].summary()
    result = model.evaluate(data.test.data, data.test.target)
    chance = 1 / len(data.target_names)
    print(f"Test loss: {result['loss']:.3f}")
    print(f"Test accuracy: {result['accuracy']:.3f} (chance: {chance:.3f})\n")

    step = max(1, len(data.test.data) // _N_PREDICTIONS)
    chosen = data.test.data[step // 2 :: step]
    for path, row in zip(chosen, model.predict_proba(chosen), strict=True):
        best = (-row).argsort()[:_N_CLASSES]
        shown = "  ".join(f"{model.classes_[i]} {row[i]:.2f}" for i in best)
        print(f"{Path(path).relative_to(folder)}: {shown}")
    return result["accuracy"]


def _tell(text: str) -> None:
    print(textwrap.fill(text, 80, break_on_hyphens=False))


def _best_available_classifier(random_state: int) -> ImageClassifierPipeline:
    """Make a classifier with the best weights that can be had, and say which."""
    for (network, weights), description in _CHOICES.items():
        model = make_image_classifier(
            network=network,
            weights=weights,
            random_state=random_state,
            verbose=1,
        )
        try:
            model["embedder"].fit(["any.png"])
        except WeightsUnavailableError:
            _tell(f"Not at hand: {description}.")
        else:
            break
    _tell(f"Using {description}.")
    if weights is None:
        # Features of random weights share a large offset, on which gradient descent
        # on the raw features would spend its epochs.
        model.steps.insert(1, ("scaler", StandardScaler()))
    return model

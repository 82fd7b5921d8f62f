"""The sections on how the model was trained and how to use it."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from sklearn.pipeline import Pipeline

from skresnet import __version__
from skresnet.classifier import DenseSGDClassifier
from skresnet.displays.learning_curves import LearningCurvesDisplay
from skresnet.embedder import ResNet50Embedder
from skresnet.report.charts import chart_style, new_figure, svg
from skresnet.report.markup import counted, lines, paragraph, section, text

_PACKAGES = ("scikit-learn", "tensorflow", "keras", "numpy", "pillow")
_EMBEDDER_PARAMS = (
    "layer",
    "pooling",
    "input_size",
    "interpolation",
    "aspect",
    "preprocessing",
    "precision",
)
_HEAD_PARAMS = (
    "hidden_layer_sizes",
    "activation",
    "dropout",
    "learning_rate",
    "momentum",
    "batch_size",
    "class_weight",
    "random_state",
)
_WEIGHTS = {
    "imagenet": "ImageNet, as Keras publishes them",
    "distilled": "distilled, as they come with skresnet",
    "file": "from a file",
    "random": "random, never trained",
}
_WHEREABOUTS = {
    "imagenet": "Keras downloads them on first use.",
    "distilled": "they come with skresnet.",
    "file": "the file with the digest above must be there too.",
    "random": "they are drawn anew from their seed.",
}
_LOADING = """\
import joblib

# where it was trained
joblib.dump(model, "model.joblib")

# where it is used
model = joblib.load("model.joblib")
model.predict(["new.jpg"])
model.predict_proba(["new.jpg"])  # by model.classes_"""


def curves_section(model: Any) -> str:
    """Show the learning curves of the last step, where it has any."""
    last = _steps(model)[-1][1]
    if not hasattr(last, "history_"):
        return section(
            "curves",
            "Learning curves",
            paragraph(
                f"<code>{text(type(last).__name__)}</code> keeps no history of epochs, "
                "so that there are no learning curves to show."
            ),
        )
    with chart_style():
        figures = [new_figure(), new_figure()]
        LearningCurvesDisplay(last.history_, best_epoch=last.best_epoch_).plot(
            [figure.subplots() for figure in figures]
        )
        drawn = [
            svg(figure, f"{metric} of each epoch")
            for figure, metric in zip(figures, ("Loss", "Accuracy"), strict=True)
        ]
    n_epochs = len(last.history_["loss"])
    return section(
        "curves",
        "Learning curves",
        paragraph(
            f"The weights of epoch {last.best_epoch_ + 1} of {n_epochs} were kept, "
            "marked by the dashed line."
        ),
        '<div class="charts">'
        + "".join(f'<figure class="chart">{one}</figure>' for one in drawn)
        + "</div>",
    )


def training_section(model: Any) -> str:
    """Say what the model is made of and how it was trained."""
    parts = []
    for title, step in _steps(model):
        if isinstance(step, ResNet50Embedder):
            facts = _embedder_facts(step)
        elif isinstance(step, DenseSGDClassifier):
            facts = _head_facts(step)
        else:
            facts = {"estimator": f"<code>{lines(repr(step))}</code>"}
        parts.append(_facts(title, facts))
    software = {"Python": platform.python_version(), "skresnet": __version__}
    software |= {package: version(package) for package in _PACKAGES}
    parts.append(_facts("software", software))
    return section(
        "training", "How it was trained", f'<div class="facts">{"".join(parts)}</div>'
    )


def loading_section(model: Any) -> str:
    """Say how to load the model."""
    embedder = next(
        (step for _, step in _steps(model) if isinstance(step, ResNet50Embedder)), None
    )
    return section(
        "loading",
        "How to use it",
        f"<pre><code>{lines(_LOADING)}</code></pre>",
        paragraph(
            "Load it with the versions above, and only files whose origin you trust: "
            "loading a file of this kind can run any code."
        ),
        _about_weights(embedder),
    )


def _about_weights(embedder: ResNet50Embedder | None) -> str:
    if embedder is None:
        return ""
    return paragraph(
        "The weights of ResNet50 are no part of the file: "
        f"{_WHEREABOUTS[embedder.weights_.name]}"
    )


def _steps(model: Any) -> list[tuple[str, Any]]:
    return model.steps if isinstance(model, Pipeline) else [("model", model)]


def _embedder_facts(embedder: ResNet50Embedder) -> dict[str, str]:
    weights = embedder.weights_
    kind = "seed" if weights.name == "random" else "SHA-256 of the weights"
    digest = weights.seed if weights.name == "random" else weights.digest
    facts = {"network": "ResNet50", "weights": _WEIGHTS[weights.name]}
    facts[kind] = f"<code>{text(digest)}</code>"
    return facts | _params(embedder, _EMBEDDER_PARAMS)


def _head_facts(head: DenseSGDClassifier) -> dict[str, str]:
    # Without validation rows, the classifier reads val_accuracy as accuracy.
    monitor = head.monitor
    monitor = monitor if monitor in head.history_ else monitor.removeprefix("val_")
    facts = {
        "network": "dense layers and a softmax, trained with SGD",
        "best epoch": (
            f"{head.best_epoch_ + 1} of {len(head.history_['loss'])}, with a "
            f"{monitor} of {head.best_score_:.4f}"
        ),
    }
    if head.validation_indices_ is not None:
        rows = counted(len(head.validation_indices_), "picture", "pictures")
        facts["set aside for validation"] = rows
    return facts | _params(head, _HEAD_PARAMS)


def _params(estimator: Any, names: tuple[str, ...]) -> dict[str, str]:
    params = estimator.get_params(deep=False)
    return {name.replace("_", " "): text(params[name]) for name in names}


def _facts(title: str, facts: dict[str, str]) -> str:
    items = "".join(
        f"<div><dt>{text(term)}</dt><dd>{value}</dd></div>"
        for term, value in facts.items()
    )
    return f"<div><h3>{text(title)}</h3><dl>{items}</dl></div>"

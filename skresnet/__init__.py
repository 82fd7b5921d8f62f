"""Image classification with a pretrained ResNet50, as a scikit-learn Pipeline."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skresnet.auditing import (
        check_images,
        find_duplicates,
        find_label_issues,
        find_leakage,
    )
    from skresnet.backbone import EngineUnavailableError
    from skresnet.cache import EmbeddingCache
    from skresnet.classifier import ORIGINAL_SETTINGS, DenseSGDClassifier
    from skresnet.datasets import (
        load_features,
        load_image_folder,
        load_image_splits,
        load_image_table,
        make_paper_figures,
    )
    from skresnet.displays import (
        ClassActivationDisplay,
        EmbeddingDisplay,
        LearningCurvesDisplay,
        MistakesDisplay,
    )
    from skresnet.embedder import EfficientNetLite0Embedder, ResNet50Embedder
    from skresnet.export import ExportMismatchError, export_model
    from skresnet.inspection import class_activation_maps
    from skresnet.model_files import (
        TRUSTED_TYPES,
        UnsafeModelError,
        load_model,
        save_model,
    )
    from skresnet.novelty import NoveltyDetector
    from skresnet.pipeline import ImageClassifierPipeline, make_image_classifier
    from skresnet.reading import UnreadableImageError
    from skresnet.report import make_report
    from skresnet.weights import WeightsUnavailableError, load_weights_info

__version__ = "0.1.0"

__all__ = [
    "ORIGINAL_SETTINGS",
    "TRUSTED_TYPES",
    "ClassActivationDisplay",
    "DenseSGDClassifier",
    "EfficientNetLite0Embedder",
    "EmbeddingCache",
    "EmbeddingDisplay",
    "EngineUnavailableError",
    "ExportMismatchError",
    "ImageClassifierPipeline",
    "LearningCurvesDisplay",
    "MistakesDisplay",
    "NoveltyDetector",
    "ResNet50Embedder",
    "UnreadableImageError",
    "UnsafeModelError",
    "WeightsUnavailableError",
    "__version__",
    "check_images",
    "class_activation_maps",
    "export_model",
    "find_duplicates",
    "find_label_issues",
    "find_leakage",
    "load_features",
    "load_image_folder",
    "load_image_splits",
    "load_image_table",
    "load_model",
    "load_weights_info",
    "make_image_classifier",
    "make_paper_figures",
    "make_report",
    "save_model",
]

# Where each public name lives. They are imported on first use, so that
# `import skresnet` is as quick as `import sklearn`.
_HOMES = {
    "ORIGINAL_SETTINGS": "skresnet.classifier",
    "TRUSTED_TYPES": "skresnet.model_files",
    "ClassActivationDisplay": "skresnet.displays",
    "DenseSGDClassifier": "skresnet.classifier",
    "EfficientNetLite0Embedder": "skresnet.embedder",
    "EmbeddingCache": "skresnet.cache",
    "EmbeddingDisplay": "skresnet.displays",
    "EngineUnavailableError": "skresnet.backbone",
    "ExportMismatchError": "skresnet.export",
    "ImageClassifierPipeline": "skresnet.pipeline",
    "LearningCurvesDisplay": "skresnet.displays",
    "MistakesDisplay": "skresnet.displays",
    "NoveltyDetector": "skresnet.novelty",
    "ResNet50Embedder": "skresnet.embedder",
    "UnreadableImageError": "skresnet.reading",
    "UnsafeModelError": "skresnet.model_files",
    "WeightsUnavailableError": "skresnet.weights",
    "check_images": "skresnet.auditing",
    "class_activation_maps": "skresnet.inspection",
    "export_model": "skresnet.export",
    "find_duplicates": "skresnet.auditing",
    "find_label_issues": "skresnet.auditing",
    "find_leakage": "skresnet.auditing",
    "load_features": "skresnet.datasets",
    "load_image_folder": "skresnet.datasets",
    "load_image_splits": "skresnet.datasets",
    "load_image_table": "skresnet.datasets",
    "load_model": "skresnet.model_files",
    "load_weights_info": "skresnet.weights",
    "make_image_classifier": "skresnet.pipeline",
    "make_paper_figures": "skresnet.datasets",
    "make_report": "skresnet.report",
    "save_model": "skresnet.model_files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

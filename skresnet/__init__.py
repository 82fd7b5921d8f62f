"""Image classification with a pretrained ResNet50, as a scikit-learn Pipeline."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skresnet.classifier import DenseSGDClassifier

__version__ = "0.1.0"

# Where each public name lives. They are imported on first use: `import skresnet`
# must not take the seconds that TensorFlow takes.
_HOMES = {
    "DenseSGDClassifier": "skresnet.classifier",
}

__all__ = ["DenseSGDClassifier", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

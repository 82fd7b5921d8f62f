"""Plots of a fitted classifier and its pictures, by scikit-learn's conventions.

Each display has ``from_...`` class methods that compute and draw, keeps what it
computed as attributes, and draws again with ``plot``. matplotlib is imported when
something is drawn.
"""

from skresnet.displays.class_activation import ClassActivationDisplay
from skresnet.displays.embedding import EmbeddingDisplay
from skresnet.displays.learning_curves import LearningCurvesDisplay
from skresnet.displays.mistakes import MistakesDisplay

__all__ = [
    "ClassActivationDisplay",
    "EmbeddingDisplay",
    "LearningCurvesDisplay",
    "MistakesDisplay",
]

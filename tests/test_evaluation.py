"""What is told of a model's predictions on labelled pictures."""

import numpy as np
import pytest

from skresnet.evaluation import Predictions


@pytest.fixture
def predictions():
    """Two cats right, a cat and two dogs taken for birds, a bird for a dog."""
    y_true = np.array(["cat", "cat", "cat", "dog", "dog", "bird"])
    chosen = [1, 1, 0, 0, 0, 2]
    probabilities = np.full((6, 3), 0.1)
    probabilities[np.arange(6), chosen] = 0.8
    pictures = np.zeros((6, 8, 8, 3), np.uint8)
    return Predictions.from_probabilities(pictures, y_true, probabilities, None)


def test_the_most_frequent_confusion_comes_first(predictions):
    shown = [str(confusion) for confusion in predictions.confusions(2)]
    assert shown[0] == "dog taken for bird: 2 of 2"
    assert predictions.confusions(9)[1:] == [
        ("bird", "dog", 1, 1),
        ("cat", "bird", 1, 3),
    ]
    assert len(shown) == 2


def test_accuracy_and_loss_are_those_of_the_probabilities(predictions):
    assert predictions.accuracy == pytest.approx(2 / 6)
    expected = -(2 * np.log(0.8) + 4 * np.log(0.1)) / 6
    assert predictions.loss == pytest.approx(expected)

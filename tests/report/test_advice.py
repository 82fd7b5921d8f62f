"""What a report advises, and that it does so for a reason only."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from pages import Page

from skresnet import load_image_folder, make_report
from skresnet.evaluation import Predictions
from skresnet.report.advice import advice

CLASSES = ["glass", "metal", "paper", "plastic"]


@pytest.fixture(scope="module")
def classifier(colour_model):
    """A fitted classifier whose best epoch came in time."""
    classifier = copy(colour_model["classifier"])
    classifier.history_ = {
        name: [0.5, 0.9, 0.9] for name in ("loss", "accuracy", "val_accuracy")
    } | {"val_loss": [0.9, 0.8, 0.5]}
    classifier.best_epoch_ = 1
    return classifier


def predictions(n=200, confused=(), confidence=None):
    """Predictions of ``n`` pictures a class, of which some are of a wrong class.

    ``confused`` are a true class, a predicted one and how often.
    """
    true = np.repeat(np.arange(4), n)
    given = true.copy()
    for one, other, n_taken in confused:
        right = np.flatnonzero((true == one) & (given == one))
        given[right[:n_taken]] = other
    if confidence is None:  # as sure as it is right
        confidence = (true == given).mean()
    probabilities = np.full((len(true), 4), (1 - confidence) / 3)
    probabilities[np.arange(len(true)), given] = confidence
    labels = np.array(CLASSES, dtype=object)[true]
    X = np.zeros((len(true), 1, 1, 3), np.uint8)
    return Predictions.from_probabilities(X, labels, probabilities, CLASSES)


def advised(*given):
    return {kind: reason for kind, reason in advice(*given).items() if reason}


def test_a_good_model_is_given_none(classifier):
    assert advised(classifier, predictions()) == {}
    some_wrong = predictions(confused=[(0, 1, 3), (2, 3, 3)], confidence=0.89)
    assert advised(classifier, some_wrong) == {}


def test_classes_that_are_confused_are_named_with_both_directions_counted(classifier):
    found = advised(classifier, predictions(confused=[(0, 3, 30), (3, 0, 15)]))
    assert found["confused"] == [("glass", "plastic", 45, 400)]
    assert "confused" not in advised(classifier, predictions(confused=[(0, 3, 30)]))


def test_at_most_three_pairs_are_named_the_most_confused_first(classifier):
    confused = [(0, 1, 50), (1, 2, 60), (2, 3, 70), (3, 0, 80)]
    found = advised(classifier, predictions(confused=confused))["confused"]
    assert [n_taken for *_, n_taken, _ in found] == [80, 70, 60]


def test_classes_that_are_recognised_less_than_chance_explains_are_named(classifier):
    confused = [(1, 0, 10), (1, 2, 10), (1, 3, 10)]
    found = advised(classifier, predictions(confused=confused))
    assert found["weak"] == [("metal", pytest.approx(0.85))]
    few = predictions(n=8, confused=[(1, 0, 1)])
    assert "weak" not in advised(classifier, few)


def test_sure_mistakes_ask_for_a_look_at_the_labels(classifier):
    confused = [(0, 1, 3)]
    sure, unsure = (
        advised(classifier, predictions(confused=confused, confidence=confidence))
        for confidence in (0.99, 0.8)
    )
    assert sure["sure"] == 3
    assert "sure" not in unsure


def test_probabilities_that_are_too_high_ask_for_calibration(classifier):
    confused = [(i, j, 13) for i in range(4) for j in range(4) if i != j]
    assert "overconfident" not in advised(classifier, predictions(confused=confused))
    too_sure = predictions(confused=confused, confidence=0.89)
    assert advised(classifier, too_sure)["overconfident"]


def test_few_pictures_leave_the_accuracy_uncertain(classifier):
    confused = [(i, j, 2) for i in range(4) for j in range(4) if i != j]
    found = advised(classifier, predictions(n=20, confused=confused))
    assert found["uncertain"] == "20"  # Wilson: 59.2% to 79.2% for 56 of 80


def test_a_model_no_better_than_the_most_frequent_class_is_told(classifier):
    confused = [(i, j, 50) for i in range(4) for j in range(4) if i != j]
    assert advised(classifier, predictions(confused=confused))["no_better"]


def test_a_training_that_was_still_improving_is_too_short(classifier):
    classifier = copy(classifier)
    classifier.best_epoch_ = 2
    assert advised(classifier, predictions())["too_short"] == 3
    classifier.history_ = classifier.history_ | {"val_loss": [0.9, 0.505, 0.5]}
    assert "too_short" not in advised(classifier, predictions())


def test_a_training_by_heart_is_told_and_not_to_be_longer(classifier):
    classifier = copy(classifier)
    classifier.history_ = classifier.history_ | {"val_accuracy": [0.5, 0.6, 0.7]}
    classifier.best_epoch_ = 2
    found = advised(classifier, predictions())
    assert found["overfitted"] == (0.9, 0.7)
    assert "too_short" not in found


def test_the_page_ends_with_it_in_words(colour_model, colour_folder):
    data = load_image_folder(colour_folder / "test")
    y = np.where(np.arange(18) % 6 < 2, np.roll(data.target, 6), data.target)
    page = Page(make_report(colour_model, data.data, y).html)
    *_, last = page.sections
    assert last == "advice"
    assert "weights of ResNet50 are random" in page.sections["advice"]
    assert "are confused" in page.sections["advice"]
    assert "percentage points wide" in page.sections["advice"]


def test_where_nothing_is_to_be_advised_the_page_says_so(pixel_model):
    model, X = pixel_model(n_classes=4, n_pictures=12)
    y = model.predict(X)
    model[0].weights_ = replace(model[0].weights_, name="distilled")
    page = Page(make_report(model, X, y).html)
    assert "advise nothing in particular" in page.sections["advice"]

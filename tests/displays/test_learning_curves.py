"""LearningCurvesDisplay: loss and accuracy an epoch, the best one marked."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from skresnet import DenseSGDClassifier, LearningCurvesDisplay

HISTORY = {
    "loss": [0.9, 0.6, 0.5],
    "accuracy": [0.4, 0.7, 0.8],
    "val_loss": [0.8, 0.7, 0.9],
    "val_accuracy": [0.5, 0.75, 0.75],
}


def curves(ax):
    """The curves by their names in the legend: epochs and values."""
    return {line.get_label(): line.get_xydata().T.tolist() for line in ax.lines}


def test_the_curves_are_those_of_the_fitted_pipeline(colour_model):
    classifier = colour_model["classifier"]
    display = LearningCurvesDisplay.from_estimator(colour_model)
    loss, accuracy = display.axes_
    epochs = list(range(1, 16))
    assert curves(loss)["training"] == [epochs, classifier.history_["loss"]]
    assert curves(loss)["validation"] == [epochs, classifier.history_["val_loss"]]
    assert curves(accuracy)["validation"] == [
        epochs,
        classifier.history_["val_accuracy"],
    ]
    best = classifier.best_epoch_ + 1
    for ax, name in ((loss, "loss"), (accuracy, "accuracy")):
        assert curves(ax)[f"best: {best}"][0] == [best, best]
        assert ax.get_ylabel() == name
    assert display.figure_ is loss.figure


def test_the_classifier_alone_will_do(features):
    classifier = DenseSGDClassifier(
        hidden_layer_sizes=(4,), epochs=2, validation_fraction=None, random_state=0
    ).fit(*features)
    display = LearningCurvesDisplay.from_estimator(classifier)
    assert "validation" not in curves(display.axes_[0])
    assert curves(display.axes_[0])["training"][1] == classifier.history_["loss"]


def test_a_search_shows_its_best_estimator(features):
    classifier = DenseSGDClassifier(hidden_layer_sizes=(4,), epochs=2, random_state=0)
    grid = {"learning_rate": [0.01, 0.1]}
    search = GridSearchCV(classifier, grid, cv=2).fit(*features)
    display = LearningCurvesDisplay.from_estimator(search)
    assert display.history is search.best_estimator_.history_


def test_without_a_best_epoch_the_first_of_the_most_accurate_is_marked():
    assert LearningCurvesDisplay.from_history(HISTORY).best_epoch == 1
    training_only = {name: HISTORY[name] for name in ("loss", "accuracy")}
    assert LearningCurvesDisplay.from_history(training_only).best_epoch == 2
    assert LearningCurvesDisplay.from_history(HISTORY, best_epoch=0).best_epoch == 0


def test_epochs_without_a_number_are_never_the_best():
    history = {"loss": [1.0, np.nan], "accuracy": [0.4, np.nan]}
    assert LearningCurvesDisplay.from_history(history).best_epoch == 0
    history = {"loss": [np.nan], "accuracy": [np.nan]}
    assert LearningCurvesDisplay.from_history(history).best_epoch is None


def test_what_keras_fit_returns_is_drawn():
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    X = np.zeros((4, 2), np.float32)
    history = model.fit(X, np.array([0, 1, 0, 1]), epochs=2, verbose=0)
    display = LearningCurvesDisplay.from_history(history)
    assert curves(display.axes_[0])["training"][1] == history.history["loss"]


def test_given_axes_are_drawn_on():
    _, pair = plt.subplots(2)
    display = LearningCurvesDisplay.from_history(HISTORY, ax=pair)
    assert list(display.axes_) == list(pair)
    figure, ax = plt.subplots()
    display.plot(ax=ax)
    assert display.ax_ is ax
    assert display.axes_.shape == (2,)
    assert all(panel.figure is figure for panel in display.axes_)


def test_line_keywords_reach_the_curves():
    display = LearningCurvesDisplay.from_history(HISTORY, line_kw={"linewidth": 7})
    assert display.axes_[0].lines[0].get_linewidth() == 7


def test_axes_that_cannot_be_divided_say_so():
    by_hand = plt.figure().add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"plt\.subplots"):
        LearningCurvesDisplay.from_history(HISTORY, ax=by_hand)
    with pytest.raises(ValueError, match="ax holds 3 axes"):
        LearningCurvesDisplay.from_history(HISTORY, ax=plt.subplots(3)[1])


def test_estimators_without_a_history_say_what_is_expected(features):
    with pytest.raises(TypeError, match="LogisticRegression keeps no history_"):
        LearningCurvesDisplay.from_estimator(LogisticRegression().fit(*features))
    with pytest.raises(NotFittedError):
        LearningCurvesDisplay.from_estimator(DenseSGDClassifier())


def test_histories_that_cannot_be_drawn_say_what_is_missing():
    with pytest.raises(ValueError, match="no accuracy"):
        LearningCurvesDisplay.from_history({"loss": [1.0]})
    with pytest.raises(TypeError, match="dict of lists"):
        LearningCurvesDisplay.from_history([1.0, 0.5])
    with pytest.raises(ValueError, match="from 0 to 2"):
        LearningCurvesDisplay.from_history(HISTORY, best_epoch=3)

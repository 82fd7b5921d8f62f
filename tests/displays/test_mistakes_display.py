"""MistakesDisplay: the pictures that are most confidently wrong."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.svm import LinearSVC

from skresnet import MistakesDisplay, load_image_folder

GREYS = [np.full((8, 12), value, np.uint8) for value in (0, 60, 120, 180)]
LABELS = ["cat", "cat", "dog", "dog"]
PROBABILITIES = [[0.9, 0.1], [0.3, 0.7], [0.95, 0.05], [0.2, 0.8]]


def titles(display):
    return [ax.get_title() for ax in display.axes_.flat if ax.get_title()]


def texts(display):
    return [text.get_text() for ax in display.axes_.flat for text in ax.texts]


def test_wrong_pictures_come_with_labels_and_probability_most_confident_first():
    display = MistakesDisplay.from_predictions(GREYS, LABELS, PROBABILITIES)
    assert titles(display) == [
        "predicted cat (0.95)\ntrue dog",
        "predicted dog (0.70)\ntrue cat",
    ]
    assert display.names == ["X[2]", "X[1]"]
    first = display.axes_.flat[0].images[0].get_array()
    assert np.unique(first).tolist() == [120]
    assert first.shape[1] == pytest.approx(1.5 * first.shape[0], rel=0.02)


def test_no_more_than_n_are_shown():
    display = MistakesDisplay.from_predictions(GREYS, LABELS, PROBABILITIES, n=1)
    assert len(display.images) == 1
    assert display.n_mistakes == 2
    assert display.n_samples == 4


def test_a_fitted_pipeline_is_wrong_where_the_labels_are(colour_model, colour_folder):
    data = load_image_folder(colour_folder / "test")
    predicted = colour_model.predict(data.data)
    labels = predicted.copy()
    labels[0], labels[-1] = "red", "blue"
    display = MistakesDisplay.from_estimator(colour_model, data.data, labels)
    found = zip(display.names, display.y_true, display.y_pred, strict=True)
    assert sorted(found) == [
        ("blue/00.png", "red", predicted[0]),
        ("red/05.png", "blue", predicted[-1]),
    ]
    probabilities = colour_model.predict_proba(data.data).max(axis=1)
    assert sorted(display.probability) == sorted(probabilities[[0, -1]])


def test_a_model_without_mistakes_is_said_to_make_none():
    right = np.eye(2)[[0, 0, 1, 1]]
    display = MistakesDisplay.from_predictions(GREYS, LABELS, right)
    assert texts(display) == ["no mistake in 4 pictures"]


def test_pictures_that_cannot_be_read_are_left_out(
    colour_model, colour_folder, tmp_path
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    data = load_image_folder(colour_folder / "test")
    X = [str(broken), *data.data]
    labels = ["red", "red", *data.target[1:]]
    with pytest.warns(UserWarning, match=r"1 of 19 pictures cannot be read.*broken"):
        display = MistakesDisplay.from_estimator(colour_model, X, labels)
    assert display.n_samples == 18
    assert titles(display)[0].startswith("predicted blue")


def test_pictures_that_are_gone_since_keep_their_place(tmp_path):
    X = [*GREYS[:2], str(tmp_path / "gone.png"), GREYS[3]]
    display = MistakesDisplay.from_predictions(X, LABELS, PROBABILITIES)
    assert display.images[0] is None
    assert texts(display) == ["cannot be read"]
    assert titles(display)[0] == "predicted cat (0.95)\ntrue dog"


def test_the_columns_are_those_of_the_classes_given():
    probabilities = np.insert(PROBABILITIES, 0, 0.0, axis=1)
    display = MistakesDisplay.from_predictions(
        GREYS, LABELS, probabilities, classes=["bird", "cat", "dog"]
    )
    assert titles(display)[0] == "predicted cat (0.95)\ntrue dog"
    with pytest.raises(ValueError, match=r"expected \(4, 2\).*classes=model"):
        MistakesDisplay.from_predictions(GREYS, LABELS, probabilities)


def test_names_that_matplotlib_would_take_for_formulas_are_drawn_as_they_are():
    labels = ["$x^", "$x^", "dog\udcff", "dog\udcff"]
    display = MistakesDisplay.from_predictions(GREYS, labels, PROBABILITIES)
    display.figure_.canvas.draw()
    assert titles(display)[0] == "predicted $x^ (0.95)\ntrue dog\\udcff"


def test_it_is_drawn_again_where_the_caller_wants_it():
    display = MistakesDisplay.from_predictions(GREYS, LABELS, PROBABILITIES)
    figure, (_, right) = plt.subplots(1, 2)
    assert display.plot(ax=right, n_columns=1) is display
    assert display.ax_ is right
    assert display.figure_ is figure
    assert display.axes_.shape == (2, 1)


def test_models_and_labels_that_do_not_fit_are_errors(colour_model):
    with pytest.raises(TypeError, match="LinearSVC has no predict_proba"):
        MistakesDisplay.from_estimator(LinearSVC(), GREYS, LABELS)
    with pytest.raises(ValueError, match="none of which the model knows"):
        MistakesDisplay.from_estimator(colour_model, GREYS, LABELS)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MistakesDisplay.from_estimator(colour_model, GREYS, ["red"])


@pytest.mark.parametrize("wrong", [{"n": -1}, {"n": 2.5}, {"n_columns": 0}])
def test_wrong_values_are_told_before_a_picture_is_opened(colour_model, wrong):
    with pytest.raises(ValueError, match=f"'{next(iter(wrong))}'"):
        MistakesDisplay.from_estimator(colour_model, ["gone.png"], ["red"], **wrong)


def test_axes_that_cannot_be_divided_are_told_before_a_picture_is_opened(colour_model):
    by_hand = plt.figure().add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"plt\.subplots"):
        MistakesDisplay.from_estimator(colour_model, ["gone.png"], ["red"], ax=by_hand)

"""The numbers of a report, against scikit-learn and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from pages import Page
from sklearn.metrics import classification_report, confusion_matrix

from skresnet import load_image_folder, make_report
from skresnet.evaluation import Predictions
from skresnet.novelty import Recognised
from skresnet.report import numbers, report_on
from skresnet.report.numbers import accuracy_interval, calibration_error, reliability
from skresnet.report.report import percent


@pytest.fixture(scope="module")
def data(colour_folder):
    """Test pictures, some under a wrong label."""
    data = load_image_folder(colour_folder / "test")
    data.target = data.target.copy()
    data.target[:3] = "red"
    return data


@pytest.fixture(scope="module")
def page(colour_model, data):
    return Page(make_report(colour_model, data.data, data.target).html)


def test_the_accuracy_is_the_models_score(page, colour_model, data):
    score = colour_model.score(data.data, data.target)
    assert f"{100 * score:.1f}%" in page.sections["accuracy"]
    assert f"{round(18 * score)} of 18 pictures" in page.sections["accuracy"]
    low, high = accuracy_interval(round(18 * score), 18)
    assert f"{100 * low:.1f}% to {100 * high:.1f}%" in page.sections["accuracy"]


def test_the_interval_is_wilsons():
    # (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) for p = 0.8, n = 10.
    z, p, n = 1.959964, 0.8, 10
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    expected = (p + z**2 / (2 * n) + np.array([-half, half])) / (1 + z**2 / n)
    np.testing.assert_allclose(accuracy_interval(8, 10), expected, rtol=1e-6)
    low, high = accuracy_interval(20, 20)
    assert 0.8 < low < 0.85
    assert high == 1


def test_the_most_frequent_class_is_what_to_beat(page):
    assert "Always answering red" in page.sections["accuracy"]
    assert "right for 50.0%" in page.sections["accuracy"]


def test_the_scores_of_the_classes_are_scikit_learns(page, colour_model, data):
    expected = classification_report(
        data.target, colour_model.predict(data.data), output_dict=True
    )
    rows = {row[0]: row[1:] for row in page.tables["classes"][0]}
    assert rows["class"] == ["precision", "recall", "F1", "pictures"]
    for shown, name in (("blue", "blue"), ("red", "red"), ("mean", "macro avg")):
        scores = [expected[name][k] for k in ("precision", "recall", "f1-score")]
        assert rows[shown][:3] == [f"{score:.3f}" for score in scores]
        assert rows[shown][3] == str(int(expected[name]["support"]))


def test_the_confusion_matrix_is_scikit_learns(page, colour_model, data):
    head, *rows = page.tables["classes"][1]
    assert head == ["true class", "blue", "green", "red"]
    shown = [[int(cell) for cell in row[1:]] for row in rows]
    expected = confusion_matrix(data.target, colour_model.predict(data.data))
    assert shown == expected.tolist()


def test_with_many_classes_the_most_frequent_confusions_are_listed(pixel_model):
    model, X = pixel_model(n_classes=25)
    y = model.predict(X)
    right = y.copy()
    y[right == right[0]] = right[-1]
    page = Page(make_report(model, X, y).html)
    n_wrong = str((right == right[0]).sum())
    _, *pairs = page.tables["classes"][1]
    assert pairs == [[right[-1], right[0], n_wrong]]


def test_mistakes_come_with_both_probabilities(page, colour_model, data):
    probabilities = colour_model.predict_proba(data.data)
    red = list(colour_model.classes_).index("red")
    for row in range(3):
        predicted = probabilities[row].argmax()
        name = colour_model.classes_[predicted]
        given = percent(probabilities[row, predicted])
        own = percent(probabilities[row, red])
        assert f"predicted {name} {given} true red {own}" in page.sections["mistakes"]
        assert f"0{row}.png" in page.sections["mistakes"]


@pytest.mark.parametrize("asked", [0, 2, 99])
def test_as_many_mistakes_are_shown_as_asked_for(colour_model, data, asked):
    n_wrong = (colour_model.predict(data.data) != data.target).sum()
    report = make_report(colour_model, data.data, data.target, n_mistakes=asked)
    page = Page(report.html)
    shown = min(asked, n_wrong)
    assert f"{shown} of {n_wrong} mistakes" in page.sections["mistakes"]
    assert sum("predicted" in img["alt"] for img in page.all("img")) == shown


def test_reliability_and_its_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.65, 0.65])
    is_right = np.array([True, True, True, False, True, False])
    right, mean, counts = reliability(is_right, confidence)
    np.testing.assert_allclose(right, [0.5, 0.75])
    np.testing.assert_allclose(mean, [0.65, 0.95])
    assert counts.tolist() == [2, 4]
    expected = (2 * 0.15 + 4 * 0.20) / 6
    assert calibration_error(is_right, confidence) == pytest.approx(expected)


def test_bins_count_all_predictions_also_at_their_edges():
    confidence = np.linspace(0, 1, 101)
    *_, counts = reliability(confidence > 0.5, confidence)
    assert counts.sum() == 101
    assert counts.size == 10


def test_a_model_that_is_always_right_and_sure_has_no_error():
    assert calibration_error(np.ones(5, bool), np.ones(5)) == 0


def test_a_hundred_percent_is_said_of_nothing_less():
    assert percent(1) == "100.0%"
    assert percent(0.99996) == ">99.9%"
    assert percent(0.999) == "99.9%"
    assert percent(0) == "0.0%"
    assert percent(0.0001) == "<0.1%"


def test_training_pictures_are_counted_and_the_others_have_their_own_share(
    colour_model, colour_folder, data
):
    train = load_image_folder(colour_folder / "train")
    X, y = [*train.data[:2], *data.data], [*train.target[:2], *data.target]
    text = Page(make_report(colour_model, X, y).html).sections["accuracy"]
    assert "2 pictures of 20 among those that it was trained on, byte for byte" in text
    assert "train/blue/00.png, train/blue/01.png" in text
    right = round(18 * colour_model.score(data.data, data.target))
    assert f"{100 * right / 18:.1f}% were predicted right ({right} of 18)" in text


def test_nothing_is_said_of_training_pictures_where_there_are_none(page):
    assert "byte for byte" not in page.sections["accuracy"]


def test_pictures_unlike_the_training_are_counted(colour_model, data):
    stripes = np.zeros((40, 48, 3), np.uint8)
    stripes[:, ::3] = 255
    X, y = [*data.data, stripes, stripes], [*data.target, "red", "blue"]
    n_unlike = int((colour_model.novelty(X) > 1).sum())
    assert n_unlike >= 2
    text = Page(make_report(colour_model, X, y).html).sections["data"]
    assert f"{n_unlike} pictures ({100 * n_unlike / 20:.1f}%) are unlike" in text
    assert "The most unlike are X[1" in text


def test_subjects_of_the_training_and_near_copies_are_told(colour_model, data):
    n_pictures = len(data.data)
    are_related = np.arange(n_pictures) == 3
    are_near = np.arange(n_pictures) < 2
    predictions = replace(
        Predictions.from_model(colour_model, data.data, data.target),
        recognised=Recognised(np.zeros(n_pictures, bool), are_near, are_related),
    )
    text = Page(report_on(colour_model, predictions).html).sections["accuracy"]
    assert "2 pictures of 18 nearly the same" in text
    assert "1 picture of 18 of a subject that it was trained on: blue/03.png" in text
    assert " of 15)" in text


def doubted(colour_model, data):
    """The picture whose label was changed, among many that are right."""
    classes = colour_model.classes_
    probabilities = 0.9 * (data.target[:, np.newaxis] == classes) + 0.1 / 3
    y = data.target.copy()
    y[4] = "red"
    return Predictions.from_probabilities(data.data, y, probabilities, classes)


def test_doubtful_labels_are_shown_with_what_they_may_be(colour_model, data):
    page = Page(report_on(colour_model, doubted(colour_model, data)).html)
    text = page.sections["labels"]
    assert "1 of 1 label that confident learning doubts" in text
    assert "labelled red" in text
    assert "rather blue" in text
    assert "04.png" in text
    assert "a picture labelled red, rather blue" in {
        img["alt"] for img in page.all("img")
    }


def test_without_cleanlab_it_is_said_what_finds_doubtful_labels(
    colour_model, data, monkeypatch
):
    monkeypatch.setattr(numbers, "find_spec", lambda name: None)
    page = Page(report_on(colour_model, doubted(colour_model, data)).html)
    assert "skresnet[audit]" in page.sections["labels"]

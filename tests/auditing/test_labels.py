"""Labels that are probably wrong."""

import builtins

import numpy as np
import pytest
from colour_pipelines import colour_pipeline
from sklearn.svm import LinearSVC

from skresnet import (
    DenseSGDClassifier,
    ResNet50Embedder,
    find_label_issues,
    load_image_folder,
)
from skresnet.auditing.labels import out_of_fold


@pytest.fixture(scope="module")
def flipped(colour_folder):
    """Pictures of which four have the label of another class."""
    data = load_image_folder(colour_folder / "train")
    y = data.target.copy()
    y[[3, 15, 20, 30]] = ["red", "blue", "red", "green"]
    return data.data, y


def model():
    return colour_pipeline(classifier__epochs=30)


def test_flipped_labels_are_found_with_what_they_should_be(flipped):
    issues = find_label_issues(model(), *flipped)
    found = {issue.position: (issue.label, issue.suggested) for issue in issues[:4]}
    assert found == {
        3: ("red", "blue"),
        15: ("blue", "green"),
        20: ("red", "green"),
        30: ("green", "red"),
    }
    doubts = [issue.probability for issue in issues]
    assert doubts == sorted(doubts)
    assert all(issue.suggested_probability > issue.probability for issue in issues[:4])


def test_each_picture_is_embedded_once(flipped, monkeypatch):
    embedded = []
    embed = ResNet50Embedder._embed
    monkeypatch.setattr(
        ResNet50Embedder,
        "_embed",
        lambda self, pictures, *args, **params: (
            embedded.extend(pictures) or embed(self, pictures, *args, **params)
        ),
    )
    find_label_issues(model(), *flipped, cv=3)
    assert len(embedded) == len(flipped[0])


def test_the_model_is_not_changed(flipped):
    unfitted = model()
    find_label_issues(unfitted, *flipped, cv=2)
    assert not hasattr(unfitted["classifier"], "classes_")
    assert not hasattr(unfitted["embedder"], "weights_")


def test_groups_stay_on_one_side_of_a_fold():
    # The class can be told by the group alone, which is what must not help.
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 5)
    labels = np.array(["a", "b"])[generator.permutation(np.arange(12) % 2)[groups]]
    rows = np.eye(12)[groups] + generator.normal(0, 0.01, (60, 12))
    from sklearn.neighbors import KNeighborsClassifier

    nearest = KNeighborsClassifier(1)
    torn = out_of_fold(nearest, rows, labels, cv=4)
    whole = out_of_fold(nearest, rows, labels, groups, cv=4)
    is_b = labels == "b"
    assert (torn[:, 1].round() == is_b).all()
    assert np.mean(whole[:, 1].round() == is_b) < 0.8


def test_pictures_that_cannot_be_read_keep_the_positions_of_the_others(
    flipped, tmp_path
):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    X, y = [str(broken), *flipped[0]], ["red", *flipped[1]]
    with pytest.warns(UserWarning, match=r"1 of 37 pictures .*broken\.jpg"):
        issues = find_label_issues(model(), X, y)
    assert {issue.position for issue in issues[:4]} == {4, 16, 21, 31}


def test_a_class_of_one_picture_is_left_out(flipped):
    y = flipped[1].copy().astype(object)
    y[0] = "lone"
    assert 0 not in {
        issue.position for issue in find_label_issues(model(), flipped[0], y)
    }


def test_a_model_without_an_embedder_is_refused(flipped):
    with pytest.raises(TypeError, match="make_image_classifier"):
        find_label_issues(DenseSGDClassifier(), *flipped)


def test_what_to_install_is_said_where_cleanlab_is_missing(flipped, monkeypatch):
    imported = builtins.__import__

    def without_cleanlab(name, *args, **params):
        if name.partition(".")[0] == "cleanlab":
            raise ImportError(name)
        return imported(name, *args, **params)

    monkeypatch.setattr(builtins, "__import__", without_cleanlab)
    with pytest.raises(ImportError, match=r"skresnet\[audit\]"):
        find_label_issues(model(), *flipped)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"cv": 1}, "cv == 1"),
        ({"groups": ["one"] * 36}, "groups: all pictures belong to 'one'"),
        ({"groups": [None] * 36}, "groups has 36 missing"),
        ({"groups": [[1]] * 36}, "groups has the shape"),
    ],
)
def test_what_no_folds_can_be_made_of_is_refused_before_a_picture_is_opened(
    params, words
):
    y = ["red", "blue"] * 18
    with pytest.raises(ValueError, match=words):
        find_label_issues(model(), ["no_file.png"] * 36, y, **params)


def test_a_model_without_probabilities_is_refused(flipped):
    without = model().set_params(classifier=LinearSVC())
    with pytest.raises(TypeError, match="LinearSVC, which has no predict_proba"):
        find_label_issues(without, *flipped)

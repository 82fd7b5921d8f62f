"""Arrays that are no pictures or no features: named, described, and what to do."""

import numpy as np
import pytest
from PIL import Image
from small import noise, small_classifier, small_embedder

PICTURES = noise(6)
FLOATS = PICTURES.astype(float)


def with_value(value):
    pictures = FLOATS.copy()
    pictures[3, 0, 0, 0] = value
    return pictures


REFUSED = {
    "channels first": (
        np.moveaxis(PICTURES, -1, 1),
        r"X is an array of shape \(6, 3, 20, 24\); expected .*np.moveaxis\(X, 1, -1\)",
    ),
    "channels first in a list": (
        [np.moveaxis(picture, -1, 0) for picture in PICTURES],
        r"X\[0\] is an array of shape \(3, 20, 24\).*np.moveaxis\(X\[0\], 0, -1\)",
    ),
    "two channels": (PICTURES[..., :2], r"\(6, 20, 24, 2\).*2 channels are neither"),
    "a single picture": (PICTURES[0], r"\(20, 24, 3\).*pass X\[np.newaxis\]"),
    "flat rows": (PICTURES.reshape(6, -1), r"\(6, 1440\).*X.reshape\(len\(X\)"),
    "five axes": (PICTURES[np.newaxis], r"\(1, 6, 20, 24, 3\).*one axis each"),
    "objects": (PICTURES.astype(object), r"dtype object.*X.astype\(numpy.uint8\)"),
    "complex numbers": (PICTURES.astype(complex), "X .*complex128; expected pixels"),
    "nothing in a list": ([], "X holds no picture"),
    "nothing in an array": (PICTURES[:0], "X holds no picture"),
    "None": (None, "X is of type NoneType; expected a list"),
    "a missing path": (["a.jpg", None], r"X has 1 missing .* position\(s\) 1: remove"),
    "one path": ("a.jpg", r"single path, 'a.jpg': put it in a list"),
    "a generator": ((p for p in PICTURES), "X is of type generator: .* pass the paths"),
    "nested lists": (PICTURES.tolist(), r"X\[0\] is of type list.*numpy.asarray"),
    "no image's content": ([b"\xff\xd8"], r"X\[0\]: no image format recognised"),
    "NaN": (with_value(np.nan), r"X\[3\]: 1 of its values are NaN or infinite"),
    "infinity": (with_value(np.inf), r"X\[3\]: 1 of its values are NaN or infinite"),
    "negative integers": (
        PICTURES.astype(int) - 100,
        r"X\[0\]: int64 values run from -\d+ to \d+, outside 0 to 255; scale them",
    ),
}


@pytest.mark.parametrize(("X", "message"), REFUSED.values(), ids=REFUSED)
def test_arrays_that_are_no_pictures_are_refused_in_words(X, message):
    embedder = small_embedder().fit(PICTURES)
    with pytest.raises((ValueError, TypeError), match=message):
        embedder.transform(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (FLOATS / 255, r"6 pictures: X\[0\].*between 0 and 1,.* multiply them by 255"),
        (FLOATS - 120, r"6 pictures: X\[0\].*before any preprocessing"),
        (PICTURES.astype(np.uint16), r"6 pictures: X\[0\].*do not exceed 255"),
    ],
    ids=["0 to 1", "preprocessed", "bytes in uint16"],
)
def test_values_on_another_scale_give_one_warning_and_rows(X, message):
    embedder = small_embedder().fit(PICTURES)
    with pytest.warns(UserWarning, match=message) as caught:
        rows = embedder.transform(X)
    # From Python 3.12 on, OpenVINO's report of its import may be another one.
    ours = [text for text in map(str, caught) if "use of fork()" not in text]
    assert len(ours) == 1
    assert np.isfinite(rows).all()


def test_an_array_of_objects_that_are_pictures_is_a_list_of_them():
    X = np.empty(2, object)
    X[:] = [PICTURES[0], Image.fromarray(PICTURES[1])]
    embedder = small_embedder().fit(PICTURES)
    np.testing.assert_array_equal(
        embedder.transform(X), embedder.transform(PICTURES[:2])
    )


NO_FEATURES = {
    "another width": (lambda X: X[:, :4], "X has 4 features, .*expecting 30.*layer"),
    "paths": (lambda X: ["a.jpg"] * len(X), "'a.jpg'.*ResNet50Embedder makes"),
    "pictures": (lambda X: PICTURES, "dim 4.*ResNet50Embedder makes"),
    "one row": (lambda X: X[0], "Expected 2D array"),
    "nothing": (lambda X: X[:0], "0 sample.*ResNet50Embedder makes"),
    "infinity": (
        lambda X: np.full_like(X, np.inf),
        "infinity in 240 of 240 rows",
    ),
}


@pytest.mark.parametrize(("change", "message"), NO_FEATURES.values(), ids=NO_FEATURES)
def test_what_is_no_features_is_told_to_who_predicts(features, change, message):
    X, y = features
    classifier = small_classifier(epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        classifier.predict(change(X))


def test_a_validation_set_is_called_by_its_name(features):
    X, y = features
    with pytest.raises(ValueError, match="X_val cannot be used: X has 4 features"):
        small_classifier().fit(X, y, X_val=X[:, :4], y_val=y)
    with pytest.raises(ValueError, match="X_val contains NaN in 240 of 240 rows"):
        small_classifier().fit(X, y, X_val=X * np.nan, y_val=y)
    with pytest.raises(ValueError, match=r"\[240, 3\] \(X_val and y_val\)"):
        small_classifier().fit(X, y, X_val=X, y_val=y[:3])

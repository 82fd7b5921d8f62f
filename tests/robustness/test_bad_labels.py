"""Labels that are none: named, described, and what to do."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from small import noise, small_classifier, small_pipeline

LABELS = ["cat", "dog"] * 6
CODES = np.array([0, 1] * 6)
X = np.random.default_rng(0).normal(size=(12, 5))


def first_missing(value):
    return [value, *LABELS[1:]]


ONE_MISSING = r"y has 1 missing value\(s\) .* position\(s\) 0: remove"

REFUSED = {
    "None": (None, "y is None; .*pass one class label a picture"),
    "a shorter list": (LABELS[:-1], r"\[12, 11\] \(X and y\). y needs one label for"),
    "nothing": ([], r"\[12, 0\] \(X and y\)"),
    "one-hot": (np.eye(2)[CODES], r"shape \(12, 2\).*one-hot.*numpy.argmax\(y, axis"),
    "several labels": (
        np.array([[1, 1, 0], [0, 1, 0]] * 6),
        r"shape \(12, 3\).*For several labels a picture.*MultiOutputClassifier",
    ),
    "lists of several labels": (
        [["cat"], ["cat", "dog"]] * 6,
        r"MultiLabelBinarizer\(\).*MultiOutputClassifier",
    ),
    "masked": (
        np.ma.masked_array(CODES, CODES == 1),
        r"of which 6 values are masked; leave these samples out",
    ),
    "three axes": (np.zeros((12, 2, 2)), r"y has shape \(12, 2, 2\); expected one"),
    "a text": ("cat", r"y has shape \(\); expected one label a picture"),
    "lists": ([["cat"], ["cat", "dog"]] * 6, "lists that differ in length; expected"),
    "measurements": (np.linspace(0, 1, 12), r"y holds no class labels but \[0.0, 0.09"),
    "one class": (["cat"] * 12, r"y has one class only: \['cat'\].*at least 2"),
    "None among texts": (first_missing(None), ONE_MISSING),
    "NaN among texts": (first_missing(np.nan), ONE_MISSING),
    "NaN among numbers": (np.where(np.arange(12) == 0, np.nan, CODES), ONE_MISSING),
    "NA of pandas": (pd.Series(first_missing(pd.NA)), ONE_MISSING),
    "NA of pandas' strings": (pd.Series(first_missing(None), dtype="str"), ONE_MISSING),
    "null of polars": (pl.Series(first_missing(None)), ONE_MISSING),
    "infinity": (np.where(np.arange(12) == 0, np.inf, CODES), r"\[inf, 1.0.*infinity"),
}


# NumPy warns when scikit-learn looks whether infinity is a whole number.
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(("y", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_labels_is_refused_in_words(y, message):
    classifier = small_classifier()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        classifier.fit(X, y)
    assert vars(classifier) == vars(small_classifier())


TAKEN = {
    "floats that are whole": (CODES.astype(float), [0.0, 1.0]),
    "booleans": (CODES == 1, [False, True]),
    "a category": (pd.Series(LABELS, dtype="category"), ["cat", "dog"]),
    "strings of polars": (pl.Series(LABELS), ["cat", "dog"]),
}


@pytest.mark.parametrize(("y", "classes"), TAKEN.values(), ids=TAKEN)
def test_labels_of_other_types_come_back_as_they_are(y, classes):
    classifier = small_classifier().fit(X, y)
    assert classifier.classes_.tolist() == classes
    assert set(classifier.predict(X).tolist()) <= set(classes)


def test_a_column_of_labels_is_taken_with_scikit_learns_warning():
    with pytest.warns(UserWarning, match="column-vector y"):
        classifier = small_classifier().fit(X, np.array(LABELS)[:, np.newaxis])
    expected = small_classifier().fit(X, LABELS).predict_proba(X)
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)


def test_labels_that_training_never_saw_count_as_wrong_and_evaluate_names_them():
    classifier = small_classifier().fit(X, LABELS)
    truth = np.where(CODES == 0, classifier.predict(X), "fish")
    assert classifier.score(X, truth) == 0.5
    with pytest.raises(ValueError, match=r"\['fish'\]; expected some of \['cat', 'dog"):
        classifier.evaluate(X, truth)


def test_a_wrong_number_of_labels_is_told_before_any_picture_is_opened():
    paths = [f"missing {i}.jpg" for i in range(6)]
    with pytest.raises(ValueError, match=r"\[6, 4\] \(X and y\)"):
        small_pipeline().fit(paths, LABELS[:4])


SINGLE = ["many"] * 11 + ["one"]
TABLES = {
    "pandas objects": pd.Series(SINGLE, dtype=object),
    "pandas strings": pd.Series(SINGLE, dtype="string"),
    "pandas category": pd.Series(SINGLE, dtype="category"),
    "pandas Arrow": pd.Series(SINGLE, dtype=pd.ArrowDtype(pa.string())),
    "polars strings": pl.Series(SINGLE),
    "polars Enum": pl.Series(SINGLE, dtype=pl.Enum(["many", "one"])),
    "polars Categorical": pl.Series(SINGLE, dtype=pl.Categorical),
    "Arrow": pa.array(SINGLE),
    "Arrow in chunks": pa.chunked_array([SINGLE[:5], SINGLE[5:]]),
}


@pytest.mark.parametrize("y", TABLES.values(), ids=TABLES)
def test_labels_of_a_table_take_every_path_that_an_array_takes(y):
    with pytest.warns(UserWarning, match=r"not validated: \['one'\]"):
        classifier = small_classifier().fit(X, y)
    with pytest.warns(UserWarning, match="not validated"):
        expected = small_classifier().fit(X, np.array(SINGLE))
    np.testing.assert_array_equal(classifier.predict(X), expected.predict(X))
    assert classifier.evaluate(X, y) == expected.evaluate(X, np.array(SINGLE))
    with pytest.raises(ValueError, match=r"training did not have: \['fish'\]"):
        classifier.evaluate(X, pd.Series(["fish"] * 12, dtype=object))
    with pytest.raises(ValueError, match=r"classes \['cat', 'dog'\] differ from"):
        classifier.set_params(warm_start=True).fit(X, LABELS)


def test_a_class_with_one_picture_is_learnt_from_and_named():
    labels = np.array(["many"] * 5 + ["one"])
    model = small_pipeline()
    with pytest.warns(UserWarning, match=r"not validated: \['one'\]. Add pictures"):
        model.fit(noise(6), labels)
    assert model.predict_proba(noise(6)).shape == (6, 2)

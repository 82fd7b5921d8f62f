"""Models that other versions have saved."""

import copy
import pickle
import warnings

import keras
import numpy as np
import pytest
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from small import noise, small_classifier, small_embedder
from surroundings import run_python

import skresnet


@pytest.fixture(scope="module")
def fitted(features):
    return [small_embedder().fit(noise(1)), small_classifier().fit(*features)]


def read_as_saved_by(versions, estimator):
    """Read what the estimator's pickle would be if it came of other versions."""
    state = estimator.__getstate__()
    state["_made_with"] = {**state["_made_with"], **versions}
    new = object.__new__(type(estimator))
    new.__setstate__(pickle.loads(pickle.dumps(state)))
    return new


@pytest.mark.parametrize("index", [0, 1], ids=["embedder", "classifier"])
@pytest.mark.parametrize(
    ("package", "category"),
    [
        ("scikit-learn", InconsistentVersionWarning),
        ("keras", UserWarning),
        ("skresnet", UserWarning),
    ],
)
def test_another_version_is_warned_of_with_both_numbers(
    fitted, index, package, category
):
    now = {
        "scikit-learn": sklearn.__version__,
        "keras": keras.__version__,
        "skresnet": skresnet.__version__,
    }[package]
    estimator = fitted[index]
    with pytest.warns(category) as caught:
        read_as_saved_by({package: "0.0.7"}, estimator)
    (warning,) = caught
    text = str(warning.message)
    assert "0.0.7" in text
    assert now in text
    assert type(estimator).__name__ in text


def test_the_same_versions_read_in_silence_and_predict_the_same(fitted, features):
    X, _ = features
    embedder, classifier = fitted
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_again = pickle.loads(pickle.dumps(fitted))
        copies = copy.deepcopy(fitted)
    for embedder_, classifier_ in (read_again, copies):
        assert vars(classifier_).keys() - vars(classifier).keys() == {"_made_with"}
        assert classifier_._made_with["keras"] == keras.__version__
        np.testing.assert_array_equal(
            classifier_.predict_proba(X), classifier.predict_proba(X)
        )
        np.testing.assert_array_equal(
            embedder_.transform(noise(2)), embedder.transform(noise(2))
        )


def test_reading_a_model_does_not_import_tensorflow(fitted, tmp_path):
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    program = (
        "import pickle, sys\n"
        "with open(sys.argv[1], 'rb') as file: pickle.load(file)\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    assert run_python(program, tmp_path / "model.pickle") == "set()"

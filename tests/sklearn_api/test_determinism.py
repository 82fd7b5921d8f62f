"""The same seed gives the same model, and nobody else's seed is touched."""

import json
import random

import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.model_selection import cross_val_predict
from small_models import small_pipeline
from surroundings import run_python

FIT = """
import json, sys
import numpy as np
from skresnet import make_image_classifier
params, X, y, X_test, target = json.load(open(sys.argv[1]))
model = make_image_classifier(**params).fit(X, y)
np.save(target, model.predict_proba(X_test))
"""


@pytest.fixture(scope="module")
def expected(data):
    model = small_pipeline().fit(data.train.data, data.train.target)
    return model.predict_proba(data.test.data)


def test_two_fits_in_one_process_are_equal_to_the_bit(data, expected):
    model = small_pipeline().fit(data.train.data, data.train.target)
    np.testing.assert_array_equal(model.predict_proba(data.test.data), expected)
    model.fit(data.train.data, data.train.target)
    np.testing.assert_array_equal(model.predict_proba(data.test.data), expected)


def test_another_seed_gives_another_model(data, expected):
    model = small_pipeline(embedder__random_state=1, classifier__random_state=1)
    model.fit(data.train.data, data.train.target)
    assert not np.allclose(model.predict_proba(data.test.data), expected)


def test_a_fit_in_another_process_with_two_threads_is_equal_to_the_bit(
    data, expected, tmp_path
):
    steps = {
        name: value
        for name, value in small_pipeline().get_params().items()
        if "__" in name
    }
    target = tmp_path / "probabilities.npy"
    job = [
        {**steps, "embedder__n_jobs": 2},
        list(data.train.data),
        list(data.train.target),
        list(data.test.data),
        str(target),
    ]
    (tmp_path / "job.json").write_text(json.dumps(job))
    run_python(FIT, tmp_path / "job.json")
    np.testing.assert_array_equal(np.load(target), expected)


def test_workers_give_what_one_process_gives(data):
    X, y = data.train.data, data.train.target

    def predicted(n_jobs):
        return cross_val_predict(
            small_pipeline(), X, y, cv=2, method="predict_proba", n_jobs=n_jobs
        )

    alone = predicted(1)
    for backend in ("loky", "threading"):
        with joblib.parallel_config(backend=backend):
            np.testing.assert_array_equal(predicted(2), alone)


def test_no_generator_of_the_caller_is_touched(data):
    def draws():
        """Numbers of every global generator, from where the fit left it."""
        return [
            random.random(),
            np.random.random(),  # noqa: NPY002
            float(tf.random.uniform(())),
            float(keras.random.uniform(())),
        ]

    keras.utils.set_random_seed(5)  # that of Python, NumPy and TensorFlow too
    expected = draws()
    keras.utils.set_random_seed(5)
    # A seed of its own, so that the network is built here and not taken from another
    # test.
    model = small_pipeline(embedder__random_state=12345)
    model.fit(data.train.data, data.train.target).predict(data.test.data)
    assert draws() == expected

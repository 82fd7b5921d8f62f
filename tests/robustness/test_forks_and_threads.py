"""Threads and processes: right answers, or an error that names the way to get them."""

import multiprocessing
import os
import threading

import joblib
import numpy as np
import pytest
from small import noise, small_classifier, small_embedder
from surroundings import needs_openvino, run_python


@pytest.fixture(scope="module")
def embedder():
    embedder = small_embedder(batch_size=4).fit(noise(1))
    embedder.transform(noise(1))
    return embedder


def test_two_threads_get_what_one_gets(embedder):
    expected = embedder.transform(noise(40))
    rows = {}

    def transform(start):
        rows[start] = embedder.transform(noise(40)[start::2])

    threads = [threading.Thread(target=transform, args=[start]) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(rows[0], expected[::2])
    np.testing.assert_array_equal(rows[1], expected[1::2])


def test_the_default_workers_of_joblib_get_what_this_process_gets(embedder):
    first, second = joblib.Parallel(2)(
        joblib.delayed(embedder.transform)(noise(6)[half]) for half in ([0, 1], [2, 3])
    )
    rows = np.concatenate([first, second])
    np.testing.assert_array_equal(rows, embedder.transform(noise(4)))


def test_a_spawned_process_gets_what_this_process_gets(embedder):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        rows = pool.apply(embedder.transform, [noise(3)])
    np.testing.assert_array_equal(rows, embedder.transform(noise(3)))


# Each action in a fork of its own, before and after this process computes.
IN_A_FORK = """
import os
import numpy as np
from small import noise, small_classifier, small_embedder

def in_a_fork(action):
    if os.fork():
        return os.wait()
    try:
        action()
        print("done", flush=True)
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
"""

FORKS = f"""{IN_A_FORK}
X, y = np.random.default_rng(0).normal(size=(20, 5)), ["cat", "dog"] * 10
embedder = small_embedder(engine="tensorflow").fit(noise(2))
classifier = small_classifier()
in_a_fork(lambda: embedder.transform(noise(2)))
classifier.fit(X, y)
classifier.predict(X)
in_a_fork(lambda: classifier.predict(X))
in_a_fork(lambda: embedder.transform(noise(2)))
in_a_fork(lambda: small_classifier().fit(X, y))
"""

OPENVINO_FORKS = f"""{IN_A_FORK}
embedder = small_embedder(engine="openvino").fit(noise(2))
in_a_fork(lambda: embedder.transform(noise(2)))
embedder.transform(noise(2))
in_a_fork(lambda: embedder.transform(noise(2)))
other = small_embedder(engine="tensorflow")
in_a_fork(lambda: other.fit(noise(2)).transform(noise(2)))
"""

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")


@forking
def test_a_fork_works_before_tensorflow_has_computed_and_is_refused_after():
    before, predicted, *after = run_python(FORKS).splitlines()
    assert before == predicted == "done"  # NumPy predicts
    assert len(after) == 2
    # TensorFlow would wait for ever in each of them.
    for message in after:
        assert "was forked from one" in message
        assert "'loky' instead of 'multiprocessing'" in message
        assert "get_context('spawn')" in message


@forking
@needs_openvino
def test_a_fork_is_refused_the_engine_that_has_computed_and_no_other():
    before, refused, other = run_python(OPENVINO_FORKS).splitlines()
    assert before == "done"
    assert "in which OpenVINO had already computed" in refused
    assert other == "done"


@forking
def test_the_multiprocessing_backend_of_joblib_is_refused(features):
    X, y = features
    classifier = small_classifier(epochs=1).fit(X, y)
    with pytest.raises(RuntimeError, match="joblib's default backend 'loky'"):
        joblib.Parallel(2, backend="multiprocessing", timeout=60)(
            joblib.delayed(classifier.fit)(X, y) for _ in range(2)
        )

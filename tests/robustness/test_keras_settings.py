"""Settings of Keras and TensorFlow that nothing can compute in: named beforehand."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from small import noise, small_classifier, small_embedder, small_pipeline
from surroundings import run_python

X = [f"nowhere/{i}.jpg" for i in range(12)]
LABELS = ["cat", "dog"] * 6
ROWS = np.random.default_rng(0).normal(size=(12, 5))


def in_a_strategy():
    return tf.distribute.MirroredStrategy().scope()


def in_a_graph():
    return tf.Graph().as_default()


@pytest.mark.parametrize(
    ("surrounding", "message"),
    [
        (in_a_strategy, r"MirroredStrategy.*outside of `with strategy.scope\(\)`"),
        (in_a_graph, r"tf.Graph\(\).*Call this outside of graphs"),
    ],
    ids=["strategy", "graph"],
)
def test_a_surrounding_that_nothing_trains_in_is_told_first(surrounding, message):
    fitted = small_classifier().fit(ROWS, LABELS)
    with surrounding():
        for call in (
            lambda: small_pipeline().fit(X, LABELS),
            lambda: small_classifier().fit(ROWS, LABELS),
            lambda: small_classifier().partial_fit(ROWS, LABELS),
        ):
            with pytest.raises(RuntimeError, match=message):
                call()
        # To predict from rows takes NumPy alone.
        assert fitted.predict(ROWS).shape == (12,)


def test_an_embedder_is_told_of_a_graph_and_goes_on_outside():
    embedder = small_embedder(engine="tensorflow").fit(noise(2))
    with in_a_graph(), pytest.raises(RuntimeError, match="Call this outside of graphs"):
        embedder.transform(noise(2))
    assert len(embedder.transform(noise(2))) == 2


REFUSED = """
from small import small_pipeline
try:
    small_pipeline().fit(["nowhere.jpg"] * 12, ["cat", "dog"] * 6)
except RuntimeError as error:
    print(error)
"""


def test_a_process_without_eager_execution_is_told():
    program = (
        "import tensorflow as tf; tf.compat.v1.disable_eager_execution()\n" + REFUSED
    )
    assert "tf.compat.v1.disable_eager_execution() was called" in run_python(program)


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy"])
def test_another_backend_of_keras_is_named_with_the_way_back(backend):
    result = subprocess.run(
        [sys.executable, "-c", REFUSED],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ
        | {"KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert f"Keras computes with the backend {backend}" in result.stdout
    assert "KERAS_BACKEND=tensorflow" in result.stdout


USED_BY_OTHERS = """
import os
import tensorflow as tf
{imported_before}
tf.constant(1)  # by anybody

def in_a_fork(action):
    if os.fork():
        return os.wait()
    try:
        action()
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)

def fit():
    from small import small_classifier
    small_classifier().fit([[0.0], [1.0]] * 6, ["cat", "dog"] * 6)

def embed():
    from small import noise, small_embedder
    small_embedder(engine="tensorflow").fit_transform(noise(2))

in_a_fork(fit)
in_a_fork(embed)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("imported_before", ["import skresnet.classifier", ""])
def test_a_fork_of_a_process_that_used_tensorflow_for_anything_is_refused(
    imported_before,
):
    if not imported_before and not Path("/proc/self/task").is_dir():
        pytest.skip("how many threads there are cannot be told here")
    printed = run_python(USED_BY_OTHERS.format(imported_before=imported_before))
    messages = printed.splitlines()
    assert len(messages) == 2
    for message in messages:
        assert "was forked from one" in message
        assert "TensorFlow waits for ever" in message


def test_pictures_are_still_embedded_after_a_refusal():
    with in_a_graph(), pytest.raises(RuntimeError, match=r"tf\.Graph"):
        small_pipeline().fit(noise(12), LABELS)
    assert small_pipeline().fit(noise(12), LABELS).predict(noise(2)).shape == (2,)

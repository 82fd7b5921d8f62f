"""Ctrl-C and failing callbacks leave nothing behind, and the next fit is as ever."""

import signal
import tempfile
import threading
import time

import keras
import numpy as np
import pytest
from small import small_classifier
from surroundings import needs_openvino, start_python

# Each program begins what would take many minutes, and tells what Ctrl-C leaves of it.

FIT = """
import sys, tempfile, threading
from pathlib import Path
import keras, numpy as np
from small import small_classifier

tempfile.tempdir = sys.argv[1]

class Ready(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            print("ready", flush=True)

X = np.random.default_rng(0).standard_normal((20_000, 2048), dtype=np.float32)
y = np.arange(20_000) % 3
again = lambda: small_classifier().fit(X[:200], y[:200]).predict_proba(X[:9])
expected = again()
before = set(threading.enumerate())
classifier = small_classifier(epochs=1_000_000, callbacks=Ready())
try:
    classifier.fit(X, y)
except KeyboardInterrupt:
    print("interrupted")
print(vars(classifier).keys() == vars(small_classifier()).keys())
print(set(threading.enumerate()) - before, list(Path(sys.argv[1]).iterdir()))
print(np.array_equal(again(), expected))
classifier.set_params(epochs=3, callbacks=None).fit(X[:200], y[:200])
print(classifier.best_epoch_ < 3)
"""

TRANSFORM = """
import sys, tempfile, threading
from pathlib import Path
import numpy as np
from skresnet import ResNet50Embedder
from small import noise

tempfile.tempdir = sys.argv[1]
embedder = ResNet50Embedder(
    weights=None, random_state=0, input_size=64, n_jobs=2, engine=sys.argv[2]
)
expected = embedder.fit_transform(noise(5))
before = set(threading.enumerate())
print("ready", flush=True)
try:
    embedder.transform(noise(20_000))
except KeyboardInterrupt:
    print("interrupted")
print(hasattr(embedder, "weights_"))
print(set(threading.enumerate()) - before, list(Path(sys.argv[1]).iterdir()))
print(np.array_equal(embedder.transform(noise(5)), expected))
print(embedder.fit(noise(5)).transform(noise(5)).shape == (5, 2048))
"""


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        pytest.param(FIT, [], id="fit"),
        pytest.param(TRANSFORM, ["tensorflow"], id="transform"),
        pytest.param(
            TRANSFORM, ["openvino"], id="transform with openvino", marks=needs_openvino
        ),
    ],
)
def test_ctrl_c_ends_what_runs_and_leaves_nothing_behind(program, arguments, tmp_path):
    with start_python(program, tmp_path, *arguments) as child:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.5)  # into the middle of it
        child.send_signal(signal.SIGINT)
        printed, complaints = child.communicate(timeout=60)
    expected = ["interrupted", "True", "set() []", "True", "True"]
    assert printed.splitlines() == expected, complaints


class KerasFault(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise RuntimeError("cannot write the log")


class ScikitLearnFault:
    max_propagation_depth = None

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            raise RuntimeError("cannot write the log")


def with_keras_fault(classifier):
    return classifier.set_params(callbacks=KerasFault())


def with_scikit_learn_fault(classifier):
    return classifier.set_callbacks(ScikitLearnFault())


@pytest.mark.parametrize("with_fault", [with_keras_fault, with_scikit_learn_fault])
def test_a_failing_callback_leaves_the_previous_fit(
    with_fault, features, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    X, y = features
    classifier = small_classifier().fit(X, y)
    expected = classifier.predict_proba(X)
    threads = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="cannot write the log"):
        with_fault(classifier).fit(X[:, :9], y == "cat")
    assert set(threading.enumerate()) == threads
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)
    again = small_classifier().fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(again, expected)

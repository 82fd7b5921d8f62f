"""Many fits in one process, and fits of many classes: little memory, no noise."""

import gc
import sys
import weakref
from collections import OrderedDict

import pytest
from surroundings import start_python

from skresnet import DenseSGDClassifier
from skresnet.head import loop

STARTED = "the first fit has ended"
MANY_FITS = """
import gc, sys
import keras, numpy as np
from skresnet import DenseSGDClassifier

generator = np.random.default_rng(0)
X, y = generator.normal(size=(60, 200)).astype("f4"), np.arange(60) % 3
settings = [
    {"hidden_layer_sizes": (100 + 20 * i,), "momentum": 0.05 * i, "dropout": 0.04 * i}
    for i in range(20)
]

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

def once():
    for params in settings:
        DenseSGDClassifier(epochs=1, random_state=0, **params).fit(X, y).score(X, y)

callback = [keras.callbacks.Callback()]
DenseSGDClassifier(epochs=1).fit(X, y).score(X, y)
DenseSGDClassifier(epochs=1, callbacks=callback).fit(X, y)
print("{started}", file=sys.stderr, flush=True)
levels = []
for _ in range(10):
    once()
    levels.append(resident())
# Now and then memory goes back to the system for a while: the highest levels count.
print(max(levels[-3:]) - max(levels[1:4]))
for params in settings[:6]:
    DenseSGDClassifier(epochs=1, callbacks=callback, **params).fit(X, y).evaluate(X, y)
    DenseSGDClassifier(epochs=1, callbacks=callback, **params).partial_fit(X, y)
"""

MANY_CLASSES = """
import resource
import numpy as np
from skresnet import DenseSGDClassifier

X = np.random.default_rng(0).normal(size=(20_000, 20)).astype("f4")
DenseSGDClassifier(hidden_layer_sizes=(8,), epochs=1).fit(X, np.arange(20_000) % 50)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
y = np.arange(20_000) % 10_000
model = DenseSGDClassifier(hidden_layer_sizes=(8,), epochs=1, random_state=0).fit(X, y)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
assert model.predict_proba(X[:3]).shape == (3, 10_000)
"""


def printed_by(program):
    child = start_python(program)
    printed, complaints = child.communicate(timeout=900)
    assert child.returncode == 0, complaints
    return printed.split(), complaints


linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@linux
def test_two_hundred_fits_over_twenty_settings_keep_nothing_and_say_nothing():
    (growth,), complaints = printed_by(MANY_FITS.replace("{started}", STARTED))
    assert float(growth) < 20  # MiB, of 120 fits
    # Before that, TensorFlow says what it says of its start, by both ways to train.
    assert complaints.split(STARTED)[1].strip() == ""


@linux
def test_ten_thousand_classes_take_no_table_of_rows_by_classes():
    (growth,), _ = printed_by(MANY_CLASSES)
    assert float(growth) < 500  # MiB; rows by classes in float32 would be 760


@pytest.fixture
def alive(monkeypatch):
    """The loops that were made and are still there, none of them before."""
    alive = weakref.WeakSet()

    class Watched(loop.EpochLoop):
        def __init__(self, *args):
            super().__init__(*args)
            alive.add(self)

    monkeypatch.setattr(loop, "EpochLoop", Watched)
    monkeypatch.setattr(loop.LOOPS, "_idle", OrderedDict())
    return alive


def test_fits_that_differ_in_numbers_share_one_loop(features, alive):
    for params in (
        {"learning_rate": 0.01, "momentum": 0.9},
        {"learning_rate": 0.003, "momentum": 0.5, "dropout": 0.5},
        {"batch_size": 7, "epochs": 2, "weight_decay": 0.01},
        {"class_weight": "balanced", "validation_fraction": None},
    ):
        params = {"hidden_layer_sizes": (8,), "epochs": 1, **params}
        DenseSGDClassifier(**params).fit(*features)
    assert len(alive) == 1


def test_few_loops_wait_for_the_next_fit_and_the_others_are_freed(features, alive):
    for units in range(2, 4 + loop.MAX_IDLE):
        DenseSGDClassifier(hidden_layer_sizes=(units,), epochs=1).fit(*features)
    gc.collect()
    assert len(alive) == loop.MAX_IDLE
    kept = set(alive)
    DenseSGDClassifier(hidden_layer_sizes=(units,), epochs=1).fit(*features)
    assert set(alive) == kept

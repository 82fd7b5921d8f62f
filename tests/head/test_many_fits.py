"""Many fits in one process, and fits of many classes: little memory, no noise."""

import sys

import pytest
from surroundings import start_python

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

"""A disk that is full when the weights of the best epoch are written."""

import errno
import os

from surroundings import run_python

# Files may grow to 100 kB, where the weights need more: what a full disk is like.
LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from small import small_classifier

folder = Path(sys.argv[1])
X = np.random.default_rng(0).normal(size=(60, 5000))
y = ["cat", "dog"] * 30
classifier = small_classifier().fit(X[:, :20], y)
expected = classifier.predict_proba(X[:, :20])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    classifier.set_params(checkpoint_path=folder / "best.weights.h5").fit(X, y)
except OSError as error:
    print(error)
print(np.array_equal(classifier.predict_proba(X[:, :20]), expected))
"""


def test_the_error_names_the_folder_and_leaves_the_previous_fit(tmp_path):
    message, is_intact = run_python(LIMITED, tmp_path).splitlines()
    assert f"cannot be written to the folder '{tmp_path}' " in message
    assert os.strerror(errno.EFBIG) in message
    assert "choose another folder by checkpoint_path" in message
    assert is_intact == "True"

"""Damaged files end as a picture or as an UnreadableImageError, and nothing else.

``tools/fuzz_reading.py`` does the same for many more, and looks at time and memory.
"""

import warnings

import numpy as np
import pytest
from mutations import ORIGINALS, mutations

from skresnet.reading import Treatment, UnreadableImageError
from skresnet.reading.contents import FileContent

MUTATIONS = 5_000

TREATMENT = Treatment(input_size=(32, 48))


@pytest.mark.parametrize("name", ORIGINALS)
def test_the_undamaged_file_is_read(name):
    assert FileContent(0, name, ORIGINALS[name]).pixels(TREATMENT).shape == (32, 48, 3)


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_damaged_file_is_a_picture_or_unreadable(name):
    causes = []
    with warnings.catch_warnings():
        # What Pillow remarks about damaged metadata.
        warnings.filterwarnings("ignore", module="PIL")
        for damaged in mutations(name, MUTATIONS // len(ORIGINALS) + 1):
            try:
                pixels = FileContent(0, name, damaged).pixels(TREATMENT)
            except UnreadableImageError as error:
                causes += [failure.cause for failure in error.failures]
            else:
                assert pixels.shape == (32, 48, 3)
                assert pixels.dtype == np.uint8
    assert causes
    assert all(causes)

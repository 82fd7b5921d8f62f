"""Damaged files end as a picture or as an PictureError, and nothing else.

``tools/fuzz_reading.py`` does the same for many more, and looks at time and memory.
"""

import warnings

import numpy as np
import pytest
from mutations import ORIGINALS, mutations

from skresnet.reading import PictureError, Resizing
from skresnet.reading.pictures import EncodedPicture

MUTATIONS = 5_000

RESIZING = Resizing(input_size=(32, 48))


@pytest.mark.parametrize("name", ORIGINALS)
def test_the_undamaged_file_is_read(name):
    assert EncodedPicture(0, ORIGINALS[name]).pixels(RESIZING).shape == (32, 48, 3)


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_damaged_file_is_a_picture_or_unreadable(name):
    causes = []
    with warnings.catch_warnings():
        # What Pillow remarks about damaged metadata.
        warnings.filterwarnings("ignore", module="PIL")
        for damaged in mutations(name, MUTATIONS // len(ORIGINALS) + 1):
            try:
                pixels = EncodedPicture(0, damaged).pixels(RESIZING)
            except PictureError as error:
                causes.append(str(error))
            else:
                assert pixels.shape == (32, 48, 3)
                assert pixels.dtype == np.uint8
    assert causes
    assert all(causes)

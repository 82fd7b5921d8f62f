import pickle

import numpy as np
import pytest

from skresnet.reading import (
    Failure,
    PictureError,
    Resizing,
    UnreadableImageError,
    as_pictures,
    failure_of,
)


def test_the_error_lists_position_path_and_cause_and_says_what_to_do():
    error = UnreadableImageError(
        [Failure(7, None, "it has no pixels"), Failure(3, "a b.jpg", "no such file")]
    )
    assert str(error).splitlines() == [
        "2 pictures cannot be read:",
        "  X[3] ('a b.jpg'): no such file",
        "  X[7]: it has no pixels",
        'Remove them from X, or pass on_error="nan" to go on without them.',
    ]


def test_many_failures_are_counted_and_the_first_twenty_listed():
    error = UnreadableImageError(Failure(i, f"{i}.jpg", "?") for i in range(50))
    lines = str(error).splitlines()
    assert lines[0] == "50 pictures cannot be read:"
    assert lines[20] == "  X[19] ('19.jpg'): ?"
    assert lines[21] == "  ... and 30 more"
    assert len(lines) == 23
    assert len(error.failures) == 50


def test_what_is_wrong_with_a_picture_gets_its_position_and_path(tmp_path):
    pictures = as_pictures([tmp_path / "a", np.zeros((0, 5))])
    failures = []
    for picture in pictures:
        with pytest.raises(PictureError) as caught:
            picture.load().pixels(Resizing())
        failures.append(failure_of(picture, caught.value))
    assert failures[0] == (0, str(tmp_path / "a"), "no such file")
    assert failures[1][:2] == (1, None)


def test_the_error_crosses_processes_whole():
    error = UnreadableImageError([Failure(3, "a.jpg", "no such file")])
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, UnreadableImageError)
    assert copy.failures == error.failures
    assert str(copy) == str(error)

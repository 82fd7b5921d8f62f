"""Evaluations beside earlier ones."""

import json
from dataclasses import replace

import numpy as np
import pytest

from skresnet.comparison import compared, read_record, record
from skresnet.evaluation import Predictions

CLASSES = np.array(["cat", "dog"])


def predictions(true, predicted, first=0):
    """Make predictions of pictures whose contents are numbers."""
    n = len(true)
    made = Predictions.from_probabilities(
        [f"{number}.png" for number in range(n)],
        true,
        np.eye(2)[[CLASSES.tolist().index(label) for label in predicted]],
        CLASSES,
    )
    digests = [number.to_bytes(32, "big") for number in range(first, first + n)]
    return replace(made, digests=digests)


def written(tmp_path, made, name="before.json"):
    path = tmp_path / name
    path.write_text(json.dumps(record(made, "old.joblib")))
    return read_record(path)


def test_what_was_gained_and_lost_is_counted_picture_by_picture(tmp_path):
    true = ["cat", "cat", "dog", "dog", "dog"]
    before = predictions(true, ["dog", "cat", "dog", "cat", "cat"])
    now = predictions(true, ["cat", "dog", "dog", "dog", "dog"])
    (earlier,) = compared(now, [written(tmp_path, before)])
    assert (earlier.accuracy, earlier.accuracy_now) == (0.4, 0.8)
    assert (earlier.n_gained, earlier.n_lost, earlier.n_shared) == (3, 1, 5)
    expected = np.std([1, -1, 0, 1, 1], ddof=1) / np.sqrt(5)
    assert earlier.standard_error == pytest.approx(expected)
    assert earlier.recalls == {"cat": (0.5, 0.5), "dog": (1 / 3, 1.0)}
    assert (earlier.name, earlier.model) == ("before.json", "old.joblib")


def test_only_pictures_of_the_same_content_are_compared(tmp_path):
    before = predictions(["cat"] * 4, ["cat", "cat", "dog", "dog"])
    now = predictions(["cat"] * 4, ["cat"] * 4, first=2)
    (earlier,) = compared(now, [written(tmp_path, before)])
    assert (earlier.n_shared, earlier.accuracy, earlier.accuracy_now) == (2, 0, 1)


def test_the_labels_of_today_decide_what_was_right(tmp_path):
    before = predictions(["cat", "cat"], ["dog", "cat"])
    now = predictions(["dog", "cat"], ["dog", "cat"])
    (earlier,) = compared(now, [written(tmp_path, before)])
    assert earlier.accuracy == 1


def test_other_pictures_are_left_out_with_a_warning(tmp_path):
    before = predictions(["cat"], ["cat"])
    with pytest.warns(UserWarning, match=r"before\.json is left out"):
        assert not compared(
            predictions(["cat"], ["cat"], 9), [written(tmp_path, before)]
        )


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"accuracy": 1}', '{"model": "m", "date": "d", "skresnet": "1", '
     '"predictions": [{"digest": 1, "predicted": "a"}]}', '{"predictions": 3}'],
)  # fmt: skip
def test_a_file_of_something_else_is_an_error_with_its_name(tmp_path, content):
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"scores\.json.* evaluate --format json"):
        read_record(path)


def test_a_file_that_is_missing_is_an_error_with_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        read_record(tmp_path / "none.json")

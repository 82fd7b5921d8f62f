"""Test pictures that the model was trained on, as the command tells of them."""

import shutil

import pytest
from tiny import TINY

from skresnet import load_image_folder


@pytest.fixture
def leaking(colour_folder, tmp_path):
    """Splits whose test folder has two training pictures, and one by another name."""
    root = tmp_path / "leaking"
    shutil.copytree(colour_folder, root)
    for name in ("00.png", "01.png"):
        shutil.copy(root / "train" / "red" / name, root / "test" / "red" / f"t{name}")
    shutil.copy(root / "train" / "red" / "02.png", root / "test" / "blue" / "b.png")
    return root


def test_evaluate_names_them_and_gives_the_accuracy_on_the_others_first(
    run, model_file, leaking
):
    lines = run("evaluate", model_file, leaking).stdout.splitlines()
    assert lines[0].startswith("3 of 21 pictures were trained on, byte for byte: ")
    for name in ("b.png", "t00.png", "t01.png"):
        assert str(leaking / "test") in lines[0]
        assert name in lines[0]
    assert lines[1] == "Accuracy on the others: 1.0000 (18 pictures)"
    assert "Accuracy: 0.9524" in lines


def test_train_names_them_before_the_test_accuracy(run, leaking, tmp_path):
    result = run("train", leaking, "--out", tmp_path / "m.joblib", *TINY)
    lines = result.stdout.splitlines()
    seen = next(i for i, line in enumerate(lines) if line.startswith("3 of 21"))
    assert lines[seen + 1] == "Accuracy on the others: 1.0000 (18 pictures)"
    assert lines[seen + 2].startswith("Test: accuracy 0.9524")


def test_the_folder_that_a_model_was_trained_on_is_recognised(
    run, model_file, colour_folder
):
    output = run("evaluate", model_file, colour_folder / "train").stdout
    assert "36 of 36 pictures were trained on" in output
    assert "Accuracy on the others" not in output


def test_pictures_that_were_set_aside_are_not_taken_for_training_ones(
    run, colour_folder, tmp_path
):
    folder = colour_folder / "train"
    run("train", folder, "--out", tmp_path / "m.joblib", *TINY)
    output = run("evaluate", tmp_path / "m.joblib", tmp_path / "m.test.csv").stdout
    assert "trained on" not in output
    n_pictures = len(load_image_folder(folder).data)
    output = run("evaluate", tmp_path / "m.joblib", folder).stdout
    n_test = len((tmp_path / "m.test.csv").read_text().splitlines()) - 1
    assert f"{n_pictures - n_test} of {n_pictures} pictures were trained" in output
    assert f"({n_test} pictures)" in output


def test_a_test_without_them_says_nothing(run, model_file, colour_folder):
    assert "trained on" not in run("evaluate", model_file, colour_folder).stdout

"""`skresnet evaluate`: how good a model in a file is."""

import csv
import json

import joblib
import pytest

from skresnet import load_image_splits


def test_it_gives_the_loss_and_accuracy_of_the_library(run, model_file, colour_folder):
    test = load_image_splits(colour_folder).test
    expected = joblib.load(model_file).evaluate(test.data, test.target)
    lines = dict(
        line.split(": ")
        for line in run("evaluate", model_file, colour_folder).stdout.splitlines()
        if ": " in line
    )
    assert lines["Pictures"] == "18"
    assert float(lines["Loss"]) == pytest.approx(expected["loss"], abs=1e-4)
    assert float(lines["Accuracy"]) == pytest.approx(expected["accuracy"], abs=1e-4)


def test_it_gives_precision_and_recall_of_each_class(run, model_file, colour_folder):
    output = run("evaluate", model_file, colour_folder / "val").stdout
    assert "precision    recall" in output
    green = next(line for line in output.splitlines() if line.strip()[:5] == "green")
    assert green.split() == ["green", "1.0000", "1.0000", "1.0000", "4"]


def test_it_names_the_classes_that_are_confused(
    run, model_file, colour_folder, tmp_path
):
    folder = tmp_path / "photos"
    folder.mkdir()
    # Every blue picture lies in the folder of the green ones.
    (folder / "green").symlink_to(colour_folder / "test" / "blue")
    (folder / "red").symlink_to(colour_folder / "test" / "red")
    output = run("evaluate", model_file, folder).stdout
    assert "Accuracy: 0.5000" in output
    assert "Confused: green taken for blue: 6 of 6" in output


def test_classes_that_the_model_does_not_know_are_an_error(
    run, model_file, colour_folder, tmp_path
):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "violet").mkdir()
    # It is told before any picture is opened.
    (folder / "violet" / "1.png").write_text("no picture")
    result = run("evaluate", model_file, folder, status=1)
    assert "'violet'" in result.stderr
    assert "'blue', 'green', 'red'" in result.stderr


def test_splits_without_a_test_folder_are_an_error(
    run, model_file, colour_folder, tmp_path
):
    for name in ("train", "val"):
        (tmp_path / name).symlink_to(colour_folder / name)
    result = run("evaluate", model_file, tmp_path, status=1)
    assert "No test folder" in result.stderr


def test_a_csv_file_without_the_columns_is_an_error(run, model_file, tmp_path):
    wrong = tmp_path / "list.csv"
    wrong.write_text("file,colour\na.png,red\n")
    result = run("evaluate", model_file, wrong, status=1)
    assert "no column for the class" in result.stderr
    assert "'colour', 'file'" in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_csv_file_with_a_byte_order_mark_is_read(
    run, model_file, colour_folder, tmp_path, encoding
):
    listed = tmp_path / "list.csv"
    picture = colour_folder / "test" / "red" / "00.png"
    listed.write_text(f"path,class\r\n{picture},red\r\n", encoding=encoding)
    assert "Pictures: 1\n" in run("evaluate", model_file, listed).stdout


def test_unreadable_pictures_are_left_out_where_that_is_asked_for(
    run, model_file, damaged
):
    run("evaluate", model_file, damaged / "train", status=1)
    result = run("evaluate", model_file, damaged / "train", "--on-error", "skip")
    assert "Left out 2 of 20 pictures" in result.stderr
    assert "Pictures: 18" in result.stdout


@pytest.mark.parametrize("content", [b"garbage", b"", b"\x80\x04K\x05."])
def test_a_file_that_is_no_model_is_an_error(run, colour_folder, tmp_path, content):
    path = tmp_path / "model.joblib"
    path.write_bytes(content)
    result = run("evaluate", path, colour_folder, status=1)
    assert str(path) in result.stderr
    assert "skresnet train" in result.stderr or "Pipeline" in result.stderr


def test_a_model_of_another_version_is_used_with_a_warning(
    run, model_file, colour_folder, tmp_path, monkeypatch
):
    model = joblib.load(model_file)
    with monkeypatch.context() as earlier:
        earlier.setattr("skresnet.base.installed_version", lambda name: "0.0.1")
        joblib.dump(model, tmp_path / "old.joblib")
    result = run("evaluate", tmp_path / "old.joblib", colour_folder)
    assert "Warning: " in result.stderr
    assert "0.0.1" in result.stderr
    assert "Accuracy: 1.0000" in result.stdout


def test_a_model_that_is_missing_is_an_error(run, colour_folder, tmp_path):
    result = run("evaluate", tmp_path / "none.joblib", colour_folder, status=1)
    assert "none.joblib" in result.stderr


def test_the_scores_are_an_object_in_json(run, model_file, damaged, tmp_path):
    out = tmp_path / "scores.json"
    text = run("evaluate", model_file, damaged / "train", "--on-error", "skip").stdout
    arguments = ["evaluate", model_file, damaged / "train", "--on-error", "skip"]
    assert run(*arguments, "--out", out).stdout == ""
    scores = json.loads(out.read_text())
    assert f"Accuracy: {scores['accuracy']:.4f}" in text
    assert f"Loss: {scores['loss']:.4f}" in text
    assert scores["pictures"] == 18
    assert [found["class"] for found in scores["classes"]] == ["blue", "green", "red"]
    assert [found["path"] for found in scores["unreadable"]] == [
        str(damaged / "train" / "red" / name) for name in ("cut.png", "text.png")
    ]
    assert json.loads(run(*arguments, "--format", "json").stdout) == scores


def test_the_scores_are_a_line_a_class_in_csv(run, model_file, colour_folder, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    # Half of what is called green is blue.
    (folder / "green" / "of").mkdir(parents=True)
    for name in ("blue", "green"):
        (folder / "green" / "of" / name).symlink_to(colour_folder / "test" / name)
    output = run("evaluate", model_file, folder, "--format", "csv").stdout
    blue, green = csv.DictReader(output.splitlines())
    assert (blue["class"], green["class"]) == ("blue", "green")
    assert float(green["precision"]) == 1
    assert float(green["recall"]) == 0.5
    assert float(green["f1"]) == pytest.approx(2 / 3)
    assert (blue["pictures"], green["pictures"]) == ("0", "12")


def test_a_report_is_written_beside(run, model_file, colour_folder, tmp_path):
    page = tmp_path / "page.html"
    arguments = ["evaluate", model_file, colour_folder, "--report", page]
    assert "Accuracy" in run(*arguments).stdout
    assert "<html" in page.read_text("utf-8")
    assert "--force" in run(*arguments, status=1).stderr


def test_an_evaluation_stands_beside_an_earlier_one(
    run, model_file, colour_folder, tmp_path
):
    before, now, page = (tmp_path / name for name in ("b.json", "n.json", "page.html"))
    arguments = ["evaluate", model_file, colour_folder]
    run(*arguments, "--out", before)
    known = json.loads(before.read_text())
    first = known["predictions"][0]
    first["predicted"] = "none of them"  # as if an earlier model had been wrong
    before.write_text(json.dumps(known))
    run(*arguments, "--compare", before, "--out", now, "--report", page)
    (found,) = json.loads(now.read_text())["compared"]
    assert (found["n_gained"], found["n_lost"]) == (1, 0)
    assert found["n_shared"] == known["pictures"]
    assert "Beside earlier models" in page.read_text("utf-8")
    assert "Compared with b.json" in run(*arguments, "--compare", before).stdout


def test_a_file_to_compare_with_is_read_before_any_picture(run, model_file, tmp_path):
    other = tmp_path / "other.json"
    other.write_text("{}")
    arguments = ["evaluate", model_file, tmp_path / "no folder"]
    assert "other.json" in run(*arguments, "--compare", other, status=1).stderr
    assert "none.json" in run(*arguments, "--compare", "none.json", status=1).stderr

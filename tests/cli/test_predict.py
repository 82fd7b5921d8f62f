"""`skresnet predict`: the classes of pictures, in three forms."""

import csv
import io
import json
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skresnet import make_image_classifier


@pytest.fixture
def mixed(colour_folder, tmp_path):
    """Two pictures with something unreadable between them."""
    (tmp_path / "text.png").write_text("no picture")
    red, blue = (colour_folder / "test" / name / "00.png" for name in ("red", "blue"))
    return [red, tmp_path / "text.png", blue]


def test_a_folder_becomes_a_table(run, model_file, colour_folder):
    result = run("predict", model_file, colour_folder / "test" / "red")
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["class", "prob.", "novelty", "picture"]
    assert len(rows) == 6
    assert all(row.split()[0] == "red" for row in rows)
    assert rows[0].endswith("red/00.png")
    assert result.stderr == ""


def test_csv_has_the_probabilities_of_the_library(run, model_file, colour_folder):
    output = run(
        *("predict", model_file, colour_folder / "test"),
        *("--format", "csv", "--top", 2),
    ).stdout
    rows = list(csv.DictReader(io.StringIO(output)))
    model = joblib.load(model_file)
    expected = model.predict_proba([row["path"] for row in rows])
    assert len(rows) == 18
    for row, probabilities in zip(rows, expected, strict=True):
        second, first = probabilities.argsort()[-2:]
        assert row["class"] == model.classes_[first]
        assert row["class_2"] == model.classes_[second]
        assert float(row["probability"]) == pytest.approx(probabilities[first], 1e-4)
        assert float(row["probability_2"]) == pytest.approx(probabilities[second], 1e-4)
        assert row["error"] == ""


def test_an_unreadable_picture_gets_a_row_and_the_others_are_predicted(
    run, model_file, mixed
):
    result = run("predict", model_file, *mixed, status=3)
    red, text, blue = result.stdout.splitlines()[1:]
    assert red.startswith("red")
    assert text.startswith("UNREADABLE")
    assert "no image format recognised" in text
    assert blue.startswith("blue")
    assert "1 of 3 pictures cannot be read" in result.stderr


def test_json_lines_have_predictions_or_an_error(run, model_file, mixed):
    output = run("predict", model_file, *mixed, "--format", "jsonl", status=3).stdout
    red, text, blue = map(json.loads, output.splitlines())
    assert red["predictions"][0]["class"] == "red"
    assert blue["path"] == str(mixed[2])
    assert "error" in text
    assert "predictions" not in text


def test_csv_has_the_cause_in_the_row_of_an_unreadable_picture(run, model_file, mixed):
    output = run("predict", model_file, *mixed, "--format", "csv", status=3).stdout
    rows = list(csv.DictReader(io.StringIO(output)))
    assert rows[1]["class"] == ""
    assert "no image format recognised" in rows[1]["error"]


def test_only_unreadable_pictures_are_rows_too(run, model_file, tmp_path):
    result = run("predict", model_file, tmp_path / "none.png", status=1)
    assert "no such file" in result.stdout
    assert "None of 1 picture can be read" in result.stderr


def test_paths_come_from_standard_input(run, model_file, mixed):
    lines = f"{mixed[0]}\n\n{mixed[2]}\r\n"
    result = run("predict", model_file, "-", "--format", "jsonl", input=lines)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["path"] for row in found] == [str(mixed[0]), str(mixed[2])]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_list_with_a_byte_order_mark_keeps_its_first_path(
    run, model_file, mixed, encoding
):
    lines = f"{mixed[0]}\r\n{mixed[2]}\r\n".encode(encoding)
    result = run("predict", model_file, "-", "--format", "jsonl", input=lines)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["path"] for row in found] == [str(mixed[0]), str(mixed[2])]


def test_empty_standard_input_is_an_error(run, model_file):
    result = run("predict", model_file, "-", input="", status=1)
    assert "standard input is empty" in result.stderr


def test_a_folder_without_pictures_is_an_error(run, model_file, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    result = run("predict", model_file, tmp_path, status=1)
    assert "No pictures" in result.stderr


def test_odd_names_come_out_on_one_line_and_exact_in_json(
    run, model_file, colour_folder, tmp_path
):
    odd = tmp_path / 'a "b", c\nd\x1b[31m.png'
    odd.symlink_to(colour_folder / "test" / "red" / "00.png")
    escaped = str(odd).replace("\n", "\\n").replace("\x1b", "\\x1b")
    output = run("predict", model_file, tmp_path, "--format", "csv").stdout
    assert len(output.splitlines()) == 2
    assert next(csv.DictReader(io.StringIO(output)))["path"] == escaped
    table = run("predict", model_file, tmp_path).stdout
    assert table.splitlines()[1].endswith(escaped)
    lines = run("predict", model_file, tmp_path, "--format", "jsonl").stdout
    assert json.loads(lines)["path"] == str(odd)


@pytest.mark.parametrize("name", ["=1+1.png", "+1.png", "-1.png", "@a.png"])
def test_a_spreadsheet_finds_no_formula_in_csv(
    run, model_file, colour_folder, tmp_path, monkeypatch, name
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).symlink_to(colour_folder / "test" / "red" / "00.png")
    output = run("predict", model_file, "--format", "csv", "--", name).stdout
    [row] = csv.DictReader(io.StringIO(output))
    assert row["path"] == "'" + name


def test_the_output_goes_to_a_file_that_did_not_exist(
    run, model_file, colour_folder, tmp_path
):
    out = tmp_path / "classes.txt"
    arguments = ["predict", model_file, colour_folder / "val", "--out", out]
    result = run(*arguments)
    assert result.stdout == ""
    assert len(out.read_text().splitlines()) == 13
    assert out.read_text().startswith("class")
    assert "--force" in run(*arguments, status=1).stderr
    run(*arguments, "--force", "--format", "csv")
    assert out.read_text().startswith("path,class")


@pytest.mark.parametrize(
    ("name", "begins"), [("p.csv", "path,class"), ("p.jsonl", '{"path"')]
)
def test_the_name_of_the_output_decides_the_format(
    run, model_file, colour_folder, tmp_path, name, begins
):
    out = tmp_path / name
    run("predict", model_file, colour_folder / "test" / "red", "--out", out)
    assert out.read_text().startswith(begins)


def test_more_classes_than_there_are_is_all_of_them(run, model_file, mixed):
    output = run(
        "predict", model_file, mixed[0], "--top", 9, "--format", "jsonl"
    ).stdout
    predictions = json.loads(output)["predictions"]
    assert {row["class"] for row in predictions} == {"blue", "green", "red"}
    assert sum(row["probability"] for row in predictions) == pytest.approx(1, abs=1e-5)


def test_what_is_less_probable_than_the_threshold_is_unsure(
    run, model_file, colour_folder
):
    arguments = ["predict", model_file, colour_folder / "test", "--format", "csv"]
    sure = list(csv.DictReader(io.StringIO(run(*arguments).stdout)))
    threshold = sorted(float(row["probability"]) for row in sure)[9]
    output = run(*arguments, "--threshold", threshold + 1e-5).stdout
    rows = list(csv.DictReader(io.StringIO(output)))
    for row, known in zip(rows, sure, strict=True):
        is_unsure = float(known["probability"]) < threshold + 1e-5
        assert row["class"] == ("unsure" if is_unsure else known["class"])
        assert row["probability"] == known["probability"]
    assert {row["class"] for row in rows} > {"unsure"}


@pytest.mark.parametrize("link", [True, False])
def test_pictures_are_sorted_into_a_folder_for_each_class(
    run, model_file, colour_folder, mixed, tmp_path, link
):
    # Of the same name, in different folders.
    pictures = [*mixed, colour_folder / "val" / "red" / "00.png"]
    folder = tmp_path / "sorted"
    options = ["--sort-into", folder, *(["--link"] if link else [])]
    run("predict", model_file, *pictures, *options, status=3)
    copies = {str(path.relative_to(folder)): path for path in folder.glob("*/*")}
    assert set(copies) == {"blue/00.png", "red/00.png", "red/00-2.png"}
    assert copies["red/00-2.png"].read_bytes() == pictures[3].read_bytes()
    assert copies["red/00.png"].read_bytes() == pictures[0].read_bytes()
    assert all(path.is_symlink() == link for path in copies.values())
    again = run("predict", model_file, *pictures, *options, "--force", status=1)
    assert "not empty" in again.stderr


@pytest.mark.parametrize("name", ["../x", "..", "", "/tmp"])
def test_a_class_cannot_lead_out_of_the_folder_to_sort_into(
    run, model_file, colour_folder, tmp_path, name
):
    model = joblib.load(model_file)
    model["classifier"].classes_ = np.array([name, "green", "red"])
    joblib.dump(model, tmp_path / "odd.joblib")
    options = ["--sort-into", tmp_path / "sorted"]
    picture = colour_folder / "test" / "blue" / "00.png"
    result = run("predict", tmp_path / "odd.joblib", picture, *options, status=1)
    assert f"{name!r} cannot be the name of a folder" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"odd.joblib"}


@pytest.fixture
def stripes(tmp_path):
    """A picture unlike any that the model was trained on."""
    pixels = np.zeros((40, 48, 3), np.uint8)
    pixels[:, ::3] = 255
    path = tmp_path / "stripes.png"
    Image.fromarray(pixels).save(path)
    return path


def test_each_form_tells_how_unlike_the_training_a_picture_is(
    run, model_file, colour_folder, stripes
):
    red = colour_folder / "test" / "red" / "00.png"
    expected = joblib.load(model_file).novelty([str(red), str(stripes)])
    assert expected[1] > 1
    output = {
        name: run("predict", model_file, red, stripes, "--format", name).stdout
        for name in ("table", "csv", "jsonl")
    }
    table = [float(line.split()[2]) for line in output["table"].splitlines()[1:]]
    assert table == pytest.approx(expected, abs=0.006)
    rows = csv.DictReader(io.StringIO(output["csv"]))
    assert [float(row["novelty"]) for row in rows] == pytest.approx(expected, 1e-4)
    lines = map(json.loads, output["jsonl"].splitlines())
    assert [line["novelty"] for line in lines] == pytest.approx(expected, 1e-4)


def test_unsure_says_none_of_these_where_a_picture_is_unlike_the_training(
    run, model_file, colour_folder, stripes
):
    red = colour_folder / "test" / "red" / "00.png"
    arguments = ("predict", model_file, red, stripes, "--unsure")
    first, second = run(*arguments).stdout.splitlines()[1:]
    assert first.startswith("red ")
    assert second.startswith("none of these  -")
    assert second.endswith("stripes.png")
    rows = csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout))
    assert [(row["class"], row["probability"] == "") for row in rows] == [
        ("red", False),
        ("none of these", True),
    ]


def test_a_higher_rate_of_false_alarms_raises_the_novelty(
    run, model_file, colour_folder
):
    red = colour_folder / "test" / "red" / "00.png"
    rare, frequent = (
        float(run(*("predict", model_file, red), *rate).stdout.split()[-2])
        for rate in ((), ("--false-alarms", 0.5))
    )
    assert frequent > rare


@pytest.mark.parametrize("folder", [".", "./", "..", "../test", "blue/.."])
def test_the_folder_that_one_is_in_is_one_as_any_other(
    run, model_file, colour_folder, monkeypatch, folder
):
    monkeypatch.chdir(colour_folder / "test")
    paths = [str(path) for path in Path(folder).rglob("*.png")]
    assert paths
    found = run("predict", model_file, folder, "--format", "csv").stdout
    assert len(found.splitlines()) == 1 + len(paths)


def test_a_tilde_of_no_user_begins_a_name(
    run, model_file, colour_folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("~nobody.joblib").write_bytes(model_file.read_bytes())
    Path("~list.csv").write_text(f"path\n{next(colour_folder.rglob('*.png'))}\n")
    run("predict", "~nobody.joblib", "~list.csv", "--cache", "~cache")
    assert Path("~cache").is_dir()


@pytest.mark.parametrize("command", ["predict", "evaluate", "info", "export"])
@pytest.mark.parametrize("kind", ["not fitted", "of another step"])
def test_what_is_no_fitted_model_of_pictures_is_named(
    run, colour_folder, tmp_path, command, kind
):
    model = make_image_classifier()
    if kind == "of another step":
        steps = [("embedder", StandardScaler()), ("classifier", LogisticRegression())]
        model = Pipeline(steps).fit([[0.0], [1.0]], ["a", "b"])
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    words = {"info": [], "export": [tmp_path / "model.onnx"]}
    others = words.get(command, [colour_folder / "test"])
    assert f"{path} holds a" in run(command, path, *others, status=1).stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--path-column", "file"], "about tables"),
        (["--root", "."], "about tables"),
        (["--out", "both", "--sort-into", "both"], "are both both"),
        (["--jobs", 0], "no number of threads"),
    ],
)
def test_options_that_mean_nothing_are_wrong_usage(
    run, model_file, colour_folder, options, words
):
    folder = colour_folder / "test"
    assert words in run("predict", model_file, folder, *options, status=2).stderr

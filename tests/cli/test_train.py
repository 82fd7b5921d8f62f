"""`skresnet train`: from a folder to a model in a file."""

import csv
import re
import sys

import joblib
import numpy as np
import pytest
import sklearn
from colour_pipelines import colour_pipeline
from tiny import TINY, TINY_EMBEDDER

from skresnet import ResNet50Embedder, load_image_folder, load_image_splits
from skresnet.cli.models import save_model


def test_it_says_what_it_trains_on_and_how_well_it_went(trained, colour_folder):
    path, result = trained
    assert f"{colour_folder} (train 36, val 12, test 18)" in result.stdout
    assert "Classes: 3 ('blue', 'green', 'red')" in result.stdout
    assert result.stdout.count("epoch") == 1  # the best one
    assert result.stderr == ""
    assert "Trained again" not in result.stdout  # val pictures decided
    assert "of 4, validation accuracy 1.0000" in result.stdout
    assert "Test: accuracy 1.0000" in result.stdout
    assert f"Model: {path}" in result.stdout


def test_it_says_which_cache_it_uses(trained, cache_home):
    assert f"Cache: {cache_home / 'skresnet'}" in trained[1].stdout
    assert list((cache_home / "skresnet").glob("*.sqlite"))


def test_the_model_is_that_of_the_library(model_file, colour_folder):
    data = load_image_splits(colour_folder)
    expected = colour_pipeline(classifier__epochs=4)
    with sklearn.config_context(enable_metadata_routing=True):
        expected.fit(
            data.train.data,
            data.train.target,
            X_val=data.val.data,
            y_val=data.val.target,
        )
    model = joblib.load(model_file)
    np.testing.assert_array_equal(
        model.predict_proba(data.test.data), expected.predict_proba(data.test.data)
    )
    assert model["classifier"].history_ == expected["classifier"].history_


def test_the_model_remembers_nothing_of_the_run(model_file, tmp_path):
    model = joblib.load(model_file)
    of_the_run = {"cache": tmp_path, "n_jobs": 2, "on_error": "nan", "verbose": 1}
    model["embedder"].set_params(**of_the_run)
    save_model(model, tmp_path / "m.joblib", force=False)
    for saved in (joblib.load(model_file), joblib.load(tmp_path / "m.joblib")):
        assert saved["embedder"].cache is None
        assert saved["embedder"].n_jobs == -1
        assert saved["embedder"].on_error == "raise"
        assert saved["embedder"].verbose == 0
        assert saved["classifier"].callbacks is None


@pytest.mark.parametrize(
    ("ending", "begins"), [(".gz", b"\x1f\x8b"), (".xz", b"\xfd7zXZ"), ("", b"\x80")]
)
def test_the_model_is_compressed_as_its_name_says(
    run, colour_folder, tmp_path, ending, begins
):
    out = tmp_path / f"m.joblib{ending}"
    run("train", colour_folder, "--out", out, *TINY, "--epochs", 1)
    assert out.read_bytes().startswith(begins)
    assert joblib.load(out).classes_.tolist() == ["blue", "green", "red"]


def test_versions_in_names_keep_their_lists_of_test_pictures_apart(
    run, colour_folder, tmp_path
):
    for name in ("cats.v1", "cats.v2", "cats.joblib"):
        out = tmp_path / name
        run("train", colour_folder / "train", "--out", out, *TINY, "--epochs", 1)
    lists = {path.name for path in tmp_path.glob("*.csv")}
    assert lists == {"cats.v1.test.csv", "cats.v2.test.csv", "cats.test.csv"}


def test_a_report_without_a_cache_embeds_each_picture_once(
    run, colour_folder, tmp_path, monkeypatch
):
    embedded = []
    embed = ResNet50Embedder._embed

    def counted(self, pictures, *args, **kwargs):
        embedded.extend(picture.path for picture in pictures)
        return embed(self, pictures, *args, **kwargs)

    monkeypatch.setattr(ResNet50Embedder, "_embed", counted)
    arguments = ["train", colour_folder, "--out", tmp_path / "m", "--no-cache", *TINY]
    run(*arguments, "--report", tmp_path / "report.html")
    assert len(embedded) == len(set(embedded)) == 66


def test_of_a_folder_of_classes_a_test_set_is_kept_apart_and_listed(
    run, colour_folder, tmp_path
):
    folder, out = colour_folder / "train", tmp_path / "model.joblib"
    result = run("train", folder, "--out", out, *TINY, "--test-size", "0.25")
    assert "(train 27, test 9)" in result.stdout
    with (tmp_path / "model.test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    everything = load_image_folder(folder)
    assert len(rows) == 9
    assert {row["path"] for row in rows} < set(everything.data)
    assert all(f"/{row['class']}/" in row["path"] for row in rows)
    accuracy = run("evaluate", out, tmp_path / "model.test.csv").stdout
    shown = result.stdout.split("Test: accuracy ")[1][:6]
    assert f"Accuracy: {shown}" in accuracy


def test_no_test_set_is_kept_apart_where_none_is_wanted(run, colour_folder, tmp_path):
    out = tmp_path / "model.joblib"
    result = run(
        "train", colour_folder / "train", "--out", out, *TINY, "--test-size", 0
    )
    assert "(train 36)" in result.stdout
    assert "Test" not in result.stdout
    assert not (tmp_path / "model.test.csv").exists()


def test_a_class_of_one_picture_cannot_be_tested(run, colour_folder, tmp_path):
    lone = tmp_path / "photos" / "lone"
    lone.mkdir(parents=True)
    (tmp_path / "photos" / "red").symlink_to(colour_folder / "train" / "red")
    (lone / "1.png").symlink_to(colour_folder / "train" / "blue" / "00.png")
    result = run("train", tmp_path / "photos", "--out", tmp_path / "m", *TINY, status=1)
    assert "'lone'" in result.stderr
    assert "--test-size 0" in result.stderr


def test_a_model_that_exists_is_not_replaced_unless_forced(
    run, colour_folder, tmp_path
):
    out = tmp_path / "model.joblib"
    out.write_text("precious")
    result = run("train", colour_folder, "--out", out, *TINY, status=1)
    assert "--force" in result.stderr
    assert out.read_text() == "precious"
    run("train", colour_folder, "--out", out, *TINY, "--force")
    assert joblib.load(out).classes_.tolist() == ["blue", "green", "red"]


def test_a_folder_that_is_missing_is_noticed_before_the_training(
    run, colour_folder, tmp_path
):
    out = tmp_path / "nowhere" / "model.joblib"
    result = run("train", colour_folder, "--out", out, *TINY, status=1)
    assert str(tmp_path / "nowhere") in result.stderr
    assert result.stdout == ""


def test_unreadable_pictures_are_named_and_nothing_is_written(run, damaged, tmp_path):
    result = run("train", damaged, "--out", tmp_path / "m", *TINY, status=1)
    assert "2 pictures cannot be read" in result.stderr
    for name in ("cut.png", "text.png", "--on-error skip"):
        assert name in result.stderr
    assert not (tmp_path / "m").exists()


def test_unreadable_pictures_are_left_out_where_that_is_asked_for(
    run, damaged, tmp_path
):
    out = tmp_path / "m"
    result = run("train", damaged, "--out", out, *TINY, "--on-error", "skip")
    assert "Left out 2 of 20 pictures" in result.stderr
    assert "cut.png: the file ends early" in result.stderr
    assert "Test: accuracy 1.0000" in result.stdout
    assert "Warning" not in result.stderr


def test_the_search_compares_six_heads_and_trains_the_best(
    run, colour_folder, tmp_path
):
    out = tmp_path / "m"
    rate = ("--learning-rate", "0.01")  # of which a third takes many digits
    result = run("train", colour_folder, "--out", out, *TINY, *rate, "--search")
    lines = result.stdout.splitlines()
    start = lines.index(next(line for line in lines if line.startswith("head  ")))
    table = lines[start + 1 : start + 7]
    width = lines[start].index("accuracy")
    assert {line.index(".", width) for line in table} == {width + 3}
    names = [re.split("  +", line)[0] for line in table]
    assert names == [
        *(f"dense, learning rate {rate}" for rate in ("0.003333", "0.01", "0.03")),
        *(f"logistic regression, C={C}" for C in ("0.001", "0.01", "0.1")),
    ]
    scores = [tuple(map(float, re.split("  +", line)[1:3])) for line in table]
    [best] = [i for i, line in enumerate(table) if line.endswith("<- best")]
    assert scores[best][0] == max(accuracy for accuracy, _ in scores)
    equal = [loss for accuracy, loss in scores if accuracy == scores[best][0]]
    assert scores[best][1] == min(equal)
    assert f"Head: {names[best]}" in lines
    steps = joblib.load(out).named_steps
    if names[best].startswith("dense"):
        rate = steps["classifier"].learning_rate
        assert names[best].endswith(f"{rate:.4g}")
    else:
        assert list(steps) == ["embedder", "scaler", "classifier"]
        assert names[best].endswith(f"C={steps['classifier'].C:g}")


def test_a_logistic_regression_can_be_the_head(run, colour_folder, tmp_path):
    out = tmp_path / "m"
    result = run(
        *("train", colour_folder, "--out", out, *TINY_EMBEDDER, "--head", "logistic")
    )
    assert "The val pictures are of no use to a LogisticRegression" in result.stdout
    assert "Test: accuracy 1.0000" in result.stdout
    model = joblib.load(out)
    assert list(model.named_steps) == ["embedder", "scaler", "classifier"]
    assert model["classifier"].C == 0.01
    evaluated = run("evaluate", out, colour_folder / "test")
    assert "Accuracy: 1.0000" in evaluated.stdout
    assert "LogisticRegression" in run("info", out).stdout


def test_options_of_the_dense_network_are_refused_for_another_head(
    run, colour_folder, tmp_path
):
    arguments = "train", colour_folder, "--out", tmp_path / "m", "--head", "logistic"
    refused = run(*arguments, "--epochs", 5, status=2)
    assert "--epochs is of the dense network" in refused.stderr
    refused = run(*arguments, "--search", status=2)
    assert "--search chooses the head itself" in refused.stderr


def test_all_pictures_train_where_no_share_is_set_aside(run, colour_folder, tmp_path):
    out = tmp_path / "m"
    run(
        *("train", colour_folder / "train", "--out", out, *TINY),
        *("--validation-fraction", "none", "--patience", "none", "--epochs", "auto"),
    )
    classifier = joblib.load(out)["classifier"]
    assert classifier.validation_fraction is None
    assert classifier.patience is None
    assert classifier.validation_indices_ is None
    assert len(classifier.history_["loss"]) == 100


def test_the_report_is_a_page_about_the_test_pictures(run, colour_folder, tmp_path):
    report = tmp_path / "report.html"
    result = run(
        "train", colour_folder, "--out", tmp_path / "m", *TINY, "--report", report
    )
    assert f"Report: {report}" in result.stdout
    page = report.read_text(encoding="utf-8")
    assert "<html" in page
    assert "green" in page


def test_a_report_without_test_pictures_is_refused(run, colour_folder, tmp_path):
    result = run(
        *("train", colour_folder / "train", "--out", tmp_path / "m", *TINY),
        *("--test-size", 0, "--report", tmp_path / "r.html"),
        status=1,
    )
    assert "--report" in result.stderr
    assert not (tmp_path / "m").exists()


def test_a_report_without_matplotlib_is_refused_before_the_training(
    run, colour_folder, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run(
        *("train", colour_folder, "--out", tmp_path / "m", *TINY),
        *("--report", tmp_path / "r.html"),
        status=1,
    )
    assert "pip install matplotlib" in result.stderr
    assert result.stdout == ""


def test_missing_weights_name_the_option(run, colour_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    result = run("train", colour_folder, "--out", tmp_path / "m", status=1)
    assert "weights='imagenet' is not available" in result.stderr
    assert "--weights distilled" in result.stderr
    assert "--weights random" in result.stderr


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (["--layer", "avgpool"], "avg_pool"),
        (["--input-size", "20"], "at least 32"),
        (["--hidden-layers", "30,x"], "500,250,200"),
        (["--dropout", "1"], "--dropout"),
        (["--cache", "here", "--no-cache"], "--no-cache"),
    ],
)
def test_wrong_values_are_wrong_usage(run, colour_folder, tmp_path, wrong, text):
    result = run(
        "train", colour_folder, "--out", tmp_path / "m", *TINY, *wrong, status=2
    )
    assert text in result.stderr


def test_one_class_is_refused_before_a_picture_is_opened(run, tmp_path):
    folder = tmp_path / "photos" / "cat"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.png").write_bytes(b"no picture")
    arguments = ["train", folder.parent, "--out", tmp_path / "m.joblib", *TINY]
    result = run(*arguments, status=1)
    assert "pictures of one class to train on, 'cat'" in result.stderr

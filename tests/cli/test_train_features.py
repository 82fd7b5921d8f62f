"""`skresnet train` and `evaluate` on features that `skresnet embed` has written."""

import csv
import shutil
import sys

import joblib
import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny import TINY, TINY_EMBEDDER

from skresnet.head import blocks, rows

HEAD = [
    option for option in TINY if option not in TINY_EMBEDDER and option != "--scale"
]


@pytest.fixture(scope="module")
def features(run, colour_folder, tmp_path_factory):
    """Train and test pictures as features in two parts of a folder."""
    folder = tmp_path_factory.mktemp("features")
    whole = folder.parent / "whole.parquet"
    run("embed", colour_folder, "--out", whole, *TINY_EMBEDDER)
    table = pq.read_table(whole)
    whole.unlink()
    half = table.num_rows // 2
    pq.write_table(table.slice(0, half), folder / "0.parquet", row_group_size=4)
    pq.write_table(table.slice(half), folder / "1.parquet", row_group_size=4)
    return folder


@pytest.fixture
def nothing_fits_in_memory(monkeypatch):
    for module in (blocks, rows):
        monkeypatch.setattr(module, "BUFFER_BYTES", 4 * 256 * 16)
        monkeypatch.setattr(module, "LOADED_BYTES", 4 * 256 * 10)


def accuracy(result):
    [line] = [line for line in result.stdout.splitlines() if line.startswith("Test: ")]
    return float(line.split()[2].rstrip(","))


def test_small_features_give_the_model_that_pictures_give(
    run, features, colour_folder, tmp_path
):
    by_pictures, by_features = tmp_path / "p.joblib", tmp_path / "f.joblib"
    run("train", colour_folder, "--out", by_pictures, *TINY_EMBEDDER, *HEAD)
    result = run("train", features, "--out", by_features, *HEAD)
    assert "train 36, val 12, test 18" in result.stdout
    pictures = sorted(map(str, colour_folder.glob("test/*/*.png")))
    expected, found = (
        joblib.load(path).predict_proba(pictures) for path in (by_pictures, by_features)
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.usefixtures("nothing_fits_in_memory")
def test_features_that_memory_does_not_hold_give_a_model_of_pictures(
    run, features, colour_folder, tmp_path, monkeypatch
):
    out = tmp_path / "model.joblib"
    result = run("train", features, "--out", out, *HEAD, "--epochs", "20")
    assert accuracy(result) > 0.9
    picture = colour_folder / "test" / "red" / "00.png"
    assert "red" in run("predict", out, picture).stdout
    evaluated = run("evaluate", out, features, "--format", "csv").stdout
    table = list(csv.DictReader(evaluated.splitlines()))
    assert [row["pictures"] for row in table] == ["6", "6", "6"]
    monkeypatch.setattr(blocks, "BUFFER_BYTES", 4 * 256 * 36)
    for some in ("--scale", "--search"):
        run("train", features, "--out", out, "--force", some, *HEAD)
    monkeypatch.setattr(blocks, "BUFFER_BYTES", 4 * 256 * 35)
    refused = run("train", features, "--out", out, "--force", "--search", status=2)
    assert "block by block" in refused.stderr


def test_without_splits_some_are_set_aside_and_listed(run, features, tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    for part in features.iterdir():
        pq.write_table(pq.read_table(part).drop_columns("split"), folder / part.name)
    out = tmp_path / "m.joblib"
    assert "train 52, test 14" in run("train", folder, "--out", out, *HEAD).stdout
    with (tmp_path / "m.test.csv").open(newline="") as file:
        tested = list(csv.DictReader(file))
    assert len(tested) == 14
    assert {row["class"] for row in tested} == {"blue", "green", "red"}
    whole = run("train", folder, "--out", out, "--force", "--test-size", "0", *HEAD)
    assert "Test" not in whole.stdout


def test_a_model_of_another_embedder_is_not_tested_on_them(run, features, tmp_path):
    folder, out = tmp_path / "features", tmp_path / "m.joblib"
    run("train", features, "--out", out, *HEAD)
    folder.mkdir()
    for part in features.iterdir():
        table = pq.read_table(part)
        said = table.schema.metadata[b"skresnet.embedder"]
        other = said.replace(b'"input_size": 32', b'"input_size": 64')
        assert other != said
        table = table.replace_schema_metadata({b"skresnet.embedder": other})
        pq.write_table(table, folder / part.name)
    result = run("evaluate", out, folder, status=1)
    assert "made by another embedder" in result.stderr
    assert "input_size" in result.stderr


@pytest.mark.parametrize("option", [("--layer", "avg_pool"), ("--group-by", "parent")])
def test_options_about_pictures_are_refused(run, features, tmp_path, option):
    result = run("train", features, "--out", tmp_path / "m.joblib", *option, status=2)
    assert f"{option[0]} is about pictures" in result.stderr


def test_features_that_do_not_say_their_embedder_are_refused(run, features, tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    table = pq.read_table(features / "0.parquet").replace_schema_metadata(None)
    pq.write_table(table, folder / "0.parquet")
    result = run("train", folder, "--out", tmp_path / "m.joblib", status=1)
    assert "do not say which embedder" in result.stderr


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_without_dask_a_sentence_says_what_to_install(
    run, features, model_file, tmp_path, monkeypatch, command
):
    monkeypatch.setitem(sys.modules, "dask.array", None)
    if command == "train":
        words = ["train", features, "--out", tmp_path / "m.joblib"]
    else:
        words = ["evaluate", model_file, features]
    result = run(*words, status=1)
    assert 'pip install "skresnet[dask]"' in result.stderr


def test_a_parquet_file_beside_pictures_is_not_taken_for_features(
    run, colour_folder, tmp_path
):
    photos = tmp_path / "photos"
    shutil.copytree(colour_folder, photos)
    (photos / "notes.parquet").write_bytes(b"no table")
    result = run("train", photos, "--out", tmp_path / "m.joblib", *TINY)
    assert "train 36, val 12, test 18" in result.stdout


def test_neither_features_nor_a_model_are_replaced_by_what_comes_of_them(
    run, features, tmp_path
):
    folder, model = tmp_path / "features", tmp_path / "model.joblib"
    shutil.copytree(features, folder)
    run("train", folder, "--out", model, *HEAD)
    before = {path: path.read_bytes() for path in (model, *folder.iterdir())}
    part = folder / "0.parquet"
    for words in (
        ("evaluate", model, folder, "--out", model),
        ("evaluate", model, folder, "--out", part, "--format", "json"),
        ("train", folder, "--out", part, *HEAD),
    ):
        assert "is read by this command" in run(*words, "--force", status=1).stderr
    new = folder / "new.parquet"
    assert ".joblib" in run("train", folder, "--out", new, *HEAD, status=1).stderr
    found = {path: path.read_bytes() for path in (model, *folder.iterdir())}
    assert found == before
    out = tmp_path / "scores.json"
    assert f"Written: {out}" in run("evaluate", model, folder, "--out", out).stderr

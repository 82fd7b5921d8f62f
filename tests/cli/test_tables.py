"""Pictures that a table names, and pictures in groups."""

import csv

import pandas as pd
import pytest
from tiny import TINY, TINY_EMBEDDER

from skresnet import load_image_splits


@pytest.fixture
def table(colour_folder, tmp_path):
    """A table of all pictures with their splits, in a folder of its own."""
    splits = load_image_splits(colour_folder)
    rows = [
        {"image": path, "label": label, "subset": name}
        for name in ("train", "val", "test")
        for path, label in zip(splits[name].data, splits[name].target, strict=True)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def write(table, path):
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_with_splits_is_trained_and_tested_on(run, table, tmp_path, ending):
    source, out = write(table, tmp_path / f"t{ending}"), tmp_path / "m.joblib"
    trained = run("train", source, "--out", out, *TINY).stdout
    assert "(train 36, val 12, test 18)" in trained
    assert "(18 pictures)" in trained
    assert not list(tmp_path.glob("*.test.csv"))
    assert "Pictures: 18\n" in run("evaluate", out, source).stdout


def test_a_split_that_a_table_lacks_is_named(run, model_file, table, tmp_path):
    source = write(table[table["subset"] != "train"], tmp_path / "t.csv")
    refused = run("train", source, "--out", tmp_path / "m.joblib", *TINY, status=1)
    assert "in the split 'train'; its splits are 'val' and 'test'" in refused.stderr
    source = write(table[table["subset"] != "test"], tmp_path / "t.csv")
    refused = run("evaluate", model_file, source, status=1)
    assert "in the split 'test'; its splits are 'train' and 'val'" in refused.stderr


def test_of_a_table_without_splits_a_test_set_is_set_aside(run, table, tmp_path):
    source = write(table[["image", "label"]], tmp_path / "t.csv")
    out = tmp_path / "m.joblib"
    assert "(train 52, test 14)" in run("train", source, "--out", out, *TINY).stdout
    assert "Pictures: 14\n" in run("evaluate", out, tmp_path / "m.test.csv").stdout


def test_the_table_is_not_replaced(run, table, tmp_path):
    source = write(table, tmp_path / "t.csv")
    result = run("train", source, "--out", source, "--force", *TINY, status=1)
    assert "is read by this command" in result.stderr


@pytest.mark.parametrize("labelled", [True, False])
def test_a_table_is_embedded_with_its_classes_or_none(run, table, tmp_path, labelled):
    table = table if labelled else table[["image"]]
    source, out = write(table, tmp_path / "t.csv"), tmp_path / "f.parquet"
    run("embed", source, "--out", out, *TINY_EMBEDDER)
    embedded = pd.read_parquet(out)
    classes = dict(zip(embedded["path"], embedded["class"], strict=True))
    if labelled:
        assert classes == dict(zip(table["image"], table["label"], strict=True))
    else:
        assert set(classes) == set(table["image"])
        assert embedded["class"].isna().all()


def test_the_pictures_of_a_table_are_predicted(run, model_file, table, tmp_path):
    source = write(table[["image"]].head(5), tmp_path / "t.csv")
    output = run("predict", model_file, source, "--format", "csv").stdout
    rows = list(csv.DictReader(output.splitlines()))
    assert [row["path"] for row in rows] == table["image"].head(5).tolist()


def test_columns_that_a_prediction_does_not_use_are_left_alone(
    run, model_file, table, tmp_path
):
    table = table.head(3).assign(label=["", "x", "x"], subset="nobody knows")
    table = pd.concat([table, table.tail(1).assign(label="y")])
    source = write(table, tmp_path / "t.csv")
    output = run("predict", model_file, source, "--format", "csv").stdout
    rows = list(csv.DictReader(output.splitlines()))
    assert [row["path"] for row in rows] == table["image"].tolist()


@pytest.fixture
def with_gaps(table, tmp_path):
    """The table, of which a picture of the training and one of the test are gone."""
    for name in ("train", "test"):
        first = table.index[table["subset"] == name][0]
        table.loc[first, "image"] = str(tmp_path / f"gone-{name}.png")
    return write(table, tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("command", "gone"), [("train", 1), ("evaluate", 1), ("embed", 2)]
)
def test_a_file_that_is_not_there_is_one_that_cannot_be_read(
    run, command, gone, model_file, with_gaps, tmp_path
):
    arguments = {
        "train": [with_gaps, "--out", tmp_path / "m.joblib", *TINY],
        "evaluate": [model_file, with_gaps],
        "embed": [with_gaps, "--out", tmp_path / "f.npy", *TINY_EMBEDDER],
    }[command]
    refused = run(command, *arguments, status=1).stderr
    assert f"{gone} picture{'s' * (gone > 1)} cannot be read:\n" in refused
    assert refused.count("gone-") == gone
    assert "--on-error skip" in refused
    skipped = run(command, *arguments, "--on-error", "skip")
    assert f"Left out {gone} of" in skipped.stderr
    # Nor is one of them what to go on with.
    assert "gone-" not in skipped.stdout


def test_a_file_that_is_not_there_is_told_beside_predictions(
    run, model_file, with_gaps
):
    found = run("predict", model_file, with_gaps, "--format", "csv", status=3)
    rows = list(csv.DictReader(found.stdout.splitlines()))
    assert len(rows) == 66
    assert sum("gone-" in row["path"] for row in rows if row["error"]) == 2


def test_a_file_that_is_not_there_is_found_by_a_check(run, with_gaps, tmp_path):
    pytest.importorskip("cleanlab")
    out = tmp_path / "check.html"
    run("check", with_gaps, "--out", out, *TINY_EMBEDDER)
    assert "gone-train.png" in (tmp_path / "check.csv").read_text()


def test_a_table_of_another_folder_says_which_options_help(run, table, tmp_path):
    names = table.assign(image="x" + table["image"].str.rsplit("/", n=1).str[1])
    source = write(names, tmp_path / "t.csv")
    command = ["train", source, "--out", tmp_path / "m.joblib", *TINY]
    assert "give another folder with --root" in run(*command, status=1).stderr
    refused = run(*command, "--class-column", "kind", status=1).stderr
    assert "--class-column: the table" in refused
    source = write(table.drop(columns="image"), tmp_path / "t.csv")
    assert "or name it with --path-column" in run(*command, status=1).stderr


@pytest.mark.parametrize("source", ["folder", "table"])
def test_pictures_of_one_group_stay_on_one_side(
    run, colour_folder, table, tmp_path, source
):
    # Pictures 00 and 01 show one subject, 02 and 03 the next.
    table = table[table["subset"] == "train"][["image", "label"]]
    table["who"] = table["image"].str.extract(r"(\d\d)\.png")[0].astype(int) // 2
    subjects = table["label"] + table["who"].astype(str)
    of = dict(zip(table["image"], subjects, strict=True))
    if source == "folder":
        folder = tmp_path / "photos"
        for path, label, who in table.itertuples(index=False):
            link = folder / label / str(who) / path.rsplit("/", 1)[1]
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        arguments = [folder, "--group-by", "parent"]
        of = {
            str(path): path.parts[-3] + path.parts[-2] for path in folder.glob("*/*/*")
        }
    else:
        table["who"] = subjects
        arguments = [write(table, tmp_path / "t.csv"), "--group-by", "who"]
    out = tmp_path / "m.joblib"
    result = run("train", *arguments, "--out", out, *TINY, "--search")
    tested = pd.read_csv(tmp_path / "m.test.csv")["path"]
    assert 3 <= len(tested) < 36
    held_out = {of[path] for path in tested}
    assert held_out.isdisjoint(of[path] for path in set(of) - set(tested))
    assert "Test: accuracy" in result.stdout


def test_a_class_of_one_group_cannot_be_tested(run, colour_folder, table, tmp_path):
    table = table[table["subset"] == "train"][["image", "label"]]
    table["who"] = table["label"]
    source = write(table, tmp_path / "t.csv")
    result = run(
        *("train", source, "--group-by", "who", "--out", tmp_path / "m", *TINY),
        status=1,
    )
    assert "at least 2 groups" in result.stderr
    assert "'blue', 'green', 'red'" in result.stderr

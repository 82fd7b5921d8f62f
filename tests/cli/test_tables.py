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

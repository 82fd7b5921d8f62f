"""`check_images` and `skresnet check`: what is wrong with a data set."""

import csv
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from skresnet import check_images, load_image_splits
from skresnet.cli import main


@pytest.fixture(scope="module")
def arguments(planted):
    data = load_image_splits(planted, groups=r"^([a-z]+\d*)_")
    parts = {name: data[name] for name in ("train", "test")}
    return {
        "X": np.concatenate([part.data for part in parts.values()]),
        "y": np.concatenate([part.target for part in parts.values()]),
        "splits": np.repeat(list(parts), [len(part.data) for part in parts.values()]),
        "groups": np.concatenate([part.groups for part in parts.values()]),
    }


@pytest.fixture
def check(arguments, small_embedder):
    return check_images(**arguments, embedder=small_embedder)


def names(check, kind):
    return [(found.name, found.other_name) for found in check.of_kind(kind)]


def test_all_that_was_planted_is_found(check):
    assert names(check, "unreadable") == [("train/green/broken_1.png", "")]
    assert names(check, "suspicious") == [("train/green/white_1.png", "")]
    assert names(check, "exact copy across splits") == [
        ("train/red/s0_0.png", "test/red/same_1.png")
    ]
    assert names(check, "exact copy") == [
        ("train/green/again_1.png", "train/green/s1_2.png")
    ]
    assert names(check, "near copy across splits")[0] == (
        "train/blue/s3_6.png",
        "test/blue/mirrored_1.jpg",
    )
    wrong = check.of_kind("doubtful label")[0]
    assert (wrong.name, wrong.label, wrong.other_label) == (
        "train/blue/wrong_1.png",
        "blue",
        "red",
    )
    assert wrong.score < 0.5
    # Group s0 is in both splits, and so are s1 to s5.
    torn = {found.note for found in check.of_kind("torn group")}
    assert torn == {f"s{index}" for index in range(6)}
    assert check.of_kind("alike classes") == []


def test_the_findings_are_a_table(check):
    table = pd.DataFrame(check.findings)
    assert list(table.columns[:4]) == ["kind", "position", "name", "label"]
    assert set(table["kind"]) <= {found.kind for found in check.findings}


def test_the_pictures_of_each_class_and_split_are_counted(check):
    assert check.counts["green", "train"] == 27
    assert check.counts["red", "test"] == 13
    assert sum(check.counts.values()) == len(check.pictures)


def test_classes_without_a_picture_are_told(arguments, small_embedder):
    kept = (arguments["y"] != "red") | (arguments["splits"] != "test")
    columns = {name: values[kept] for name, values in arguments.items()}
    check = check_images(
        **columns, classes=["blue", "green", "red", "yellow"], embedder=small_embedder
    )
    found = [(found.label, found.split) for found in check.of_kind("empty class")]
    assert found == [("yellow", ""), ("red", "test")]
    assert check.counts["yellow", "train"] == check.counts["red", "test"] == 0


def test_pictures_unlike_all_others_are_told(arguments, small_embedder):
    stripes = np.zeros((3, 72, 96, 3), np.uint8)
    for index in range(3):
        stripes[index, :, :: index + 2] = 255
    X, y = [*arguments["X"], *stripes], [*arguments["y"], "red", "blue", "green"]
    check = check_images(X, y, embedder=small_embedder)
    found = check.of_kind("unlike the others")
    white = [i for i, path in enumerate(arguments["X"]) if path.endswith("white_1.png")]
    positions = [finding.position for finding in found]
    assert sorted(positions) == sorted([*white, *range(len(X) - 3, len(X))])
    assert found[0].score >= found[-1].score


def test_classes_of_the_same_pictures_are_alike(arguments, small_embedder):
    y = arguments["y"].copy()
    greens = np.flatnonzero(y == "green")
    y[greens[::2]] = "lime"
    check = check_images(arguments["X"], y, embedder=small_embedder)
    pairs = [(f.label, f.other_label) for f in check.of_kind("alike classes")]
    assert pairs == [("green", "lime")]


def test_without_labels_and_splits_the_pictures_alone_are_looked_at(arguments):
    check = check_images(arguments["X"])
    kinds = {found.kind for found in check.findings}
    assert {"unreadable", "suspicious", "exact copy", "near copy"} >= kinds
    assert len(check.of_kind("exact copy")) == 2
    assert np.isnan(check.accuracy)


@pytest.mark.parametrize("y", [["blue"] * 3, ["blue", "blue", "red"]])
def test_labels_that_cannot_be_judged_are_left_alone(arguments, small_embedder, y):
    check = check_images(arguments["X"][:3], y, embedder=small_embedder)
    assert check.findings == []
    assert np.isnan(check.accuracy)


def test_copies_of_another_class_are_marked(arguments, small_embedder):
    X, y = [*arguments["X"], arguments["X"][0]], [*arguments["y"], "red"]
    check = check_images(X, y, embedder=small_embedder)
    assert y[0] == "blue"
    marked = [found for found in check.of_kind("exact copy") if found.note]
    assert [(found.label, found.other_label) for found in marked] == [("blue", "red")]


def test_the_page_shows_the_pictures_and_runs_nothing(check, tmp_path):
    page = check.save(tmp_path / "check.html").read_text("utf-8")
    assert "<script" not in page
    for text in (
        "Files that cannot be read: 1",
        "Copies across splits: 1",
        "Groups torn apart: 6",
        "train/green/broken_1.png",
        "test/blue/mirrored_1.jpg",
    ):
        assert text in page
    wrong = re.search(r"wrong_1\.png.*?src=|src=.*?wrong_1\.png", page, re.DOTALL)
    assert wrong
    assert page.count("data:image/jpeg;base64,") > 12


@pytest.fixture
def run(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")

    def run(*args, status=0):
        options = ["--weights", "random", "--input-size", "32"]
        options += ["--layer", "conv2_block1_out"]
        result = CliRunner().invoke(
            main,
            ["check", *map(str, args), *options],
            env={"XDG_CACHE_HOME": str(home)},
        )
        assert result.exit_code == status, result.output
        return result

    return run


def test_the_command_writes_a_page_and_a_table(run, planted, tmp_path):
    out = tmp_path / "found.html"
    output = run(planted, "--out", out, "--group-by", r"^([a-z]+\d*)_").stdout
    for line in (
        "of 3 classes (train 76, test 38)",
        "Unreadable: 1",
        "Exact copy across splits: 1",
        "Torn group: 6",
        f"Page: {out}",
    ):
        assert line in output
    with (tmp_path / "found.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["kind"] == "unreadable"
    assert rows[0]["other_position"] == rows[0]["score"] == ""
    assert "train/blue/wrong_1.png" in {row["name"] for row in rows}
    assert "Copies across splits: 1" in out.read_text("utf-8")


def test_the_command_takes_a_table(run, planted, tmp_path):
    paths = sorted((planted / "train").glob("*/s*.png"))
    table = pd.DataFrame(
        {
            "path": [str(path) for path in paths],
            "class": [path.parent.name for path in paths],
            "subject": [path.stem.partition("_")[0] for path in paths],
            "split": ["train" if index % 2 else "test" for index in range(len(paths))],
        }
    )
    table.to_csv(tmp_path / "labels.csv", index=False)
    output = run(
        tmp_path / "labels.csv", "--group-by", "subject", "--out", tmp_path / "c.html"
    ).stdout
    assert "Pictures: 72 of 3 classes (train 36, test 36)" in output
    assert "Torn group: 12" in output


def test_the_command_tells_of_empty_class_folders(run, planted, tmp_path):
    for split in ("train", "test"):
        for name in ("blue", "red"):
            (tmp_path / "photos" / split / name).mkdir(parents=True)
        (tmp_path / "photos" / split / "green").symlink_to(planted / split / "green")
    (tmp_path / "photos" / "train" / "red" / "1.png").symlink_to(
        planted / "train" / "red" / "s0_0.png"
    )
    output = run(tmp_path / "photos", "--out", tmp_path / "c.html").stdout
    assert "Empty class: 2" in output
    with (tmp_path / "c.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "empty class"]
    assert [(row["label"], row["split"]) for row in rows] == [
        ("blue", ""),
        ("red", "test"),
    ]
    assert "Classes without a picture: 2" in (tmp_path / "c.html").read_text("utf-8")


def test_the_command_says_where_labels_cannot_be_judged(run, planted, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "red").symlink_to(planted / "train" / "red")
    output = run(tmp_path / "photos", "--out", tmp_path / "c.html").stdout
    assert "Labels were not judged" in output
    assert "Pictures: 24 of 1 class\n" in output


def test_the_command_does_not_replace_files_without_being_told(run, planted, tmp_path):
    out = tmp_path / "found.html"
    (tmp_path / "found.csv").write_text("mine")
    assert "found.csv" in run(planted, "--out", out, status=1).stderr
    assert not out.exists()
    assert (tmp_path / "found.csv").read_text() == "mine"


@pytest.mark.parametrize(
    "params", [{"cv": 1}, {"false_alarm_rate": 2}, {"false_alarm_rate": float("nan")}]
)
def test_a_parameter_out_of_range_is_named_before_a_picture_is_opened(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        check_images(["no_file.png"] * 4, ["a", "b"] * 2, **params)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_pictures_of_no_group_are_of_none_together(arguments, missing):
    groups = np.array(arguments["groups"], object)
    groups[:] = missing
    check = check_images(arguments["X"], splits=arguments["splits"], groups=groups)
    assert check.of_kind("torn group") == []


def test_a_single_group_leaves_the_folds_to_chance(arguments, small_embedder):
    check = check_images(
        arguments["X"],
        arguments["y"],
        groups=["one"] * len(arguments["y"]),
        embedder=small_embedder,
    )
    assert check.accuracy > 0.5


def test_a_single_name_is_no_list_of_classes(colour_folder):
    picture = str(colour_folder / "test" / "red" / "00.png")
    with pytest.raises(TypeError, match="classes='red' is one name"):
        check_images([picture], classes="red")

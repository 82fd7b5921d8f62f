"""What people see in a terminal: lines that fit it, and lines to paste."""

import re
import shutil
import subprocess

import joblib
import numpy as np
import pytest
from PIL import Image
from terminals import shown, written
from tiny import TINY

import skresnet.cli
from skresnet.cli.terminal import fitting


def fits(line, columns=80):
    """Tell whether a line fits, or is a word that is left whole."""
    return len(line) <= columns or " " not in line.strip()


def test_lines_break_between_words_and_keep_their_indent(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    text = "a list of words:\n  some-long words of-it\n  /a/word/too/long/to/fit"
    assert fitting(text).splitlines() == [
        "a list of words:",
        "  some-long words",
        "  of-it",
        "  /a/word/too/long/to/fit",
    ]


def test_an_error_fits_the_terminal_and_breaks_no_word(tmp_path):
    lines = shown("train", tmp_path / "no folder", "--out", "m", columns=60)
    assert lines[0].startswith("Error: root")
    assert len(lines) > 4
    assert all(fits(line, 60) for line in lines)
    assert "Expected one folder a class" in re.sub(r"\s+", " ", " ".join(lines))


@pytest.mark.parametrize("columns", range(60, 90, 5))
def test_the_word_in_front_of_an_error_is_counted(columns):
    lines = shown(
        "train", "photos", "--out", "m", "--hidden-layers", "a", columns=columns
    )
    error = next(i for i, line in enumerate(lines) if line.startswith("Error: "))
    assert all(fits(line, columns) for line in lines[error:])


@pytest.mark.parametrize("command", ["", *skresnet.cli._COMMANDS])
def test_help_fits_with_its_examples(run, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run(*command.split(), "--help").stdout.splitlines()
    assert len(lines) > 8
    assert [line for line in lines if len(line) > 80] == []


def test_facts_fit_the_terminal_and_keep_their_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("info").stdout.splitlines()
    column = lines[0].index("0.")  # of the version, the first fact
    assert any(line.startswith(" " * column) for line in lines)
    for line in lines:
        assert line[column - 1] == " "
        assert line[column] != " "
        assert len(line) <= 80 or " " not in line[column:]


def test_an_unreadable_picture_keeps_the_columns(run, model_file, tmp_path, damaged):
    result = run("predict", model_file, damaged / "train" / "red", status=3)
    header, *rows = result.stdout.splitlines()
    column = header.index("picture")
    assert {row[column - 1] for row in rows} == {" "}
    assert all(row[column:].startswith(str(damaged)) for row in rows)


def test_in_a_terminal_its_cause_is_wrapped_in_its_column(
    model_file, damaged, monkeypatch
):
    monkeypatch.chdir(damaged)
    header, *lines = shown("predict", model_file, "train", "--no-cache")
    *rows, last = lines
    column = header.index("picture")
    assert last == "2 of 20 pictures cannot be read."
    assert all(fits(row) for row in rows)
    is_next = [row.startswith(" " * column) for row in rows]
    assert [row[column - 1] for row in rows] == [" "] * len(rows)
    # Of a text, nothing is recognised, and all that is read is named.
    text = next(i for i, row in enumerate(rows) if "text.png: no image" in row)
    assert is_next[text + 1]
    assert sum(is_next) == len(rows) - 20


def test_a_pass_over_pictures_leaves_one_line(model_file, colour_folder):
    lines = shown("evaluate", model_file, colour_folder, "--no-cache")
    n_pictures = len([*(colour_folder / "test").glob("*/*")])
    computed = f"{n_pictures} computed"
    assert sum(computed in line for line in lines) == 1
    assert computed in lines[0]
    assert not any("picture/s" in line for line in lines)


def test_the_epochs_of_a_training_leave_one_line(colour_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TQDM_MININTERVAL", "0")  # for one as short as this
    out = tmp_path / "m.joblib"
    everything = written("train", colour_folder, "--out", out, "--no-cache", *TINY)
    assert "| 4/4 [" in everything
    assert "val_accuracy" in everything
    lines = [line.rpartition("\r")[2] for line in everything.split("\r\n")]
    best = r"Best: epoch \d of 4, validation accuracy \S+"
    assert sum(bool(re.fullmatch(best, line)) for line in lines) == 1
    assert sum("epoch " in line or "epochs:" in line for line in lines) == 1
    assert "val_accuracy" not in "".join(lines)
    assert joblib.load(out)["classifier"].verbose == 0


def test_the_fits_of_a_search_leave_no_line(colour_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TQDM_MININTERVAL", "0")
    out = tmp_path / "m.joblib"
    words = ("train", colour_folder, "--out", out, "--no-cache", *TINY, "--search")
    everything = written(*words)
    assert "| 18/18 [" in everything
    lines = [line.rpartition("\r")[2] for line in everything.split("\r\n")]
    assert not any("| 18/18" in line or "search: " in line for line in lines)


def test_a_warning_tears_no_bar(model_file, colour_folder, tmp_path):
    pictures = tmp_path / "pictures"
    shutil.copytree(colour_folder / "test" / "red", pictures)
    dark = np.full((40, 40), 900, np.uint16)  # of a camera of ten bits
    Image.fromarray(dark).save(pictures / "dark.png")
    out = tmp_path / "classes.csv"
    lines = shown("predict", model_file, pictures, "--no-cache", "--out", out)
    assert lines[0].startswith("Warning: ")
    assert all(fits(line) for line in lines)
    assert sum("picture/s" in line for line in lines) == 1


def test_sentences_of_an_evaluation_fit(model_file, colour_folder, tmp_path):
    scores = tmp_path / "scores of the same model on the same pictures.json"
    words = ("evaluate", model_file, colour_folder, "--no-cache")
    shown(*words, "--out", scores)
    lines = shown(*words, "--compare", scores)
    next_steps = lines.index("Next:")  # to paste, in one line each
    start = next(i for i, line in enumerate(lines) if line.startswith("Compared with"))
    assert lines[start + 1].startswith("  ")
    assert all(fits(line) for line in lines[:next_steps])


@pytest.mark.parametrize("splits", [True, False])
def test_the_next_steps_can_be_pasted(run, colour_folder, tmp_path, splits):
    photos = tmp_path / "my photos; of colours"
    shutil.copytree(colour_folder if splits else colour_folder / "test", photos)
    out, cache = tmp_path / "it's mine.joblib", tmp_path / "cache"
    trained = run("train", photos, "--out", out, *TINY, "--cache", cache).stdout
    accuracy = re.search(r"Test: accuracy (\S+),", trained)[1]
    n_pictures = re.search(r"\((\d+) pictures\)", trained)[1]
    evaluated, predicted = (
        subprocess.run(line, shell=True, capture_output=True, text=True, timeout=300)
        for line in trained.split("Next:\n")[1].splitlines()
    )
    assert evaluated.returncode == predicted.returncode == 0
    # On the pictures that were set aside, and no others.
    assert f"Pictures: {n_pictures}\n" in evaluated.stdout
    assert f"Accuracy: {accuracy}\n" in evaluated.stdout
    assert str(photos) in predicted.stdout


def test_next_steps_leave_out_what_cannot_be_read(run, damaged, tmp_path):
    (damaged / "test" / "red" / "00.png").write_text("no picture")
    options = ["--on-error", "skip", *TINY]
    trained = run("train", damaged, "--out", tmp_path / "m", *options).stdout
    evaluate = trained.split("Next:\n")[1].splitlines()[0]
    assert evaluate.endswith("--on-error skip")

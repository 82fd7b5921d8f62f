"""What people see in a terminal: lines that fit it, and lines to paste."""

import os
import pty
import re
import shutil
import subprocess
import sys

import pytest
from tiny import TINY

from skresnet.cli.terminal import fitting


def shown(*args, columns=80):
    """Run the command in a terminal of its own; return what came there."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "skresnet", *map(str, args)]
    process = subprocess.Popen(
        command, stdout=end, stderr=end, env={**os.environ, "COLUMNS": str(columns)}
    )
    os.close(end)
    written = b""
    try:
        while part := os.read(terminal, 65536):
            written += part
    except OSError:  # how a terminal ends on Linux
        pass
    os.close(terminal)
    process.wait(timeout=300)
    return written.decode().replace("\r\n", "\n")


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
    text = shown("train", tmp_path / "no folder", "--out", "m", columns=60)
    lines = text.splitlines()
    assert "Error: root" in text
    assert len(lines) > 4
    assert all(len(line) <= 60 or " " not in line.strip() for line in lines)
    assert "Expected one folder a class" in re.sub(r"\s+", " ", text)


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

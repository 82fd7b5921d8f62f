"""What the commands print fits 80 columns, however long the names of classes are."""

import json
import re
import unicodedata
from pathlib import Path

import pytest
from terminals import shown
from tiny import TINY, TINY_EMBEDDER

from skresnet.cli.terminal import drawn, fitting, measured, shortened

# Of one end, of one beginning, and of characters of two columns.
LONG = {
    "blue": "Golden_retriever_long_coat_european_line_number_1",
    "green": "Golden_retriever_long_coat_european_line_number_2",
    "red": "金毛寻回犬长毛欧洲血统一号金毛寻回犬长毛欧洲血统一号",
}


def width(text):
    """Count the columns that a text takes."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def too_wide(lines, *places):
    """Find the lines that do not fit without the paths in these places.

    After "Next:", lines are to be pasted.
    """
    lines = list(lines)
    lines = lines[: lines.index("Next:")] if "Next:" in lines else lines
    left_out = [r"\x1b\[[\d;]*m", *(re.escape(str(p)) + r"\S*" for p in places)]
    return [line for line in lines if width(re.sub("|".join(left_out), "", line)) > 80]


@pytest.fixture(scope="module")
def photos(colour_folder, tmp_path_factory):
    """Pictures in folders of long names."""
    root = tmp_path_factory.mktemp("a_folder_of_a_name_that_is_long_enough_for_a_line")
    for folder in colour_folder.glob("*/*"):
        place = root / "photos" / folder.parent.name / LONG[folder.name]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(folder)
    return root / "photos"


@pytest.fixture(scope="module")
def model(run, photos):
    path = photos.with_name("model.joblib")
    run("train", photos, "--out", path, *TINY, "--epochs", 1)
    return path


@pytest.fixture
def confused(photos, tmp_path):
    """Pictures of two classes in each other's folders."""
    folder = tmp_path / "confused"
    folder.mkdir()
    for name, other in {"blue": "blue", "green": "red", "red": "green"}.items():
        (folder / LONG[name]).symlink_to(photos / "test" / LONG[other])
    return folder


@pytest.mark.parametrize("top", [1, 2, 9])
def test_the_table_of_predictions(run, model, photos, top, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    output = run("predict", model, photos / "test", "--top", top).stdout
    header, *rows = output.splitlines()
    assert header.split() == ["class", "prob.", "novelty", "picture"]
    assert len(rows) == 18 * min(top, 3)
    assert too_wide([header, *rows], photos) == []
    names = {row.split()[0] for row in rows}
    assert all("…" in name for name in names)
    assert len(names) == 3 or top == 1
    begins = {width(re.split(r" [01]\.\d{3}", row)[0]) + 1 for row in rows}
    assert begins == {header.index("prob.")}


def test_the_table_of_classes_and_the_confused_ones(run, model, confused, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    output = run("evaluate", model, confused).stdout
    assert too_wide(output.splitlines(), confused) == []
    rows = re.findall(r"^ *\S+…\S+(?: +\d\.\d{4}){3} +6$", output, re.MULTILINE)
    assert [width(row) for row in rows] == [80] * 3
    short = [row.split()[0] for row in rows]
    assert len(set(short)) == 3
    lines = re.findall("^Confused: (.*(?:\n  .*)*)", output, re.MULTILINE)
    assert lines
    for line in lines:
        true, predicted = re.match(r"(\S+)\s+taken for\s+(\S+): ", line).groups()
        assert {true, predicted} <= set(short)


def test_other_formats_and_files_have_whole_names(run, model, confused, tmp_path):
    names = set(LONG.values())
    found = json.loads(run("evaluate", model, confused, "--format", "json").stdout)
    assert {row["class"] for row in found["classes"]} == names
    assert {row["class"] for row in found["confusions"]} <= names
    outputs = {
        "evaluate": run("evaluate", model, confused, "--format", "csv").stdout,
        "predict": run("predict", model, confused, "--format", "csv").stdout,
    }
    for command in ("evaluate", "predict"):
        out = tmp_path / f"{command}.txt"
        run(command, model, confused, "--out", out)
        outputs[f"{command} --out"] = out.read_text("utf-8")
    assert [name for name, output in outputs.items() if "…" in output] == []
    assert all(name in outputs["evaluate --out"] for name in names)


def test_a_digest_fits_in_one_word(run, model, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    output = run("info").stdout
    digests = [line for line in output.splitlines() if re.search("[0-9a-f]{64}", line)]
    assert len(digests) >= 2
    assert [line for line in digests if len(line) > 80] == []
    of_model = run("info", model).stdout.splitlines()
    assert too_wide(of_model, model.parent) == []


COMMANDS = {
    "train": ["train", "{photos}", "--out", "{out}", *TINY, "--force"],
    "train --search": ["train", "{photos}", "--out", "{out}", *TINY, "--search"],
    "evaluate": ["evaluate", "{model}", "{confused}"],
    "predict": ["predict", "{model}", "{photos}/test", "--top", "2"],
    "embed": ["embed", "{photos}", "--out", "{out}.npy", *TINY_EMBEDDER],
    "check": ["check", "{photos}", "--out", "{out}.html", *TINY_EMBEDDER],
    "export": ["export", "{model}", "{out}.onnx", "--sample", "{photos}/test"],
    "info": ["info", "{model}"],
    "an error": ["evaluate", "{model}", "{photos}/../elsewhere"],
    "unknown classes": ["evaluate", "{model}", "{colours}/test"],
    "demo": ["demo", "--n-per-class", "4"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_in_a_terminal_every_line_fits(
    command, model, photos, confused, colour_folder, tmp_path
):
    places = {
        "photos": photos,
        "model": model,
        "confused": confused,
        "colours": colour_folder,
        "out": tmp_path / "out",
    }
    lines = shown(*(word.format(**places) for word in COMMANDS[command]))
    assert len(lines) > 1
    roots = [photos.parent, confused, tmp_path, Path.home(), "/tmp", "'/"]
    assert too_wide(lines, *roots) == []


def test_names_stay_apart_wherever_they_differ():
    for names in (
        [f"{'a' * 60}{n}" for n in range(12)],
        [f"{n}{'a' * 60}" for n in range(12)],
        [f"{'a' * 30}{n}{'b' * 30}" for n in range(12)],
        [f"{'a' * 60}{n}{'b' * 60}" for n in range(12)],
        [f"{'犬' * 30}{n}{'猫' * 3}" for n in "一二"],
        ["short", "a" * 60],
    ):
        found = shortened({name: measured(name) for name in names}, 39)
        assert list(found) == names
        assert len(set(found.values())) == len(names)
        assert max(width(drawn(text)) for text in found.values()) <= 39
    assert found["short"] == "short"


def test_lines_of_characters_of_two_columns_are_wrapped(monkeypatch):
    monkeypatch.setenv("COLUMNS", "18")
    assert fitting("犬犬犬犬 猫猫猫猫 馬").splitlines() == ["犬犬犬犬 猫猫猫猫", "馬"]


def test_a_class_wider_than_a_terminal_is_cut_in_sentences(photos, tmp_path):
    columns = min(map(width, LONG.values())) - 8
    lines = shown(
        *("train", photos, "--out", tmp_path / "model.joblib", *TINY, "--epochs", 1),
        columns=columns,
    )
    first = next(i for i, line in enumerate(lines) if line.startswith("Classes: 3"))
    last = next(i for i, line in enumerate(lines) if line.endswith(")") and i >= first)
    assert [line for line in lines[first : last + 1] if width(line) > columns] == []
    assert "".join(lines[first : last + 1]).count("…") == len(LONG)
    lines = shown("evaluate", tmp_path / "model.joblib", photos, columns=300)
    assert not [line for line in lines if "…" in line]

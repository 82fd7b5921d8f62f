"""What a command was told to keep, or worked for, is there afterwards."""

import csv
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from click import ClickException
from surroundings import mounted
from tiny import TINY

from skresnet.cli.outputs import writing

COMMAND = [sys.executable, "-m", "skresnet"]
ROOT = str(Path(__file__).parents[2])


@pytest.fixture
def start(tmp_path):
    """Start the command as a process, in a shell where there is more than it."""

    def start(*args, shell="", **environment):
        words = shlex.join(map(os.fspath, map(_text, [*COMMAND, *args])))
        return subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", f"{words} {shell}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": ROOT,
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                **environment,
            },
        )

    return start


@pytest.fixture
def finish(start):
    """Run the command to its end; give its exit status and what it wrote."""

    def finish(*args, **settings):
        process = start(*args, **settings)
        out, err = process.communicate(timeout=300)
        return process.returncode, out.decode(), err.decode()

    return finish


@pytest.fixture
def photos(colour_folder, tmp_path):
    """A few pictures in splits, to be damaged."""
    for picture in colour_folder.glob("*/*/0[0-3].png"):
        copy = tmp_path / "photos" / picture.relative_to(colour_folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, copy)
    return tmp_path / "photos"


def _text(arg):
    return arg if isinstance(arg, os.PathLike) else str(arg)


def classes_of(path):
    return joblib.load(path).classes_.tolist()


def alias(path, kind):
    """Give a file another name."""
    other = path.with_name(f"other-{path.name}")
    if kind == "hard link":
        other.hardlink_to(path)
    else:
        other.symlink_to(path)
    return other


@pytest.mark.parametrize("kind", ["same name", "another way", "hard link"])
def test_a_model_and_its_report_need_a_file_each(finish, photos, tmp_path, kind):
    out, report, force = tmp_path / "same.joblib", tmp_path / "same.joblib", []
    if kind == "another way":
        (tmp_path / "link").symlink_to(tmp_path)
        report = tmp_path / "link" / "same.joblib"
    elif kind == "hard link":
        out.write_text("precious")
        report, force = alias(out, kind), ["--force"]
    status, printed, complaint = finish(
        "train", photos, "--out", out, "--report", report, *TINY, *force
    )
    assert status == 1
    assert "are the same file" in complaint
    assert printed == ""
    assert not out.exists() or out.read_text() == "precious"


@pytest.mark.parametrize("kind", ["same name", "symbolic link", "hard link"])
@pytest.mark.parametrize("which", ["model", "picture"])
def test_what_is_read_is_not_replaced(
    finish, model_file, photos, tmp_path, kind, which
):
    model = shutil.copy(model_file, tmp_path / "model.joblib")
    read = model if which == "model" else photos / "train" / "red" / "00.png"
    before = read.read_bytes()
    out = read if kind == "same name" else alias(read, kind)
    status, _, complaint = finish("predict", model, photos, "--out", out, "--force")
    assert status == 1
    assert f"{out} is read by this command" in complaint
    assert read.read_bytes() == out.read_bytes() == before


def test_weights_and_lists_are_read_too(finish, model_file, photos, tmp_path):
    weights = tmp_path / "resnet.weights.h5"
    weights.write_bytes(b"precious")
    status, _, complaint = finish(
        *("train", photos, "--out", weights, "--force", "--weights", weights)
    )
    assert status == 1
    assert "is read by this command" in complaint
    assert weights.read_bytes() == b"precious"


@pytest.mark.parametrize("planted", [".p.csv.unfinished", ".p.csv.abcd.unfinished.csv"])
def test_a_planted_link_leads_nowhere(finish, model_file, photos, tmp_path, planted):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / planted).symlink_to(victim)
    out = tmp_path / "p.csv"
    status, *_ = finish("predict", model_file, photos / "test", "--out", out)
    assert status == 0
    assert victim.read_text() == "precious"
    assert len(out.read_text().splitlines()) == 13


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_not_replaced(finish, model_file, photos, tmp_path, kind):
    out = tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(out)
    elif kind == "folder":
        out.mkdir()
    else:
        out.symlink_to("/dev/full")
    mode = out.stat().st_mode
    status, _, complaint = finish(
        "predict", model_file, photos, "--out", out, "--force"
    )
    assert status == 1
    assert "expected the name of a file" in complaint
    assert out.stat().st_mode == mode


def test_the_output_is_not_where_the_words_go(finish, model_file, photos, tmp_path):
    log = tmp_path / "log"
    status, _, complaint = finish(
        *("predict", model_file, photos, "--out", "/dev/stdout", "--force"),
        shell=f"> {log}",
    )
    assert status == 1
    assert "the standard streams go" in complaint
    assert Path("/dev/stdout").is_symlink()


def test_a_link_is_replaced_and_not_what_it_leads_to(
    finish, model_file, photos, tmp_path
):
    (tmp_path / "old.csv").write_text("precious")
    out = tmp_path / "p.csv"
    out.symlink_to("old.csv")
    arguments = ["predict", model_file, photos / "test", "--out", out]
    assert finish(*arguments)[0] == 1
    assert finish(*arguments, "--force")[0] == 0
    assert out.read_text().startswith("path,class")
    assert (tmp_path / "old.csv").read_text() == "precious"


def test_of_two_files_both_are_kept_apart_where_one_appeared(tmp_path):
    rows, paths = tmp_path / "f.npy", tmp_path / "f.paths.csv"

    def write():
        with writing(rows, paths, force=False) as unfinished:
            for file in unfinished:
                file.write_text("ours")
            paths.write_text("precious")

    with pytest.raises(ClickException, match="appeared while this command ran"):
        write()
    assert not rows.exists()
    assert paths.read_text() == "precious"
    [folder] = tmp_path.glob("skresnet-*")
    assert sorted(path.name for path in folder.iterdir()) == [rows.name, paths.name]
    assert {path.read_text() for path in folder.iterdir()} == {"ours"}


def test_of_two_runs_for_one_name_both_results_are_kept_apart(start, photos, tmp_path):
    out = tmp_path / "m.joblib"
    arguments = ["train", photos, "--out", out, *TINY, "--epochs"]
    runs = [start(*arguments, epochs) for epochs in (2, 3)]
    for run in runs:
        _, complaint = run.communicate(timeout=300)
        if run.returncode:
            assert b"appeared while this command ran" in complaint
    assert sorted(run.returncode for run in runs) == [0, 1]
    [other] = tmp_path.glob("skresnet-*/m.joblib")
    epochs = [joblib.load(path)["classifier"].epochs for path in (out, other)]
    assert epochs == ([2, 3] if runs[0].returncode == 0 else [3, 2])
    assert not list(tmp_path.glob(".m*"))


def test_of_two_forced_runs_the_last_one_wins_whole(start, photos, tmp_path):
    out = tmp_path / "m.joblib"
    arguments = ["train", photos, "--out", out, *TINY, "--force", "--epochs"]
    runs = [start(*arguments, epochs) for epochs in (2, 3)]
    assert [run.wait(timeout=300) for run in runs] == [0, 0]
    assert len(joblib.load(out)["classifier"].history_["loss"]) in (2, 3)
    assert not list(tmp_path.glob(".m*"))


def test_a_folder_name_that_cannot_be_printed_costs_no_model(finish, photos, tmp_path):
    for split in ("train", "val", "test"):
        (photos / split / "red").rename(photos / split / os.fsdecode(b"caf\xe9"))
    out = tmp_path / "m.joblib"
    status, printed, _ = finish(
        "train", photos, "--out", out, *TINY, LC_ALL="C.UTF-8", PYTHONUTF8="0"
    )
    assert status == 0
    assert "caf\\udce9" in printed
    assert classes_of(out) == ["blue", "caf\udce9", "green"]


def test_a_damaged_test_picture_costs_no_model(finish, photos, tmp_path):
    damaged = photos / "test" / "red" / "00.png"
    damaged.write_bytes(damaged.read_bytes()[:500])
    out, report = tmp_path / "m.joblib", tmp_path / "report.html"
    status, printed, complaint = finish(
        "train", photos, "--out", out, *TINY, "--report", report
    )
    assert status == 3
    assert "Left out 1 of 12 pictures" in complaint
    assert str(damaged) in complaint
    assert "(11 pictures)" in printed
    assert classes_of(out) == ["blue", "green", "red"]
    assert "00.png" in report.read_text()


def test_a_full_disk_costs_the_report_but_no_model(finish, photos, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    out = tmp_path / "m.joblib"
    with mounted("-t", "tmpfs", "-o", "size=16k", "tmpfs", small):
        status, _, complaint = finish(
            "train", photos, "--out", out, *TINY, "--report", small / "r.html"
        )
        assert list(small.iterdir()) == []
    assert status == 1
    assert "No space left" in complaint
    assert classes_of(out) == ["blue", "green", "red"]


def test_a_model_that_finds_no_room_lies_where_there_is_some(finish, photos, tmp_path):
    small, room = tmp_path / "small", tmp_path / "room"
    small.mkdir()
    room.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=16k", "tmpfs", small):
        status, _, complaint = finish(
            "train", photos, "--out", small / "m.joblib", *TINY, TMPDIR=str(room)
        )
        assert list(small.iterdir()) == []
    assert status == 1
    assert "No space left" in complaint
    [model] = room.glob("*/m.joblib")
    assert str(model) in complaint
    assert classes_of(model) == ["blue", "green", "red"]


@pytest.mark.parametrize("shell", ["2>&-", ">&- 2>&-", ">/dev/full", "| head -n 1"])
def test_output_that_nobody_reads_costs_no_model(finish, photos, tmp_path, shell):
    out = tmp_path / "m.joblib"
    status, _, complaint = finish("train", photos, "--out", out, *TINY, shell=shell)
    assert status == 0
    assert classes_of(out) == ["blue", "green", "red"]
    assert "Traceback" not in complaint
    assert ("takes no more" in complaint) == (shell == ">/dev/full")


@pytest.mark.parametrize("length", [250, 300])
def test_a_name_that_is_too_long_is_told_before_the_work(
    finish, photos, tmp_path, length
):
    # One of 250 fits the model, but not the list of test pictures.
    out = tmp_path / ("m" * length)
    status, printed, complaint = finish("train", photos / "train", "--out", out, *TINY)
    assert status == 1
    assert "too long" in complaint
    assert printed == ""


def test_the_longest_name_can_be_written(finish, model_file, photos, tmp_path):
    out = tmp_path / ("ü" * 125 + ".csv")
    status, *_ = finish("predict", model_file, photos / "test", "--out", out)
    assert status == 0
    assert out.exists()


def test_an_output_keeps_its_permissions(finish, model_file, photos, tmp_path):
    out, new = tmp_path / "p.csv", tmp_path / "new.csv"
    out.touch(mode=0o600)
    for path in (out, new):
        finish("predict", model_file, photos / "test", "--out", path, "--force")
        assert path.read_text().startswith("path,class")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    (tmp_path / "usual").touch()
    assert new.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_what_appeared_meanwhile_is_left_as_it_is(start, model_file, photos, tmp_path):
    out = tmp_path / "p.csv"
    paths = tmp_path / "pipe"
    os.mkfifo(paths)
    process = start("predict", model_file, "-", "--out", out, shell=f"< {paths}")
    with paths.open("w") as pipe:
        # More than a pipe holds: that it is written means that the command reads it,
        # which it does after it has looked at its output.
        pipe.write("\n" * 200_000)
        out.write_text("precious")
        pipe.write(str(photos / "test" / "red" / "00.png"))
    _, complaint = process.communicate(timeout=300)
    assert process.returncode == 1
    assert b"appeared while this command ran" in complaint
    assert out.read_text() == "precious"
    [kept] = tmp_path.glob("skresnet-*/p.csv")
    assert "red" in kept.read_text()


def test_lists_of_pictures_keep_odd_class_names(finish, photos, tmp_path):
    (photos / "train" / "red").rename(photos / "train" / "=red")
    out = tmp_path / "m.joblib"
    finish("train", photos / "train", "--out", out, *TINY)
    with (tmp_path / "m.test.csv").open(newline="") as file:
        names = {row["class"] for row in csv.DictReader(file)}
    assert names == {"blue", "green", "'=red"}
    status, printed, _ = finish("evaluate", out, tmp_path / "m.test.csv")
    assert status == 0
    assert "=red" in printed


def test_csv_by_its_name_has_no_formula_and_no_control_character(
    finish, model_file, photos, tmp_path
):
    folder, odd = tmp_path / "odd", ["=1+1.png", "-2.png", "\x1b[31m.png", "a\nb.png"]
    folder.mkdir()
    for name in odd:
        shutil.copy(photos / "test" / "red" / "00.png", folder / name)
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(["=1+1.png", "-2.png"]))
    out = tmp_path / "p.csv"
    words = f"< {listed}"
    finish("predict", model_file, folder, "--out", out)
    text = out.read_text()
    assert text.startswith("path,class,probability")
    assert "\x1b" not in text
    assert "\\x1b[31m.png" in text
    assert len(text.splitlines()) == 5
    _, printed, _ = finish("predict", model_file, "-", "--format", "csv", shell=words)
    rows = list(csv.reader(printed.splitlines()))[1:]
    assert [row[0] for row in rows] == ["'=1+1.png", "'-2.png"]


def test_unknown_classes_are_told_before_a_picture_is_opened(
    finish, model_file, photos, tmp_path
):
    (photos / "test" / "red").rename(photos / "test" / "pink")
    damaged = photos / "test" / "blue" / "00.png"
    damaged.write_bytes(b"no picture")
    cache = tmp_path / "fresh"
    status, printed, complaint = finish(
        "evaluate", model_file, photos / "test", "--cache", cache
    )
    assert status == 1
    assert "does not know the classes 'pink'" in complaint
    assert printed == ""
    assert "00.png" not in complaint
    assert not cache.exists()


def test_a_list_that_begins_with_a_mark_loses_no_path(
    finish, model_file, photos, tmp_path
):
    names = [photos / "test" / "red" / f"0{index}.png" for index in range(2)]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(map(str, names)), encoding="utf-8-sig")
    words = f"< {listed}"
    status, printed, _ = finish(
        "predict", model_file, "-", "--format", "csv", shell=words
    )
    assert status == 0
    assert [row[0] for row in csv.reader(printed.splitlines())][1:] == [
        *map(str, names)
    ]


def test_no_message_quotes_a_file_that_is_no_model(finish, photos, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("root:x:0:0:secret\n")
    for place in ("model", "table"):
        arguments = {
            "model": ("predict", secret, photos),
            "table": ("train", secret, "--out", tmp_path / "m.joblib", *TINY),
        }[place]
        status, printed, complaint = finish(*arguments)
        assert status == 1
        assert not {"root", "secret\n", "'r'"} & {*printed.split(), *complaint.split()}
        assert "x:0" not in complaint

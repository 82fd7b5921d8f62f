"""The command as a process of its own: how it ends, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points

import numpy as np
import pytest
from PIL import Image
from tiny import TINY_EMBEDDER as TINY

import skresnet.__main__
from skresnet import EmbeddingCache

COMMAND = [sys.executable, "-m", "skresnet"]


def finished(*args):
    return subprocess.run(
        [*COMMAND, *map(str, args)], capture_output=True, text=True, timeout=90
    )


@pytest.fixture(scope="module")
def many_pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    generator = np.random.default_rng(0)
    for index in range(600):
        pixels = generator.integers(0, 256, (160, 160, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:04}.bmp")
    return folder


@pytest.fixture
def embedding(many_pictures, tmp_path):
    """A process that embeds, some way into its work, and its arguments."""
    arguments = [
        *("embed", many_pictures, "--out", tmp_path / "features.npy", *TINY),
        *("--input-size", 128, "--batch-size", 8, "--cache", tmp_path / "cache"),
    ]
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    cache = EmbeddingCache(tmp_path / "cache")
    give_up = time.monotonic() + 60
    while cache.info().entries < 40:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.05)
    yield process, arguments
    process.kill()
    process.communicate()


def test_killed_and_started_again_it_goes_on(embedding, run, tmp_path):
    process, arguments = embedding
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "features.npy").exists()
    cache = EmbeddingCache(tmp_path / "cache")
    kept = cache.info().entries
    assert 40 <= kept < 600
    run(*arguments)
    assert cache.info().entries == 600
    whole = tmp_path / "whole.npy"
    options = arguments[: arguments.index("--cache")]
    options[options.index("--out") + 1] = whole
    run(*options, "--no-cache")
    np.testing.assert_array_equal(np.load(tmp_path / "features.npy"), np.load(whole))
    assert not list(tmp_path.glob(".*"))


def test_ctrl_c_ends_it_quietly(embedding, tmp_path):
    process, _ = embedding
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]


def test_an_unknown_option_is_wrong_usage():
    result = finished("train", "photos", "--outt", "model.joblib")
    assert result.returncode == 2
    assert "--out" in result.stderr


def test_a_folder_that_is_missing_is_explained_without_a_traceback(tmp_path):
    result = finished("train", tmp_path / "photos", "--out", tmp_path / "m", *TINY)
    assert result.returncode == 1
    assert "does not exist" in result.stderr
    assert "Expected one folder a class" in result.stderr
    assert "Traceback" not in result.stderr
    asked = finished(
        "--traceback", "train", tmp_path / "photos", "--out", tmp_path / "m", *TINY
    )
    assert asked.returncode == 1
    assert "Traceback" in asked.stderr


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_folder_that_may_not_be_read_is_explained(colour_folder, tmp_path):
    (tmp_path / "photos" / "secret").mkdir(parents=True)
    (tmp_path / "photos" / "secret").chmod(0)
    result = finished("train", tmp_path / "photos", "--out", tmp_path / "m", *TINY)
    assert result.returncode == 1
    assert "permission denied" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_reader_who_goes_away_ends_it_quietly(model_file, many_pictures):
    process = subprocess.Popen(
        [*COMMAND, "predict", str(model_file), str(many_pictures), "--no-cache"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert "Traceback" not in errors


def test_only_a_process_of_the_command_collects_garbage_rarely():
    code = (
        "import gc, sys; before = gc.get_threshold()\n"
        "import skresnet.__main__ as command\n"
        "command.main(['--version'], standalone_mode=False)\n"
        "assert gc.get_threshold() == before\n"
        "sys.argv = ['skresnet', '--version']\n"
        "try: command.run()\n"
        "finally: print(gc.get_threshold()[0] / before[0])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout.split()[-1]) > 1


def test_the_installed_command_is_that_of_the_module():
    (command,) = entry_points(group="console_scripts", name="skresnet")
    assert command.load() is skresnet.__main__.run

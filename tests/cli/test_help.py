"""What the help says is true: its examples run, its defaults are the library's."""

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tiny import TINY, TINY_EMBEDDER

from skresnet import (
    DenseSGDClassifier,
    EfficientNetLite0Embedder,
    ResNet50Embedder,
)
from skresnet.cli import main
from skresnet.cli.options import INTERPOLATIONS, checked_embedder
from skresnet.reading import INTERPOLATIONS as LIBRARY_INTERPOLATIONS

CONTEXT = click.Context(main)
COMMANDS = {
    name: main.get_command(CONTEXT, name) for name in main.list_commands(CONTEXT)
}


def examples(run, command):
    shown = run(command, "--help").stdout.split("Examples:\n")[1].splitlines()
    return [line.strip() for line in shown]


@pytest.fixture
def working_folder(colour_folder, model_file, tmp_path, monkeypatch):
    shutil.copytree(colour_folder, tmp_path / "photos")
    (tmp_path / "model.test.csv").write_text("path,class\nphotos/val/red/00.png,red\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["train", "evaluate", "embed", "info"])
def test_the_examples_run_as_they_are_written(run, command, working_folder, model_file):
    # Weights of ImageNet are not everywhere; the rest of each example is as it is.
    small = {"train": TINY, "embed": TINY_EMBEDDER}.get(command, [])
    if command != "train":
        shutil.copy(model_file, "model.joblib")
    for example in examples(run, command):
        program, *arguments = shlex.split(example)
        assert program == "skresnet"
        run(*arguments, *small)
        if "--out" in arguments:
            assert Path(arguments[arguments.index("--out") + 1]).exists()


def test_the_examples_of_predict_run_in_a_shell(run, working_folder, model_file):
    shutil.copy(model_file, "model.joblib")
    program = working_folder / "bin" / "skresnet"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m skresnet "$@"\n')
    program.chmod(0o755)
    root = str(Path(__file__).parents[2])
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": root,
        "XDG_CACHE_HOME": str(working_folder / "cache"),
    }
    piped = [line for line in examples(run, "predict") if "|" in line]
    assert len(piped) == 1
    result = subprocess.run(
        piped[0],
        shell=True,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 66
    # Neither a bar nor TensorFlow's greetings where standard error is no terminal.
    assert result.stderr == ""
    for example in examples(run, "predict"):
        if "|" not in example:
            run(*shlex.split(example)[1:])


def test_every_command_line_of_the_documentation_is_one():
    text = (Path(__file__).parents[2] / "docs" / "command.md").read_text("utf-8")
    lines = re.findall(r"^(?:find .*\| )?skresnet (.+)$", text, re.MULTILINE)
    assert len(lines) > 8
    for line in lines:
        name, *arguments = shlex.split(line)
        COMMANDS[name].make_context(name, arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_a_help_text(command):
    for param in COMMANDS[command].params:
        if param.param_type_name == "option":
            assert param.help, param.name


@pytest.mark.parametrize(
    ("estimator", "step", "network"),
    [
        (ResNet50Embedder, "embedder", "resnet50"),
        (EfficientNetLite0Embedder, "embedder", "efficientnet_lite0"),
        (DenseSGDClassifier, "classifier", "resnet50"),
    ],
)
def test_the_defaults_are_those_of_the_estimators(estimator, step, network):
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(estimator).parameters.items()
    }
    options = ["photos", "--out", "m", "--network", network]
    context = COMMANDS["train"].make_context("train", options)
    found = {
        name.removeprefix(f"{step}__"): value
        for name, value in checked_embedder(context.params).items()
        if name.startswith(step)
    }
    assert len(found) > 8
    for name, default in found.items():
        assert default == defaults[name], name


def test_the_interpolations_are_those_of_the_library():
    assert set(INTERPOLATIONS) == set(LIBRARY_INTERPOLATIONS)


def test_help_needs_no_scikit_learn():
    script = (
        "import sys\n"
        "from skresnet.cli import main\n"
        "main(['train', '--help'], standalone_mode=False)\n"
        "print(sorted({'tensorflow', 'sklearn', 'PIL'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"

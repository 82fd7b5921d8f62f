"""Models in .skops files, by the command."""

import json
import sys

import joblib
import pytest
from tiny import TINY, TINY_EMBEDDER

pytest.importorskip("skops")


@pytest.fixture(scope="module")
def models(run, colour_folder, tmp_path_factory):
    """The same training, written in both ways."""
    folder = tmp_path_factory.mktemp("safe")
    for name in ("m.skops", "m.joblib"):
        run("train", colour_folder, "--out", folder / name, "--cache", folder, *TINY)
    return folder


def test_a_safe_model_predicts_and_is_evaluated_as_the_other_one(
    run, models, colour_folder
):
    test = colour_folder / "test"
    for command in (
        ("predict", "{}", test, "--format", "jsonl"),
        ("evaluate", "{}", test, "--format", "json"),
        ("info", "{}"),
    ):
        printed = [
            run(*(models / name if part == "{}" else part for part in command)).stdout
            for name in ("m.skops", "m.joblib")
        ]
        assert printed[0] == printed[1]
    assert json.loads(run("predict", models / "m.skops", test / "red/00.png",
                          "--format", "jsonl").stdout)["predictions"]  # fmt: skip


def test_the_file_holds_nothing_of_the_run(models):
    from skresnet import load_model

    embedder = load_model(models / "m.skops")["embedder"]
    assert embedder.cache is None
    assert str(models).encode() not in (models / "m.skops").read_bytes()


def test_a_pickle_that_is_called_safe_is_refused_in_a_line(run, models, tmp_path):
    path = tmp_path / "m.skops"
    path.write_bytes((models / "m.joblib").read_bytes())
    failed = run("info", path, status=1)
    assert "m.skops" in failed.stderr
    assert "not a file that save_model has written" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_model_that_cannot_be_safe_is_named_with_its_types(run, tmp_path):
    from skops.io import dump

    dump({"a": print}, tmp_path / "m.skops")
    failed = run("info", tmp_path / "m.skops", status=1)
    assert "builtins.print" in failed.stderr
    assert "refused" in failed.stderr


def test_the_test_list_lies_beside_it(run, colour_folder, tmp_path):
    out = tmp_path / "m.skops"
    logistic = [*TINY_EMBEDDER, "--head", "logistic"]
    run("train", colour_folder / "train", "--out", out, *logistic)
    assert (tmp_path / "m.test.csv").is_file()
    assert "LogisticRegression" in run("info", out).stdout


def test_without_skops_nothing_is_trained_for_nothing(
    run, colour_folder, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "skops", None)
    out = tmp_path / "m.skops"
    failed = run("train", colour_folder, "--out", out, *TINY, status=1)
    assert "skresnet[skops]" in failed.stderr
    assert list(tmp_path.iterdir()) == []
    joblib.dump({}, out)
    assert "skresnet[skops]" in run("info", out, status=1).stderr

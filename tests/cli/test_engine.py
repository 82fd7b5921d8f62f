"""The option ``--engine``, where the engine is installed and where it is not."""

import shutil
import sys

import numpy as np
import pytest
from surroundings import needs_openvino
from tiny import TINY, TINY_EMBEDDER


@pytest.fixture(scope="module")
def openvino_model(run, colour_folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("openvino") / "model.joblib"
    run("train", colour_folder, "--out", path, "--engine", "openvino", *TINY)
    return path


@needs_openvino
def test_embed_gives_the_features_of_both_engines_apart(run, colour_folder, tmp_path):
    rows = {}
    for engine in ("tensorflow", "openvino"):
        out, cache = tmp_path / f"{engine}.npy", tmp_path / "cache"
        arguments = ["--engine", engine, "--cache", cache, *TINY_EMBEDDER]
        run("embed", colour_folder / "test", "--out", out, *arguments)
        rows[engine] = np.load(out)
    scale = np.abs(rows["tensorflow"]).max()
    assert not np.array_equal(rows["openvino"], rows["tensorflow"])
    np.testing.assert_allclose(
        rows["openvino"], rows["tensorflow"], rtol=0, atol=1e-4 * scale
    )


@needs_openvino
def test_a_model_keeps_its_engine(run, openvino_model, colour_folder):
    shown = run("info", openvino_model).stdout.splitlines()
    assert any(line.split() == ["engine", "openvino"] for line in shown)
    picture = colour_folder / "test" / "red" / "00.png"
    assert "red" in run("predict", openvino_model, picture).stdout


@needs_openvino
def test_predict_says_how_to_install_the_engine_of_a_model(
    run, openvino_model, colour_folder, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "openvino", None)
    picture = shutil.copy(colour_folder / "test" / "red" / "00.png", tmp_path)
    failed = run("predict", openvino_model, picture, status=1)
    assert "skresnet[openvino]" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("command", ["embed", "train"])
def test_a_missing_engine_is_an_error_before_pictures_are_listed(
    run, command, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "openvino", None)
    folder, out = tmp_path / "no folder", tmp_path / "out.npy"
    failed = run(command, folder, "--out", out, "--engine", "openvino", status=2)
    assert "skresnet[openvino]" in failed.stderr

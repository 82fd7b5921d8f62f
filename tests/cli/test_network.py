"""The option ``--network``: a network that needs no connection, by its name."""

import joblib
import numpy as np
import pytest

from skresnet import EfficientNetLite0Embedder

LITE0 = ["--network", "efficientnet_lite0", "--input-size", "32"]


def test_embed_gives_the_features_of_the_network(run, colour_folder, tmp_path):
    folder = colour_folder / "test" / "red"
    run("embed", folder, "--out", tmp_path / "f.npy", "--no-cache", *LITE0)
    embedder = EfficientNetLite0Embedder(input_size=32)
    expected = embedder.fit_transform([str(path) for path in sorted(folder.iterdir())])
    np.testing.assert_array_equal(np.load(tmp_path / "f.npy"), expected)


def test_a_model_keeps_its_network(run, colour_folder, tmp_path):
    out = tmp_path / "model.joblib"
    run("train", colour_folder, "--out", out, "--epochs", "2", *LITE0)
    assert isinstance(joblib.load(out)["embedder"], EfficientNetLite0Embedder)
    shown = " ".join(run("info", out).stdout.split())
    assert " weights lite0, " in shown
    assert " preprocessing lite " in shown
    assert "red" in run("predict", out, colour_folder / "test/red/00.png").stdout


def test_its_weights_are_listed_with_the_others(run):
    shown = " ".join(run("info").stdout.split())
    _, told = shown.split("weights lite0: ")
    told, _ = told.split("weights distilled: ")
    assert ", here, " in told
    assert "SHA-256 5793442" in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "conv1_relu"], "not a layer of EfficientNet-Lite0"),
        (["--preprocessing", "caffe"], "was trained with: that is lite"),
    ],
)
def test_what_is_of_the_other_network_is_refused(
    options, message, run, colour_folder, tmp_path
):
    out = tmp_path / "f.npy"
    result = run("embed", colour_folder, "--out", out, *LITE0, *options, status=2)
    assert message in " ".join(result.stderr.split())
    assert not out.exists()


def test_without_imagenets_weights_the_command_names_it_first(
    run, colour_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr("urllib.request._opener", None)
    out = tmp_path / "f.npy"
    result = run("embed", colour_folder, "--out", out, status=1)
    lines = result.stderr
    assert lines.index("--network efficientnet_lite0") > 0
    assert lines.index("--network efficientnet_lite0") < lines.index("--weights dist")

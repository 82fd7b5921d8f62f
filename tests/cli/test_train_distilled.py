"""The weights that come with the package, on the command line."""

import numpy as np
from tiny import TINY

from skresnet import ResNet50Embedder
from skresnet.weights import distilled

TINY_DISTILLED = ["distilled" if value == "random" else value for value in TINY]


def test_embed_takes_them(run, colour_folder, tmp_path):
    folder = colour_folder / "test" / "red"
    options = TINY_DISTILLED[:6]
    run("embed", folder, "--out", tmp_path / "f.npy", "--no-cache", *options)
    embedder = ResNet50Embedder(
        weights="distilled", input_size=32, layer="conv2_block1_out"
    )
    expected = embedder.fit_transform([str(path) for path in sorted(folder.iterdir())])
    np.testing.assert_array_equal(np.load(tmp_path / "f.npy"), expected)


def test_a_model_that_was_trained_with_them_says_so(run, colour_folder, tmp_path):
    out = tmp_path / "model.joblib"
    run("train", colour_folder, "--out", out, *TINY_DISTILLED)
    shown = " ".join(run("info", out).stdout.split())  # of one line
    assert f"distilled, {distilled.distilled_path()}" in shown
    assert distilled.SHA256 in shown
    result = run("evaluate", out, colour_folder)
    assert "accuracy" in result.stdout.lower()

"""`skresnet info`: what is installed, and what a model is."""

import re

import numpy as np
import sklearn

import skresnet
from skresnet import EmbeddingCache
from skresnet.weights.distilled import distilled_path


def facts(result):
    """Read two columns, of which a value may go on in the lines below."""
    found, name = {}, ""
    column = re.search(r" {2,}(?=\S)", result.stdout).end()
    for line in result.stdout.splitlines():
        name = line[:column].strip() or name
        found[name] = f"{found.get(name, '')} {line[column:]}".strip()
    return found


def test_it_shows_versions_weights_cache_and_processor(run, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with EmbeddingCache(tmp_path / "cache") as cache:
        cache.put_many("settings", {b"digest": np.zeros(4, np.float32)})
    shown = facts(run("info", "--cache", tmp_path / "cache"))
    assert shown["skresnet"].endswith(skresnet.__version__)
    assert shown["scikit-learn"].endswith(sklearn.__version__)
    assert "tensorflow" in shown
    assert "publishes them, not on this machine" in shown["weights"]
    assert "from storage.googleapis.com" in shown["weights"]
    assert str(tmp_path / "models") in shown["weights"]
    assert f"here, {distilled_path()}" in shown["weights"]
    assert "random_state" in shown["weights"]
    assert f"{tmp_path / 'cache'}, 1 rows" in shown["cache"]
    assert "cores usable" in shown["processor"]
    assert "bfloat16" in shown


def test_a_cache_that_cannot_be_used_does_not_hide_the_rest(run, tmp_path):
    (tmp_path / "skresnet-embeddings-v9-0.sqlite").touch()
    shown = facts(run("info", "--cache", tmp_path))
    assert "format 9" in shown["cache"]
    assert "processor" in shown


def test_it_shows_what_a_model_is(run, model_file):
    shown = facts(run("info", model_file))
    assert shown["classes"] == "3: blue, green, red"
    assert shown["weights"].endswith("random")
    assert "random:" in shown["digest"]
    assert shown["layer"].endswith("conv2_block1_out")
    assert shown["input size"].endswith("32 x 32 pixels")
    assert shown["head"].endswith("32 > 16 > 3, dropout 0.2")
    assert "validation accuracy 1.0000" in shown["best"]

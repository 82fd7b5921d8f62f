"""Models in files, read where their weights are others or none: never a prediction."""

import hashlib
import shutil
from pathlib import Path

import joblib
import numpy as np
import pytest
from surroundings import run_python

import skresnet
from skresnet import ResNet50Embedder, WeightsUnavailableError, make_image_classifier
from skresnet.weights import distilled, load_weights, resolve_weights, resolved

PACKAGE = Path(skresnet.__file__).parent  # as it is installed
TOOLS = Path(__file__).parents[2] / "tools"
# Loads the model, which works, and says what comes of using it.
USE = """
import sys
sys.path[:0] = sys.argv[2:]
import joblib, numpy as np, skresnet
model = joblib.load(sys.argv[1])
use = getattr(model, "predict", None) or model.transform
try:
    print("rows:", *use(np.zeros((2, 40, 40, 3), np.uint8)), sep="\\n")
except OSError as error:
    print(type(error).__name__, error)
"""
SHIP = """
import sys
sys.path[:0] = sys.argv[1:]
from skresnet.networks import RESNET50
from skresnet.weights.resolved import random_weights
from tools.distill.pack import ship
print(ship(random_weights(RESNET50, 1), bits=8))
"""


@pytest.fixture
def own_file(tmp_path):
    path = tmp_path / "mine.weights.h5"
    path.write_bytes(b"then")
    return path


@pytest.fixture
def saved_embedder(own_file, tmp_path):
    embedder = ResNet50Embedder(weights=own_file).fit(["any.png"])
    joblib.dump(embedder, tmp_path / "embedder.joblib")
    return tmp_path / "embedder.joblib"


@pytest.fixture
def other_version(tmp_path):
    """A copy of the package that comes with other weights, and their digest."""
    root = tmp_path / "other"
    for folder in (PACKAGE, TOOLS):
        shutil.copytree(
            folder,
            root / folder.name,
            ignore=shutil.ignore_patterns("*.npz", "__pycache__"),
        )
    return root, run_python(SHIP, root)


def test_a_file_that_is_another_by_now_is_told_with_both_digests(
    saved_embedder, own_file
):
    own_file.write_bytes(b"later on")
    told = run_python(USE, saved_embedder)
    for part in (
        f"WeightsUnavailableError The weights file {own_file} has changed",
        hashlib.sha256(b"then").hexdigest(),
        hashlib.sha256(b"later on").hexdigest(),
        "set_params(embedder__weights=...), and fit again",
    ):
        assert part in told
    assert "rows" not in told


def test_a_file_that_was_moved_is_named_with_its_digest(saved_embedder, own_file):
    own_file.rename(own_file.with_name("elsewhere.h5"))
    told = run_python(USE, saved_embedder)
    for part in (
        f"WeightsUnavailableError The weights file {own_file}",
        hashlib.sha256(b"then").hexdigest(),
        "put it back",
        "set_params(embedder__weights=...), and fit again",
    ):
        assert part in told


@pytest.mark.usefixtures("no_network")
def test_imagenets_that_are_not_on_this_machine_are_named_with_their_digest(
    published, tmp_path, monkeypatch
):
    embedder = ResNet50Embedder().fit(["any.png"])
    joblib.dump(embedder, tmp_path / "model.joblib")
    Path(embedder.weights_.path).unlink()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "new"))
    monkeypatch.delenv("no_proxy")
    told = run_python(USE, tmp_path / "model.joblib")
    for part in (
        "WeightsUnavailableError",
        hashlib.sha256(published.read_bytes()).hexdigest(),
        f"{tmp_path / 'new'}",
        "need another fit",
    ):
        assert part in told


def test_random_weights_of_another_version_are_not_drawn(monkeypatch):
    weights = resolve_weights(None, seed=3)
    monkeypatch.setattr(resolved, "RANDOM_VERSION", 2)
    with pytest.raises(WeightsUnavailableError, match=r"are random:3:2, .* random:3:1"):
        load_weights(weights)


def test_a_pipeline_predicts_in_this_version_and_not_with_the_weights_of_another(
    other_version, tmp_path
):
    model = make_image_classifier(
        weights="distilled",
        random_state=0,
        embedder__input_size=32,
        embedder__layer="conv1_relu",
        classifier__hidden_layer_sizes=(4,),
        classifier__epochs=1,
    )
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (12, 32, 32, 3), np.uint8)
    model.fit(X, ["a", "b"] * 6)
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    assert run_python(USE, path).startswith("rows:")
    root, digest = other_version
    told = run_python(USE, path, root)
    for part in (
        f"WeightsUnavailableError The distilled weights of skresnet "
        f"{skresnet.__version__} are {digest}",
        distilled.SHA256,
        "install that one",
        "fit again",
    ):
        assert part in told
    assert "rows" not in told

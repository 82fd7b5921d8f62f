"""Which weights the demonstration takes."""

import urllib.request

import pytest

from skresnet import EfficientNetLite0Embedder, demo
from skresnet.weights import distilled, lite0


@pytest.fixture
def no_imagenet(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    # It would remember the proxies of the first request of the process.
    monkeypatch.setattr(urllib.request, "_opener", None)
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_imagenet")
def test_without_imagenets_it_takes_the_other_network_and_says_why(capsys):
    model = demo._best_available_classifier(0)
    assert isinstance(model["embedder"], EfficientNetLite0Embedder)
    told = capsys.readouterr().out
    assert "Not at hand: ResNet50 with the ImageNet weights" in told
    assert "Using EfficientNet-Lite0" in told


@pytest.mark.usefixtures("no_imagenet")
def test_without_both_it_takes_the_distilled_ones(capsys, monkeypatch):
    monkeypatch.setattr(lite0, "lite0_path", lambda: None)
    model = demo._best_available_classifier(0)
    assert model["embedder"].weights == "distilled"
    told = capsys.readouterr().out
    assert "Not at hand: EfficientNet-Lite0" in told
    assert "Using ResNet50 with the weights that come with this package" in told


@pytest.mark.usefixtures("no_imagenet")
def test_random_ones_are_for_a_damaged_package_only(capsys, tmp_path, monkeypatch):
    path = tmp_path / "cut.npz"
    path.write_bytes(b"half of it")
    monkeypatch.setattr(distilled, "distilled_path", lambda: path)
    monkeypatch.setattr(lite0, "lite0_path", lambda: path)
    model = demo._best_available_classifier(0)
    assert model["embedder"].weights is None
    assert "scaler" in model.named_steps
    assert "Using ResNet50 with random weights" in capsys.readouterr().out

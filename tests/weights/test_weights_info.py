"""What is told of the weights that have a name, without loading any."""

import hashlib
from pathlib import Path

import pytest
from surroundings import run_python

from skresnet import load_weights_info
from skresnet.weights import distilled, resolve_weights
from skresnet.weights.imagenet import imagenet_path

pytestmark = pytest.mark.usefixtures("keras_home")


def infos():
    return {info.name: info for info in load_weights_info()}


def test_imagenets_that_are_not_here_are_told_with_host_and_place():
    info = infos()["imagenet"]
    assert not info.available_offline
    assert info.host == "storage.googleapis.com"
    assert info.path == str(imagenet_path())
    assert info.digest is None
    assert info.size > 90e6
    assert not imagenet_path().parent.exists()


def test_imagenets_that_are_here_are_told_with_their_digest(published):
    resolved = resolve_weights("imagenet")
    info = infos()["imagenet"]
    assert info.available_offline
    assert info.digest == resolved.digest
    imagenet_path().write_bytes(b"half of it")
    assert not infos()["imagenet"].available_offline
    assert infos()["imagenet"].digest is None


def test_those_of_the_package_are_at_hand_and_never_downloaded():
    info = infos()["distilled"]
    assert info.available_offline
    assert info.host is None
    assert resolve_weights(info.parameter).digest == info.digest
    assert info.size == Path(info.path).stat().st_size


def test_those_of_a_damaged_package_are_not_at_hand(tmp_path, monkeypatch):
    path = tmp_path / "cut.npz"
    monkeypatch.setattr(distilled, "distilled_path", lambda: path)
    assert not infos()["distilled"].available_offline
    path.write_bytes(b"half of it")
    assert not infos()["distilled"].available_offline
    assert infos()["distilled"].digest != hashlib.sha256(b"half of it").hexdigest()


def test_random_ones_have_no_file():
    info = infos()["random"]
    assert info.available_offline
    assert info.parameter is None
    assert (info.path, info.size, info.digest, info.host) == (None,) * 4


def test_it_needs_no_tensorflow():
    program = (
        "import sys, skresnet\n"
        "skresnet.load_weights_info()\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    assert run_python(program) == "set()"

import hashlib
import socket
from dataclasses import replace

import pytest

from skresnet.weights import (
    WeightsUnavailableError,
    imagenet,
    load_weights,
    resolve_weights,
)
from skresnet.weights.imagenet import imagenet_is_cached, imagenet_path

pytestmark = pytest.mark.usefixtures("keras_home")


@pytest.fixture
def silent_host(monkeypatch):
    """A host that takes connections and never says a word."""
    for name in ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/{imagenet.FILE_NAME}"
        monkeypatch.setattr(imagenet, "URL", url)
        yield


def test_address_and_hash_are_those_that_keras_uses():
    from keras.src.applications import resnet

    assert imagenet.URL == resnet.BASE_WEIGHTS_PATH + imagenet.FILE_NAME
    assert resnet.WEIGHTS_HASHES["resnet50"][1] == imagenet.MD5


def test_the_file_lies_where_keras_keeps_its_models(keras_home, monkeypatch):
    assert imagenet_path() == keras_home / "models" / imagenet.FILE_NAME
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(keras_home.parent))
    expected = keras_home.parent / ".keras" / "models" / imagenet.FILE_NAME
    assert imagenet_path() == expected


@pytest.mark.usefixtures("no_network")
def test_without_file_and_network_the_error_names_every_way_out():
    with pytest.raises(WeightsUnavailableError) as caught:
        resolve_weights("imagenet")
    assert isinstance(caught.value, OSError)
    message = str(caught.value)
    assert message.index("EfficientNetLite0") < message.index("'distilled'")
    for part in (
        f"{imagenet_path()} is not there",
        "storage.googleapis.com",
        "refused",
        imagenet.URL,
        "EfficientNetLite0Embedder",
        "network='efficientnet_lite0'",
        "weights='distilled'",
        "KERAS_HOME",
        "weights=<path>",
        "weights=None",
    ):
        assert part in message


@pytest.mark.usefixtures("silent_host")
def test_a_host_that_never_answers_is_given_up(monkeypatch):
    assert imagenet._PROBE_SECONDS <= 12  # with the rest, within 15 seconds
    monkeypatch.setattr(imagenet, "_PROBE_SECONDS", 0.2)
    with pytest.raises(WeightsUnavailableError, match=r"storage.googleapis.com .*Time"):
        resolve_weights("imagenet")


@pytest.mark.usefixtures("no_network")
def test_a_damaged_file_is_said_to_be_so_and_left_in_place():
    imagenet_path().parent.mkdir(parents=True)
    imagenet_path().write_bytes(b"half of it")
    assert not imagenet_is_cached()
    with pytest.raises(WeightsUnavailableError, match="is damaged"):
        resolve_weights("imagenet")
    assert imagenet_path().read_bytes() == b"half of it"


def test_the_published_file_is_downloaded_once_and_verified(published):
    assert not imagenet_is_cached()
    resolved = resolve_weights("imagenet")
    assert resolved.name == "imagenet"
    assert resolved.path == str(imagenet_path())
    assert resolved.digest == hashlib.sha256(published.read_bytes()).hexdigest()
    assert imagenet_is_cached()
    published.unlink()
    assert resolve_weights("imagenet") == resolved


def test_a_damaged_file_is_downloaded_again(published):
    imagenet_path().parent.mkdir(parents=True)
    imagenet_path().write_bytes(b"half of it")
    resolve_weights("imagenet")
    assert imagenet_path().read_bytes() == published.read_bytes()


def test_a_download_with_the_wrong_content_leaves_nothing_behind(published):
    published.write_bytes(b"something else")
    with pytest.raises(WeightsUnavailableError, match="hash"):
        resolve_weights("imagenet")
    assert not list(imagenet_path().parent.iterdir())


def test_a_model_from_another_machine_finds_the_file_of_this_one(published):
    here = resolve_weights("imagenet")
    elsewhere = replace(here, path="/another/home/models/resnet50.h5")
    # It gets as far as reading the file, which is none that holds weights.
    with pytest.raises(ValueError, match=imagenet_path().name):
        load_weights(elsewhere)
    with pytest.raises(WeightsUnavailableError, match="has changed"):
        load_weights(replace(elsewhere, digest="0" * 64))

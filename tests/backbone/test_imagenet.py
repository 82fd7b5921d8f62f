import functools
import hashlib
import http.server
import threading
from dataclasses import replace

import pytest

from skresnet.backbone import (
    WeightsUnavailableError,
    imagenet,
    imagenet_is_cached,
    imagenet_path,
    resolve_weights,
)
from skresnet.backbone.network import load_weights

CONTENT = b"stands for the published file"


@pytest.fixture(autouse=True)
def keras_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras"


@pytest.fixture
def no_network(monkeypatch):
    """Send all requests to a port where nobody listens."""
    for name in ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A server on this machine that publishes a small file in place of Keras' own."""
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / imagenet.FILE_NAME).write_bytes(CONTENT)
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(folder)
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{imagenet.FILE_NAME}"
        monkeypatch.setattr(imagenet, "URL", url)
        monkeypatch.setattr(imagenet, "MD5", hashlib.md5(CONTENT).hexdigest())
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield folder / imagenet.FILE_NAME
        server.shutdown()


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
    for part in (
        f"{imagenet_path()} is not there",
        "storage.googleapis.com",
        "refused",
        imagenet.URL,
        "weights=<path>",
        "weights=None",
    ):
        assert part in message


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
    assert resolved.digest == hashlib.sha256(CONTENT).hexdigest()
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

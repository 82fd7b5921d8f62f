"""A folder of Keras' own, and a host of weights on this machine or none."""

import functools
import hashlib
import http.server
import threading
import urllib.request

import pytest

from skresnet.weights import imagenet


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """An empty folder for Keras, and requests that see the proxies of this test."""
    # It would remember those that were set at the first request of the process.
    monkeypatch.setattr(urllib.request, "_opener", None)
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
def published(tmp_path, monkeypatch, keras_home):
    """A server on this machine that publishes a small file in place of Keras' own."""
    folder = tmp_path / "published"
    folder.mkdir()
    content = b"stands for the published file"
    (folder / imagenet.FILE_NAME).write_bytes(content)
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(folder)
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{imagenet.FILE_NAME}"
        monkeypatch.setattr(imagenet, "URL", url)
        monkeypatch.setattr(imagenet, "MD5", hashlib.md5(content).hexdigest())
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield folder / imagenet.FILE_NAME
        server.shutdown()

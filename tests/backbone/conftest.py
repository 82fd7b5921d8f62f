import functools
import hashlib
import http.server
import tempfile
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from skresnet.backbone import imagenet


@pytest.fixture(scope="session")
def weights_folder():
    """A folder that goes at once: each weights file takes 95 MB."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def trained_model():
    """ResNet50 as after a training: no bias is 0, no statistic is that of a start."""
    import keras

    model = keras.applications.ResNet50(
        include_top=False, pooling="avg", input_shape=(64, 64, 3), weights=None
    )
    rng = np.random.default_rng(7)
    for layer in model.layers:
        arrays = layer.get_weights()
        if len(arrays) == 2:
            fan_in = np.prod(arrays[0].shape[:3])
            kernel = rng.normal(0, np.sqrt(2 / fan_in), arrays[0].shape)
            layer.set_weights([kernel, rng.normal(0, 0.1, arrays[1].shape)])
        elif len(arrays) == 4:
            n = len(arrays[0])
            gamma, variance = rng.uniform(0.5, 1.5, n), rng.uniform(0.3, 3, n)
            mean, beta = rng.normal(0, 0.5, (2, n))
            layer.set_weights([gamma, beta, mean, variance])
    return model


@pytest.fixture(scope="session")
def trained_file(trained_model, weights_folder):
    path = weights_folder / "trained.weights.h5"
    trained_model.save_weights(path)
    return path


@pytest.fixture(scope="session")
def pictures():
    """Two 64 x 64 pictures with smooth areas and edges, as photographs have."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (2, 8, 8, 3)).repeat(8, axis=1).repeat(8, axis=2)
    noise = rng.integers(-20, 21, coarse.shape)
    return np.clip(coarse + noise, 0, 255).astype(np.uint8)


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

import hashlib
import pickle
import subprocess
import sys

import numpy as np
import pytest

from skresnet.backbone import BackboneSettings
from skresnet.networks import RESNET50
from skresnet.weights import ResolvedWeights, resolve_weights
from skresnet.weights.resolved import random_weights

FINGERPRINT = (
    "import hashlib\n"
    "from skresnet.networks import RESNET50\n"
    "from skresnet.weights.resolved import random_weights\n"
    "digest = hashlib.sha256()\n"
    "for arrays in random_weights(RESNET50, {seed}).values():\n"
    "    for array in arrays:\n"
    "        digest.update(array.tobytes())\n"
)


def test_a_file_is_named_by_its_content_wherever_it_lies(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"weights")
    (tmp_path / "b.h5").write_bytes(b"weights")
    a, b = resolve_weights(tmp_path / "a.h5"), resolve_weights(str(tmp_path / "b.h5"))
    assert a.digest == b.digest == hashlib.sha256(b"weights").hexdigest()
    assert (a.name, a.path, a.seed) == ("file", str(tmp_path / "a.h5"), None)


def test_the_digest_follows_a_file_that_is_written_again(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"first")
    first = resolve_weights(path)
    path.write_bytes(b"second")
    assert resolve_weights(path).digest != first.digest


def test_a_path_may_be_relative_to_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "a.h5").write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    assert resolve_weights("a.h5").path == str(tmp_path / "a.h5")


def test_a_missing_file_is_named_with_what_weights_may_be(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"weights='imagnet'.*'imagenet'.*None"):
        resolve_weights("imagnet")
    with pytest.raises(FileNotFoundError):
        resolve_weights(tmp_path)  # a folder is no file


def test_random_weights_are_told_apart_by_their_seed():
    assert resolve_weights(None, seed=1) == resolve_weights(None, seed=np.int64(1))
    assert resolve_weights(None, seed=1).digest != resolve_weights(None, seed=2).digest


def test_the_same_seed_gives_the_same_weights_in_any_process():
    program = FINGERPRINT.format(seed=4) + "print(digest.hexdigest())"
    here = {}
    exec(FINGERPRINT.format(seed=4), here)
    there = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert there.stdout.strip() == here["digest"].hexdigest()


def test_random_weights_are_distributed_as_keras_initialises():
    weights, others = (random_weights(RESNET50, seed) for seed in (0, 1))
    for layer, shapes in RESNET50.weight_shapes.items():
        assert tuple(array.shape for array in weights[layer]) == shapes
        assert all(array.dtype == np.float32 for array in weights[layer])
        if len(shapes) == 2:
            kernel, bias = weights[layer]
            height, width, fan_in, fan_out = kernel.shape
            limit = np.sqrt(6 / (height * width * (fan_in + fan_out)))
            assert 0.99 * limit < np.abs(kernel).max() <= 1.0001 * limit
            assert abs(kernel.mean()) < 0.05 * limit
            assert not bias.any()
            assert not np.array_equal(kernel, others[layer][0])
        else:
            assert [float(array.mean()) for array in weights[layer]] == [1, 0, 0, 1]


def test_resolved_weights_and_specs_survive_a_pickle_and_hash_alike():
    settings = BackboneSettings(resolve_weights(None, seed=3), input_size=(64, 64))
    copy = pickle.loads(pickle.dumps(settings))
    assert copy == settings
    assert hash(copy) == hash(settings)
    assert isinstance(copy.weights, ResolvedWeights)

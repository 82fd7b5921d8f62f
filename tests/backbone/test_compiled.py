"""Networks that are compiled once and kept on disk, and when they are not."""

import hashlib
import os
from dataclasses import replace

import numpy as np
import pytest
from surroundings import needs_openvino

from skresnet.backbone import BackboneSettings, backbone, kept, load_backbone
from skresnet.weights import WeightsUnavailableError, resolve_weights

pytestmark = needs_openvino


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "compiled"
    monkeypatch.setenv(kept.FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def settings():
    weights = resolve_weights("distilled")
    return BackboneSettings(
        weights, "conv2_block1_out", input_size=(64, 64), engine="openvino"
    )


@pytest.fixture
def compilations(monkeypatch):
    """What was compiled from weights, and not taken from the disk."""
    found = []
    original = backbone.verified_weights

    def counting(weights):
        read = original(weights)

        def counted():
            found.append(weights.digest)
            return read()

        return counted

    monkeypatch.setattr(backbone, "verified_weights", counting)
    return found


def in_a_new_process(settings):
    backbone._places.clear()
    return load_backbone(settings)


def test_the_next_process_reads_no_weights_and_computes_the_same(
    folder, settings, pictures, compilations
):
    rows = in_a_new_process(settings)(pictures)
    np.testing.assert_array_equal(in_a_new_process(settings)(pictures), rows)
    assert len(compilations) == 1
    (file,) = folder.iterdir()
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700
        assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: content[:5000] + b"\x00\xff" + content[5002:],
        lambda content: hashlib.sha256(b"a network").digest() + b"a network",
    ],
    ids=["cut", "empty", "changed", "not of OpenVINO"],
)
def test_a_damaged_file_is_compiled_anew(
    folder, settings, pictures, compilations, damage
):
    rows = in_a_new_process(settings)(pictures)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(damage(content))
    np.testing.assert_array_equal(in_a_new_process(settings)(pictures), rows)
    assert len(compilations) == 2
    in_a_new_process(settings)
    assert len(compilations) == 2  # it was mended


def test_other_settings_are_other_files(folder, settings):
    in_a_new_process(settings)
    in_a_new_process(replace(settings, pooling="max"))
    assert len(list(folder.iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
@pytest.mark.parametrize("whose", ["folder", "file"])
def test_what_others_may_write_to_is_not_used(
    folder, settings, pictures, compilations, whose
):
    in_a_new_process(settings)
    (file,) = folder.iterdir()
    (folder if whose == "folder" else file).chmod(0o777)
    in_a_new_process(settings)
    assert len(compilations) == 2


def test_no_more_than_a_few_are_kept_and_those_used_last(folder, settings):
    layers = ["conv1_pad", "conv1_conv", "conv1_relu", "pool1_pool"]
    assert len(layers) == kept.KEPT + 1
    first, *others = (replace(settings, layer=layer) for layer in layers)
    for age, one in enumerate([first, *others[:-1]]):
        in_a_new_process(one)
        newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (1e9 + age, 1e9 + age))
    in_a_new_process(first)  # used again, so that the second is now the oldest
    before = set(folder.iterdir())
    in_a_new_process(others[-1])
    assert len(set(folder.iterdir())) == kept.KEPT
    assert len(before & set(folder.iterdir())) == kept.KEPT - 1
    in_a_new_process(first)
    assert len(set(folder.iterdir())) == kept.KEPT


def test_weights_that_have_changed_are_an_error_all_the_same(
    folder, tmp_path, trained_file, pictures
):
    path = tmp_path / "copy.weights.h5"
    path.write_bytes(trained_file.read_bytes())
    settings = BackboneSettings(
        resolve_weights(path), "conv1_relu", input_size=(64, 64), engine="openvino"
    )
    in_a_new_process(settings)
    path.write_bytes(b"other weights")
    with pytest.raises(WeightsUnavailableError, match="has changed"):
        in_a_new_process(settings)
    path.unlink()
    with pytest.raises(WeightsUnavailableError, match="not there any more"):
        in_a_new_process(settings)


def test_random_weights_are_not_kept(folder, pictures):
    weights = resolve_weights(None, seed=1)
    settings = BackboneSettings(
        weights, "conv1_relu", input_size=(64, 64), engine="openvino"
    )
    in_a_new_process(settings)
    assert not folder.exists()


@pytest.mark.parametrize("where", ["", "a file"])
def test_without_a_folder_networks_are_compiled_each_time(
    settings, pictures, compilations, monkeypatch, tmp_path, where
):
    (tmp_path / "a file").touch()
    monkeypatch.setenv(kept.FOLDER_VARIABLE, where and str(tmp_path / where / "below"))
    for _ in range(2):
        in_a_new_process(settings)
    assert len(compilations) == 2

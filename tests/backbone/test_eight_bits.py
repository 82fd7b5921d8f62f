"""Networks that NNCF quantises: once, for all processes, and to the same features."""

import hashlib
import json
import sys
from dataclasses import replace

import joblib
import numpy as np
import pytest
from surroundings import start_python

from skresnet import EfficientNetLite0Embedder, ResNet50Embedder
from skresnet.backbone import (
    BackboneSettings,
    EngineUnavailableError,
    backbone,
    check_precision,
    eight_bits,
    kept,
    load_backbone,
)
from skresnet.weights import resolve_weights

try:
    check_precision("int8")
except ValueError as error:
    pytestmark = pytest.mark.skip(reason=str(error))

TINY = {"layer": "conv2_block1_out", "input_size": 32, "precision": "int8"}


@pytest.fixture(scope="module")
def settings():
    return BackboneSettings(
        resolve_weights("distilled"),
        "conv2_block1_out",
        input_size=(32, 32),
        precision="int8",
        engine="openvino",
    )


@pytest.fixture(scope="module")
def small_pictures():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


PROGRAM = """
import os, sys, logging
import numpy as np
from skresnet import ResNet50Embedder
from skresnet.backbone import eight_bits

original = eight_bits._quantise
eight_bits._quantise = lambda *given: print("quantised") or original(*given)
before = logging.getLogger().level, dict(os.environ)
embedder = ResNet50Embedder(
    weights="distilled", layer="conv2_block1_out", input_size=32, precision="int8"
)
rows = embedder.fit_transform(np.load(sys.argv[1]))
assert (logging.getLogger().level, dict(os.environ)) == before
assert not {"nncf", "tensorflow"} & set(sys.modules)
np.save(sys.argv[2], rows)
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory, small_pictures):
    """Two processes that start at once in one folder, and one alone in another."""
    root = tmp_path_factory.mktemp("processes")
    np.save(root / "pictures.npy", small_pictures)
    with pytest.MonkeyPatch.context() as patch:
        children = []
        for number, folder in enumerate(["shared", "shared", "own"]):
            patch.setenv(kept.FOLDER_VARIABLE, str(root / folder))
            arguments = root / "pictures.npy", root / f"rows{number}.npy"
            children.append(start_python(PROGRAM, *arguments))
        ended = [(*child.communicate(timeout=300), child) for child in children]
    printed = []
    for out, complaints, child in ended:
        assert child.returncode == 0, complaints
        printed.append(out)
    return root, printed, [np.load(root / f"rows{i}.npy") for i in range(3)]


@pytest.fixture
def folder(processes, monkeypatch, tmp_path):
    """A folder where a quantised network lies, and nothing that was compiled."""
    (quantised,) = (processes[0] / "own").glob("*.quantised")
    copy = tmp_path / "networks"
    copy.mkdir(mode=0o700)
    (copy / quantised.name).write_bytes(quantised.read_bytes())
    (copy / quantised.name).chmod(0o600)
    monkeypatch.setenv(kept.FOLDER_VARIABLE, str(copy))
    backbone._places.clear()
    yield copy
    backbone._places.clear()


@pytest.fixture
def quantisations(folder, monkeypatch):
    """What was asked to be quantised, and got what NNCF had made of it before."""
    (path,) = folder.glob("*.quantised")
    content = kept.read(path).tobytes()
    asked = []

    def quantise(settings, model):
        asked.append(settings)
        return content

    monkeypatch.setattr(eight_bits, "_quantise", quantise)
    return asked


def test_of_processes_that_start_at_once_one_quantises_for_all(processes):
    _, printed, rows = processes
    assert sorted(text.count("quantised") for text in printed[:2]) == [0, 1]
    np.testing.assert_array_equal(rows[0], rows[1])


def test_features_depend_on_weights_and_settings_alone(processes):
    _, printed, rows = processes
    assert printed[2].count("quantised") == 1
    np.testing.assert_array_equal(rows[2], rows[0])


def test_features_have_the_direction_of_those_in_float32(
    processes, settings, small_pictures
):
    expected = load_backbone(replace(settings, precision="float32"))(small_pictures)
    rows = processes[2][0]
    assert not np.array_equal(rows, expected)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((rows * expected).sum(axis=1) / lengths).min() > 0.99


def test_what_is_kept_is_taken_and_a_row_does_not_depend_on_those_beside_it(
    processes, quantisations, settings, small_pictures
):
    network = load_backbone(settings)
    assert not quantisations
    one_by_one = [network(small_pictures[[i]])[0] for i in range(6)]
    np.testing.assert_array_equal(one_by_one, processes[2][0])


def not_of_openvino(content):
    return hashlib.sha256(b"\0" * 9).digest() + b"\0" * 9


@pytest.mark.parametrize(
    "damage",
    [lambda c: c[:-1], lambda c: b"", not_of_openvino],
    ids=["cut", "empty", "not of OpenVINO"],
)
def test_a_damaged_network_is_quantised_anew(
    processes, folder, quantisations, settings, small_pictures, damage
):
    (path,) = folder.glob("*.quantised")
    path.write_bytes(damage(path.read_bytes()))
    rows = load_backbone(settings)(small_pictures)
    np.testing.assert_array_equal(rows, processes[2][0])
    assert quantisations == [settings]
    for compiled in folder.glob("*.openvino"):
        compiled.unlink()
    backbone._places.clear()
    load_backbone(settings)
    assert quantisations == [settings]  # it was mended


def test_other_versions_quantise_anew(folder, quantisations, settings, monkeypatch):
    others = {"nncf": "99.0", "openvino": "99.1"}
    monkeypatch.setattr("skresnet.backbone.settings.version", others.get)
    load_backbone(settings)
    assert len(quantisations) == 1
    assert len(list(folder.glob("*.quantised"))) == 2


def test_the_process_that_fails_to_quantise_says_why(settings, monkeypatch, tmp_path):
    program = tmp_path / "quantise.py"
    program.write_text("raise MemoryError('too little of it')")
    monkeypatch.setattr(eight_bits, "_PROGRAM", program)
    backbone._places.clear()
    with pytest.raises(RuntimeError, match=r"int8.*nncf.*too little of it.*float32"):
        load_backbone(replace(settings, pooling="max"))


def test_a_layer_before_all_convolutions_is_as_in_float32(settings, small_pictures):
    early = replace(settings, layer="conv1_pad")
    np.testing.assert_array_equal(
        load_backbone(early)(small_pictures),
        load_backbone(replace(early, precision="float32"))(small_pictures),
    )


def test_the_other_network_is_quantised_too(small_pictures):
    params = {"layer": "block2b_add", "input_size": 32, "pooling": "flatten"}
    rows, expected = (
        EfficientNetLite0Embedder(precision=precision, engine="openvino", **params)
        .fit_transform(small_pictures)
        .ravel()
        for precision in ("int8", "float32")
    )
    cosine = rows @ expected / np.linalg.norm(rows) / np.linalg.norm(expected)
    assert 0.99 < cosine < 1


def test_calibration_pictures_are_always_the_same():
    pictures = eight_bits.calibration_pictures((32, 48))
    assert pictures.shape[1:] == (32, 48, 3)
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures, eight_bits.calibration_pictures((32, 48)))


@pytest.mark.parametrize("package", ["nncf", "openvino"])
def test_a_missing_package_is_an_error_before_any_picture(monkeypatch, package):
    embedder = ResNet50Embedder(weights="distilled", **TINY).fit(["any.png"])
    monkeypatch.setitem(sys.modules, package, None)
    missing = rf"int8.* needs the package {package}.*'skresnet\[int8\]'"
    for call in (embedder.transform, embedder.fit):
        with pytest.raises(EngineUnavailableError, match=missing):
            call(["not-there.png"])


def test_tensorflow_does_not_compute_it_and_auto_takes_openvino():
    params = {"weights": None, "random_state": 0, **TINY}
    with pytest.raises(ValueError, match=r"int8.*tensorflow.*engine='openvino'"):
        ResNet50Embedder(engine="tensorflow", **params).fit(["not-there.png"])
    fitted = ResNet50Embedder(**params).fit(["any.png"])
    assert fitted._settings().backbone.engine == "openvino"


def test_a_cache_tells_precisions_and_calibrations_apart(
    folder, small_pictures, tmp_path, monkeypatch
):
    params = {"weights": "distilled", "engine": "openvino", "cache": tmp_path / "rows"}
    eight = ResNet50Embedder(**params, **TINY).fit(small_pictures)
    plain = ResNet50Embedder(**params, **TINY | {"precision": "float32"})
    rows = plain.fit_transform(small_pictures)
    assert not np.array_equal(eight.transform(small_pictures), rows)
    pictures = eight._as_pictures(small_pictures)
    assert eight._embed(pictures).n_cached == len(pictures)
    key = json.loads(eight._settings().cache_key)
    monkeypatch.setattr("skresnet.backbone.settings._CALIBRATION_VERSION", 99)
    other = json.loads(eight._settings().cache_key)
    assert {name for name in key if key[name] != other[name]} == {"calibration"}


def test_a_model_that_is_read_again_gives_the_same_rows(
    folder, small_pictures, tmp_path
):
    embedder = ResNet50Embedder(weights="distilled", **TINY).fit(small_pictures)
    rows = embedder.transform(small_pictures)
    joblib.dump(embedder, tmp_path / "embedder.joblib")
    backbone._places.clear()
    loaded = joblib.load(tmp_path / "embedder.joblib")
    assert loaded.precision == "int8"
    np.testing.assert_array_equal(loaded.transform(small_pictures), rows)

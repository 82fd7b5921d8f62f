"""The engine that is not always installed, and what it promises besides features."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import joblib
import numpy as np
import pytest
from surroundings import needs_openvino, run_python

from skresnet import ResNet50Embedder
from skresnet.backbone import (
    BackboneSettings,
    EngineUnavailableError,
    load_backbone,
)
from skresnet.weights import resolve_weights


@pytest.fixture
def take_openvino_away(monkeypatch):
    """A machine where the package is not installed, as imports see it."""

    def take_away():
        monkeypatch.setitem(sys.modules, "openvino", None)

    return take_away


@pytest.fixture
def settings():
    weights = resolve_weights(None, seed=101)
    return BackboneSettings(
        weights, "conv2_block1_out", input_size=(64, 64), engine="openvino"
    )


def embedder(**params):
    return ResNet50Embedder(
        weights=None, random_state=0, layer="conv1_relu", input_size=32, **params
    )


def test_the_error_of_a_missing_engine_names_the_extra(take_openvino_away, settings):
    take_openvino_away()
    with pytest.raises(ImportError, match=r"'skresnet\[openvino\]'"):
        load_backbone(settings)
    with pytest.raises(ValueError, match=r"engine='openvino' needs .* not installed"):
        embedder(engine="openvino").fit(["any.png"])


@needs_openvino
def test_a_model_that_comes_where_its_engine_is_missing_says_so_before_any_picture(
    take_openvino_away, tmp_path
):
    joblib.dump(embedder(engine="openvino").fit(["any.png"]), tmp_path / "e.joblib")
    take_openvino_away()
    loaded = joblib.load(tmp_path / "e.joblib")
    with pytest.raises(EngineUnavailableError, match=r"skresnet\[openvino\]"):
        loaded.transform(["not-there.png"])


@needs_openvino
def test_a_row_does_not_depend_on_the_pictures_beside_it(settings, pictures):
    backbone = load_backbone(settings)
    many = np.concatenate([pictures, pictures[::-1], 255 - pictures])
    rows = backbone(many)
    np.testing.assert_array_equal(rows[[3, 2]], rows[:2])
    np.testing.assert_array_equal(rows, [backbone(many[[i]])[0] for i in range(6)])


@needs_openvino
def test_threads_get_the_rows_of_their_own_pictures(settings, pictures):
    backbone = load_backbone(settings)
    batches = [np.roll(pictures, shift, axis=2) for shift in range(8)]
    expected = [backbone(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(list(pool.map(backbone, batches)), expected)


@needs_openvino
def test_neither_tensorflow_nor_the_threads_of_the_process_are_touched():
    program = """
import os, sys
import numpy as np
from skresnet import ResNet50Embedder

affinity = getattr(os, "sched_getaffinity", lambda process: None)
before = affinity(0), dict(os.environ)
embedder = ResNet50Embedder(
    weights=None, random_state=0, layer="conv1_relu", input_size=32, engine="openvino"
)
print(embedder.fit_transform(np.zeros((3, 40, 40, 3), np.uint8)).shape)
print((affinity(0), dict(os.environ)) == before)
print("tensorflow" in sys.modules)
"""
    assert run_python(program).splitlines() == ["(3, 64)", "True", "False"]


@needs_openvino
def test_the_default_engine_is_this_one_where_it_is_installed_and_float32_is_asked_for(
    take_openvino_away,
):
    fitted = embedder().fit(["any.png"])
    assert fitted.engine == "auto"
    assert fitted._settings().backbone.engine == "openvino"
    half = replace(fitted._backbone, precision="bfloat16")
    assert half.on_this_machine().engine == "tensorflow"
    take_openvino_away()
    assert fitted._settings().backbone.engine == "tensorflow"


@needs_openvino
def test_a_gpu_is_left_to_tensorflow(tmp_path, monkeypatch):
    monkeypatch.setattr("skresnet.backbone.settings.GPUS", (str(tmp_path),))
    assert embedder().fit(["any.png"])._settings().backbone.engine == "tensorflow"


@needs_openvino
def test_a_model_of_the_default_engine_works_on_with_and_without_openvino(
    take_openvino_away, tmp_path, pictures
):
    joblib.dump(embedder().fit(["any.png"]), tmp_path / "e.joblib")
    rows = joblib.load(tmp_path / "e.joblib").transform(pictures)
    take_openvino_away()
    others = joblib.load(tmp_path / "e.joblib").transform(pictures)
    np.testing.assert_allclose(others, rows, rtol=0, atol=1e-4 * rows.max())


@needs_openvino
def test_a_cache_tells_the_engines_of_the_default_apart(
    take_openvino_away, tmp_path, pictures
):
    fitted = embedder(cache=tmp_path).fit(["any.png"])
    rows = fitted.transform(pictures)
    assert fitted._embed(fitted._as_pictures(pictures)).n_cached == len(pictures)
    take_openvino_away()
    assert fitted._embed(fitted._as_pictures(pictures)).n_cached == 0
    plain = embedder(engine="tensorflow").fit(["any.png"])
    np.testing.assert_array_equal(fitted.transform(pictures), plain.transform(pictures))
    assert not np.array_equal(fitted.transform(pictures), rows)

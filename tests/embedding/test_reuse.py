"""What is found again in the cache, and what must not be."""

import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from counted import small_embedder
from PIL import Image
from surroundings import needs_openvino

from skresnet import (
    EfficientNetLite0Embedder,
    EmbeddingCache,
    ResNet50Embedder,
    embedding,
)


def assert_same_features(found, expected):
    # Batches of other sizes may differ in the last bits.
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def expected(files):
    """The features without any cache."""
    return small_embedder().fit_transform(files)


def test_the_second_time_nothing_is_computed(files, folder, expected, computed):
    first = small_embedder(cache=folder).fit_transform(files)
    assert computed() == 60
    again = small_embedder(cache=folder).fit_transform(files)
    assert computed() == 0
    assert_same_features(first, expected)
    assert np.array_equal(again, first)


def test_pictures_are_found_by_content_wherever_they_lie(
    files, folder, tmp_path, computed
):
    first = small_embedder(cache=folder).fit_transform(files)
    computed()
    (tmp_path / "elsewhere").mkdir()
    moved = [tmp_path / "elsewhere" / f"{index}.jpg" for index in range(60)]
    for old, new in zip(files, moved, strict=True):
        shutil.copy(old, new)
    backwards = pd.Series([str(path) for path in moved[::-1]])
    found = small_embedder(cache=folder).fit_transform(backwards)
    assert computed() == 0
    assert np.array_equal(found, first[::-1])


def test_a_changed_file_is_not_taken_for_the_old_one(files, folder, tmp_path, computed):
    paths = [shutil.copy(path, tmp_path) for path in files[:8]]
    embedder = small_embedder(cache=folder).fit(paths)
    first = embedder.transform(paths)
    computed()
    shutil.copy(files[20], paths[3])
    found = embedder.transform(paths)
    assert computed() == 1
    assert np.array_equal(np.flatnonzero((found != first).any(axis=1)), [3])
    assert_same_features(
        found[[3]], embedder.set_params(cache=None).transform([files[20]])
    )


@pytest.mark.parametrize("is_cached", [False, True])
def test_the_same_picture_twice_in_x_is_computed_once(
    is_cached, files, folder, expected, computed
):
    chosen = [0, 1, 0, 2, 2, 0, 40, 41, 40, 0]
    embedder = small_embedder(cache=folder if is_cached else None, batch_size=2)
    found = embedder.fit_transform([files[index] for index in chosen])
    assert computed() == 5
    assert_same_features(found, expected[chosen])


def test_arrays_and_images_are_found_by_content_too(files, folder, computed):
    images = [Image.open(path) for path in files[:4]]
    arrays = [np.asarray(image) for image in images]
    embedder = small_embedder(cache=folder).fit(files)
    for pictures in (images, arrays):
        first = embedder.transform(pictures)
        assert computed() == 4
        copies = [picture.copy() for picture in pictures]
        assert np.array_equal(embedder.transform(copies), first)
        assert computed() == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"layer": "conv1_relu"},
        {"pooling": "max"},
        {"input_size": 40},
        {"interpolation": "nearest"},
        {"aspect": "pad"},
        {"preprocessing": None},
        {"scaled_decoding": False},
        {"random_state": 1},
    ],
    ids=str,
)
def test_rows_of_other_settings_are_not_taken(changed, files, folder, computed):
    small_embedder(cache=folder).fit_transform(files[:4])
    computed()
    other = small_embedder(cache=folder, **changed)
    found = other.fit_transform(files[:4])
    assert computed() == 4
    without = other.set_params(cache=None).fit_transform(files[:4])
    assert_same_features(found, without)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("precision", "bfloat16"),
        pytest.param("engine", "openvino", marks=needs_openvino),
    ],
)
def test_what_some_machines_cannot_compute_has_other_settings(parameter, value, files):
    settings = small_embedder(engine="tensorflow").fit(files)._settings()
    # Not by an embedder, which need not accept it on every machine.
    other = replace(settings.backbone, **{parameter: value})
    assert replace(settings, backbone=other).cache_key != settings.cache_key


def test_networks_have_other_settings_and_those_of_one_are_as_they_always_were(files):
    same = {"weights": None, "random_state": 0, "input_size": 32, "preprocessing": None}
    texts = [
        json.loads(embedder(**same).fit(files)._settings().cache_key)
        for embedder in (ResNet50Embedder, EfficientNetLite0Embedder)
    ]
    assert texts[1] == texts[0] | {"network": "efficientnet_lite0"}
    assert "network" not in texts[0]


def test_weights_are_told_apart_by_content_and_not_by_name(
    files, folder, tmp_path, computed
):
    network = keras.applications.ResNet50(weights=None, include_top=False)
    one, two = tmp_path / "one.weights.h5", tmp_path / "two.weights.h5"
    network.save_weights(one)
    first = small_embedder(weights=one, cache=folder).fit_transform(files[:4])
    assert computed() == 4
    shutil.copy(one, two)
    found = small_embedder(weights=two, cache=folder).fit_transform(files[:4])
    assert computed() == 0
    assert np.array_equal(found, first)
    kernel = network.get_layer("conv1_conv").kernel
    kernel.assign(kernel * 2)
    network.save_weights(two)
    found = small_embedder(weights=two, cache=folder).fit_transform(files[:4])
    assert computed() == 4
    assert not np.allclose(found, first)
    one.unlink()
    two.unlink()  # 95 MB each


def test_what_does_not_change_a_row_does_not_miss_it(files, folder, computed):
    small_embedder(cache=folder).fit_transform(files)
    computed()
    small_embedder(
        cache=EmbeddingCache(folder, max_bytes=10**9),
        batch_size=7,
        n_jobs=2,
        on_error="nan",
        input_size=(np.int64(32), np.int64(32)),
        scaled_decoding=np.True_,
    ).fit_transform(files)
    assert computed() == 0


def test_rows_of_an_earlier_version_of_the_features_are_not_taken(
    files, folder, computed, monkeypatch
):
    small_embedder(cache=folder).fit_transform(files[:4])
    computed()
    monkeypatch.setattr(embedding, "FEATURES_VERSION", embedding.FEATURES_VERSION + 1)
    small_embedder(cache=folder).fit_transform(files[:4])
    assert computed() == 4


def test_the_settings_can_be_read_in_the_caches_info(files, folder):
    small_embedder(cache=folder).fit_transform(files[:4])
    ((text, number),) = EmbeddingCache(folder).info().settings.items()
    assert number == 4
    assert json.loads(text)["layer"] == "pool1_pool"

"""Dask collections of pictures: lazy rows, lazy predictions, small graphs."""

import re

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from skresnet import (
    DenseSGDClassifier,
    ResNet50Embedder,
    UnreadableImageError,
    make_image_classifier,
)
from skresnet.backbone import settings
from skresnet.cluster.collections import AT_A_TASK

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
db = pytest.importorskip("dask.bag")
dd = pytest.importorskip("dask.dataframe")

TINY = {
    **{"weights": None, "random_state": 0},
    **{"input_size": 32, "layer": "conv2_block1_out"},
}


@pytest.fixture(scope="module")
def paths(colour_folder):
    return [str(path) for path in sorted((colour_folder / "test").glob("*/*.png"))]


@pytest.fixture(scope="module")
def embedder(paths):
    return ResNet50Embedder(**TINY).fit(paths)


@pytest.fixture(scope="module")
def rows(embedder, paths):
    return embedder.transform(paths)


def as_array(paths):
    return da.from_array(np.array(paths, dtype=object), chunks=7)


COLLECTIONS = {
    "array": as_array,
    "array of one column": lambda paths: as_array(paths)[:, None],
    "bag": lambda paths: db.from_sequence(paths, npartitions=3),
    "series": lambda paths: dd.from_pandas(pd.Series(paths), npartitions=3),
    "frame": lambda paths: dd.from_pandas(pd.DataFrame({"p": paths}), npartitions=2),
    "bag of bytes": lambda paths: db.from_sequence(
        [open(path, "rb").read() for path in paths],  # noqa: PTH123, SIM115
        npartitions=3,
    ),
}


@pytest.mark.parametrize("kind", COLLECTIONS)
def test_a_collection_becomes_a_lazy_array_of_the_same_rows(
    embedder, paths, rows, kind
):
    lazy = embedder.transform(COLLECTIONS[kind](paths))
    assert isinstance(lazy, da.Array)
    assert lazy.shape[1] == rows.shape[1]
    assert lazy.dtype == np.float32
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), rows)


def test_pixels_may_be_divided_along_any_axis(embedder):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 40, 40, 3), np.uint8)
    lazy = embedder.transform(da.from_array(pixels, chunks=(4, 20, 40, 1)))
    np.testing.assert_array_equal(
        lazy.compute(scheduler="sync"), embedder.transform(pixels)
    )


def test_fit_and_transform_compute_nothing():
    def fail(block):
        raise AssertionError("this was to be left for later")

    unread = da.from_array(np.array(["no.png"] * 4, object), chunks=2).map_blocks(
        fail, dtype=object
    )
    bag = db.from_sequence(["no.png"]).map(fail)
    for X in (unread, bag):
        assert ResNet50Embedder(**TINY).fit(X).transform(X).shape[1] == 256
        assert ResNet50Embedder(**TINY).fit_transform(X).shape[1] == 256


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (da.zeros((4, 5)), "shape (4, 5)"),
        (da.from_array(np.array([["a", "b"]], object), chunks=2), "shape (1, 2)"),
        (dd.from_pandas(pd.DataFrame({"a": "x", "b": "y"}, [0])), "2 columns"),
        (db.from_sequence([1]).sum(), "Item of Dask"),
    ],
)
def test_what_holds_no_pictures_is_refused_at_once(X, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        ResNet50Embedder(**TINY).fit(X)


def test_blocks_are_neither_a_handful_nor_thousands(embedder):
    for chunks in (1, 5000):
        X = da.from_array(np.full(5000, "a.png", object), chunks=chunks)
        assert set(embedder.transform(X).chunks[0][:-1]) == {AT_A_TASK}
    useful = da.from_array(np.full(5000, "a.png", object), chunks=100)
    assert embedder.transform(useful).chunks[0] == useful.chunks[0]


@pytest.mark.parametrize("weights", [None, "distilled"])
def test_weights_travel_as_a_small_description(paths, weights):
    X = as_array(paths)
    lazy = ResNet50Embedder(weights=weights, random_state=0).fit(X).transform(X)
    sizes = [len(cloudpickle.dumps(dict(each.dask))) for each in (X, lazy)]
    assert sizes[1] - sizes[0] < 10_000


def test_rows_that_were_computed_are_found_in_the_cache(embedder, paths, tmp_path):
    cached = clone(embedder).set_params(cache=tmp_path).fit(paths)
    cached.transform(as_array(paths)).compute(scheduler="sync")
    assert cached._embed(cached._as_pictures(paths)).n_cached == len(paths)


def test_an_unreadable_picture_is_named_by_its_place_in_all_of_x(
    embedder, paths, tmp_path
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    X = da.from_array(np.array([*(paths * 20)[:300], str(broken)], object), chunks=1)
    with pytest.raises(UnreadableImageError) as caught:
        embedder.transform(X).compute(scheduler="sync")
    [failure] = caught.value.failures
    assert (failure.position, failure.path) == (300, str(broken))


def test_empty_partitions_have_no_rows(embedder, paths, rows):
    bag = db.from_sequence(paths, npartitions=3).filter(lambda path: "red" in path)
    found = embedder.transform(bag).compute(scheduler="sync")
    np.testing.assert_array_equal(found, rows[["red" in path for path in paths]])


@pytest.mark.parametrize("classifier", [None, LogisticRegression()])
def test_a_pipeline_predicts_lazily_whatever_classifier_it_has(
    colour_folder, paths, classifier
):
    model = make_image_classifier(
        classifier=classifier,
        **{f"embedder__{name}": value for name, value in TINY.items()},
        **({} if classifier else {"classifier__epochs": 2}),
    )
    model.fit(paths, [path.split("/")[-2] for path in paths])
    for X in (as_array(paths), db.from_sequence(paths, npartitions=3)):
        for method in ("predict", "predict_proba"):
            lazy = getattr(model, method)(X)
            assert isinstance(lazy, da.Array)
            expected = getattr(model, method)(paths)
            assert lazy.dtype == expected.dtype
            blocks = dask.compute(*lazy.to_delayed().reshape(-1), scheduler="sync")
            ends = np.cumsum([len(block) for block in blocks])
            parts = np.split(np.array(paths), ends[:-1])
            for block, part in zip(blocks, parts, strict=True):
                np.testing.assert_array_equal(block, getattr(model, method)(part))
            found = np.concatenate(blocks)
            if classifier and found.dtype.kind == "f":
                # scikit-learn's products round by how many rows there are.
                np.testing.assert_allclose(found, expected, rtol=1e-5)
            else:
                np.testing.assert_array_equal(found, expected)
    assert hasattr(model, "decision_function") == (classifier is not None)


def test_a_classifier_predicts_lazily_of_rows(features):
    X, y = features
    classifier = DenseSGDClassifier(epochs=2, random_state=0).fit(X, y)
    rows = da.from_array(X, chunks=(100, 7))
    lazy = classifier.predict(rows)
    assert isinstance(lazy, da.Array)
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), classifier.predict(X))
    with pytest.raises(ValueError, match="expected an array of shape"):
        classifier.predict_proba(db.from_sequence([1.0]))


def test_workers_compute_the_same_rows_with_the_threads_that_they_have(
    embedder, paths, rows
):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        cluster.get_client() as client,
    ):
        np.testing.assert_array_equal(
            embedder.transform(as_array(paths)).compute(), rows
        )
        limits = client.run(lambda: settings.most_threads())
    assert len(limits) == 2
    assert set(limits.values()) <= {None, 1}
    assert 1 in limits.values() or joblib.cpu_count() == 1
    assert settings.most_threads() is None

"""A cache that is damaged, full or out of reach costs time, never the answer."""

import random
import shutil
import warnings
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from counted import small_embedder
from surroundings import mounted

from skresnet import EmbeddingCache
from skresnet.cache import CacheFormatError, CacheWarning

FLIPS = 60


def embedder_with(folder, **params):
    # 16 kB a row, so that damage hits rows as well as the store's structure.
    return small_embedder(pooling="flatten", batch_size=8, cache=folder, **params)


@pytest.fixture(scope="module")
def pictures(files):
    return files[:24]


@pytest.fixture(scope="module")
def expected(pictures):
    return embedder_with(None).fit_transform(pictures)


def assert_right(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_flipped_bytes_never_give_a_wrong_feature(pictures, expected, folder, tmp_path):
    generator = random.Random(0)
    with EmbeddingCache(folder) as cache:
        embedder_with(cache).fit_transform(pictures)
    for flip in range(FLIPS):
        shutil.copytree(folder, tmp_path / str(flip))
        (store,) = (tmp_path / str(flip)).glob("*.sqlite")
        content = bytearray(store.read_bytes())
        content[generator.randrange(len(content))] ^= generator.randrange(1, 256)
        store.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CacheWarning)
            found = embedder_with(tmp_path / str(flip)).fit_transform(pictures)
        assert_right(found, expected)
        shutil.rmtree(tmp_path / str(flip))


def test_a_row_of_the_wrong_length_is_computed_again(
    pictures, expected, folder, computed
):
    embedder = embedder_with(EmbeddingCache(folder)).fit(pictures)
    embedder.transform(pictures)
    settings = embedder._settings().cache_key
    digest = sha256(Path(pictures[3]).read_bytes()).digest()
    (row,) = embedder.cache.get_many(settings, [digest])
    embedder.cache.put_many(settings, {digest: row[:-1].copy()})
    computed()
    with pytest.warns(CacheWarning, match="1 damaged"):
        found = embedder.transform(pictures)
    assert computed() == 1
    assert_right(found, expected)


def test_a_full_disk_is_a_warning_and_the_features_are_right(
    pictures, expected, folder, computed
):
    folder.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=400k", "tmpfs", folder):
        with pytest.warns(CacheWarning, match="Going on without") as caught:
            found = embedder_with(folder).fit_transform(pictures)
        assert str(folder) in str(caught[0].message)
        assert len(caught) == 1
        assert computed() == 24
        assert_right(found, expected)
        # What fitted on the disk before is used.
        with pytest.warns(CacheWarning, match="Going on without"):
            found = embedder_with(folder).fit_transform(pictures)
        assert 0 < computed() < 24
        assert_right(found, expected)


def test_a_read_only_cache_gives_the_rows_it_has(pictures, expected, folder, computed):
    with EmbeddingCache(folder) as cache:
        embedder_with(cache).fit_transform(pictures[:16])
    computed()
    view = folder.with_name("view")
    view.mkdir()
    with mounted("--bind", "-o", "ro", folder, view):
        assert_right(embedder_with(view).fit_transform(pictures[:16]), expected[:16])
        assert computed() == 0
        with pytest.warns(CacheWarning, match="Going on without"):
            found = embedder_with(view).fit_transform(pictures)
        assert computed() == 8
        assert_right(found, expected)


def test_a_store_that_cannot_be_opened_is_a_warning(pictures, expected, folder):
    with EmbeddingCache(folder) as cache:
        embedder_with(cache).fit_transform(pictures[:8])
    (store,) = folder.glob("*.sqlite")
    store.unlink()
    store.mkdir()
    with pytest.warns(CacheWarning, match="Going on without"):
        found = embedder_with(folder).fit_transform(pictures)
    assert_right(found, expected)


def test_a_file_in_place_of_the_folder_is_a_warning(pictures, expected, folder):
    folder.write_text("mine")
    with pytest.warns(CacheWarning, match="Going on without"):
        found = embedder_with(folder).fit_transform(pictures)
    assert_right(found, expected)
    assert folder.read_text() == "mine"


def test_the_warning_points_at_the_line_of_the_caller(pictures, folder):
    folder.write_text("mine")
    embedder = embedder_with(folder).fit(pictures)
    with pytest.warns(CacheWarning) as of_transform:
        embedder.transform(pictures)
    with pytest.warns(CacheWarning) as of_fit_transform:
        embedder.fit_transform(pictures)
    assert of_transform[0].filename == of_fit_transform[0].filename == __file__
    assert of_transform[0].lineno + 2 == of_fit_transform[0].lineno


def test_a_store_of_another_format_is_an_error(pictures, folder):
    folder.mkdir()
    (folder / "skresnet-embeddings-v99-1.sqlite").write_bytes(b"of the future")
    with pytest.raises(CacheFormatError, match="format 99"):
        embedder_with(folder).fit_transform(pictures)

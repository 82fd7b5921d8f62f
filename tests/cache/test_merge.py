"""EmbeddingCache.merge: the caches of shards become one."""

import re
from pathlib import Path

import numpy as np
import pytest

from skresnet.cache import CacheUnavailableError, EmbeddingCache


def row(value):
    return np.full(4, value, np.float32)


def cache_with(folder, settings, rows):
    with EmbeddingCache(folder) as cache:
        cache.put_many(settings, {digest: row(value) for digest, value in rows.items()})
    return folder


def test_the_rows_of_all_are_in_the_one(tmp_path):
    parts = [
        cache_with(tmp_path / "1", "a", {b"1": 1, b"2": 2}),
        cache_with(tmp_path / "2", "a", {b"2": 2, b"3": 3}),
        cache_with(tmp_path / "3", "b", {b"1": 9}),
    ]
    cache = EmbeddingCache(tmp_path / "all")
    assert cache.merge(*parts[:2], EmbeddingCache(parts[2])) == 4
    found = cache.get_many("a", [b"1", b"2", b"3"], n_features=4)
    np.testing.assert_array_equal(found, [row(1), row(2), row(3)])
    np.testing.assert_array_equal(cache.get_many("b", [b"1"]), [row(9)])
    assert cache.info().settings == {"a": 3, "b": 1}
    assert cache.merge(*parts) == 0


def test_many_rows_are_taken_in_several_steps(tmp_path):
    rows = {f"{number}".encode(): number for number in range(600)}
    other = cache_with(tmp_path / "other", "a", rows)
    assert EmbeddingCache(tmp_path / "all").merge(other) == 600


def test_rows_that_are_here_stay(tmp_path):
    other = cache_with(tmp_path / "other", "a", {b"1": 1, b"2": 2})
    cache = EmbeddingCache(cache_with(tmp_path / "all", "a", {b"1": 7}))
    assert cache.merge(other) == 1
    np.testing.assert_array_equal(cache.get_many("a", [b"1"])[0], row(7))


def test_damaged_rows_are_left_out_and_replaced(tmp_path):
    first = cache_with(tmp_path / "first", "a", {b"1": 1, b"2": 2})
    [store] = Path(first).glob("*.sqlite")
    content = store.read_bytes()
    store.write_bytes(content.replace(row(1).tobytes(), row(5).tobytes()))
    cache = EmbeddingCache(tmp_path / "all")
    assert cache.merge(first) == 1
    damaged = EmbeddingCache(first)
    assert damaged.merge(cache_with(tmp_path / "sound", "a", {b"1": 1})) == 1
    np.testing.assert_array_equal(damaged.get_many("a", [b"1"])[0], row(1))


def test_a_folder_that_is_not_there_is_named_before_any_is_merged(tmp_path):
    one = cache_with(tmp_path / "one", "a", {b"1": 1})
    cache = EmbeddingCache(tmp_path / "all")
    with pytest.raises(CacheUnavailableError, match=re.escape(str(tmp_path / "two"))):
        cache.merge(one, tmp_path / "two")
    assert not (tmp_path / "all").exists()

import copy
import sys
import threading

import numpy as np
import pytest
from cache_rows import SETTINGS, count_right, digest, row, rows

from skresnet.cache import CacheFormatError, EmbeddingCache, default_cache_folder


def test_a_stored_row_comes_back_bit_for_bit(tmp_path):
    cache = EmbeddingCache(tmp_path)
    odd = np.array([np.nan, -0.0, np.inf, 1e-45], np.float32)
    cache.put_many(SETTINGS, {digest(0): odd})
    (got,) = cache.get_many(SETTINGS, [digest(0)])
    assert got.dtype == np.float32
    assert got.tobytes() == odd.tobytes()


def test_rows_come_in_the_order_asked_for_with_none_for_the_missing(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, rows(1, 2))
    found = cache.get_many(SETTINGS, [digest(2), digest(3), digest(1), digest(2)])
    assert found[1] is None
    for number, got in zip((2, 1, 2), (found[0], found[2], found[3]), strict=True):
        np.testing.assert_array_equal(got, row(number))


def test_rows_of_other_settings_are_not_returned(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put_many("layer avg_pool", rows(1))
    assert cache.get_many("layer conv5", [digest(1)]) == [None]


def test_storing_again_replaces(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, rows(1, n_features=2048))
    cache.put_many(SETTINGS, {digest(1): row(2, 16)})
    np.testing.assert_array_equal(cache.get_many(SETTINGS, [digest(1)])[0], row(2, 16))
    assert cache.info().entries == 1


def test_rows_outlive_the_cache_object(tmp_path):
    with EmbeddingCache(tmp_path) as cache:
        cache.put_many(SETTINGS, rows(*range(10)))
    assert count_right(EmbeddingCache(tmp_path), range(10)) == 10


def test_a_closed_cache_may_be_closed_again_and_used_again(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.close()
    cache.put_many(SETTINGS, rows(1))
    cache.close()
    cache.close()
    assert count_right(cache, [1]) == 1


def test_two_caches_on_one_folder_see_each_other(tmp_path):
    one, two = EmbeddingCache(tmp_path), EmbeddingCache(tmp_path)
    one.put_many(SETTINGS, rows(1))
    two.put_many(SETTINGS, rows(2))
    assert count_right(one, [1, 2]) == count_right(two, [1, 2]) == 2


def test_threads_share_a_cache(tmp_path):
    cache = EmbeddingCache(tmp_path)
    failures = []

    def work(first):
        try:
            for number in range(first, first + 50):
                cache.put_many(SETTINGS, rows(number))
                assert count_right(cache, range(first, number + 1)) > 0
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(k * 50,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert count_right(cache, range(200)) == 200


def test_a_copy_is_a_cache_of_its_own_on_the_same_folder(tmp_path):
    cache = EmbeddingCache(tmp_path, max_bytes=10**6)
    cache.put_many(SETTINGS, rows(1))
    other = copy.deepcopy(cache)
    cache.close()
    assert other.max_bytes == 10**6
    assert count_right(other, [1]) == 1


@pytest.mark.parametrize("name", ["with space", "bücher 図書", "100%", "a?b#c"])
def test_any_folder_name_will_do(tmp_path, name):
    with EmbeddingCache(tmp_path / name) as cache:
        cache.put_many(SETTINGS, rows(1))
    assert count_right(EmbeddingCache(tmp_path / name), [1]) == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(sys.platform != "linux", reason="a variable of Linux")
def test_the_default_folder_is_where_the_system_wants_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_cache_folder() == tmp_path / ".cache" / "skresnet"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert default_cache_folder() == tmp_path / "elsewhere" / "skresnet"


def test_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    EmbeddingCache("~/rows").put_many(SETTINGS, rows(1))
    assert count_right(EmbeddingCache(tmp_path / "rows"), [1]) == 1


def test_a_relative_folder_stays_where_it_was_when_the_cache_was_made(
    tmp_path, monkeypatch
):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    cache = EmbeddingCache("rows")
    monkeypatch.chdir(tmp_path / "elsewhere")
    cache.put_many(SETTINGS, rows(1))
    assert count_right(EmbeddingCache(tmp_path / "rows"), [1]) == 1


def test_asking_an_empty_cache_makes_no_folder(tmp_path):
    cache = EmbeddingCache(tmp_path / "typo")
    assert cache.get_many(SETTINGS, [digest(1)]) == [None]
    assert cache.info().entries == 0
    assert cache.verify().sound == 0
    cache.clear()
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (np.zeros(3), "float64"),
        (np.zeros((1, 3), np.float32), r"\(1, 3\)"),
        ([1.0], "list"),
    ],
)
def test_a_row_that_would_come_back_changed_is_refused(tmp_path, bad, found):
    cache = EmbeddingCache(tmp_path)
    with pytest.raises(ValueError, match=rf"float32 .* found {found}|{found}"):
        cache.put_many(SETTINGS, {**rows(1), digest(2): bad})
    assert count_right(cache, [1]) == 0


def test_a_limit_that_holds_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="max_bytes: found 0"):
        EmbeddingCache(tmp_path, max_bytes=0)


def test_info_counts_rows_by_settings(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put_many("layer avg_pool", rows(1, 2, 3))
    cache.put_many("layer conv5", rows(1))
    info = cache.info()
    assert info.folder == tmp_path
    assert info.entries == 4
    assert info.settings == {"layer avg_pool": 3, "layer conv5": 1}
    assert info.bytes_on_disk == sum(p.stat().st_size for p in tmp_path.iterdir())
    assert "4 entries" in str(info)
    assert "3: layer avg_pool" in str(info)


def test_verify_finds_every_entry_sound(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, rows(*range(300)))
    checked = cache.verify()
    assert (checked.sound, checked.damaged, checked.structure) == (300, [], "ok")


def test_clear_removes_rows_and_gives_disk_space_back(tmp_path):
    cache = EmbeddingCache(tmp_path)
    other = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, rows(*range(500), n_features=2048))
    assert count_right(other, range(500), 2048) == 500
    before = cache.info().bytes_on_disk
    cache.clear()
    assert count_right(other, range(500)) == 0
    info = cache.info()
    assert info.entries == 0
    assert info.settings == {}
    assert info.bytes_on_disk < before / 20
    other.put_many(SETTINGS, rows(1))
    assert count_right(cache, [1]) == 1


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "data.sqlite").write_text("not a database")
    cache = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, rows(1))
    cache.clear()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "data.sqlite").read_text() == "not a database"


def test_a_store_of_another_format_is_named_and_left_alone(tmp_path):
    with EmbeddingCache(tmp_path) as cache:
        cache.put_many(SETTINGS, rows(1))
    (store,) = tmp_path.iterdir()
    future = store.rename(tmp_path / store.name.replace("-v1-", "-v7-"))
    before = future.read_bytes()
    for use in (
        lambda: cache.get_many(SETTINGS, [digest(1)]),
        lambda: cache.put_many(SETTINGS, rows(2)),
        cache.info,
        cache.verify,
        cache.clear,
    ):
        with pytest.raises(CacheFormatError, match=r"format 7, .* format 1\.") as error:
            use()
        assert str(tmp_path) in str(error.value)
    assert list(tmp_path.iterdir()) == [future]
    assert future.read_bytes() == before


def test_a_folder_that_is_deleted_meanwhile_is_begun_again(tmp_path):
    cache = EmbeddingCache(tmp_path / "rows")
    cache.put_many(SETTINGS, rows(1))
    for file in (tmp_path / "rows").iterdir():
        file.unlink()
    (tmp_path / "rows").rmdir()
    assert count_right(cache, [1]) == 0
    cache.put_many(SETTINGS, rows(2))
    assert count_right(EmbeddingCache(tmp_path / "rows"), [1, 2]) == 1

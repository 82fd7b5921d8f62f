import sqlite3
import time

from cache_rows import SETTINGS, count_right, digest, rows

from skresnet.cache import EmbeddingCache

LIMIT = 2_000_000  # about 230 rows of 2048


def fill(cache, numbers):
    for start in range(0, len(numbers), 20):
        cache.put_many(SETTINGS, rows(*numbers[start : start + 20], n_features=2048))


def there(cache, numbers):
    return [n for n in numbers if count_right(cache, [n], 2048)]


def test_the_store_stays_within_its_limit(tmp_path):
    with EmbeddingCache(tmp_path, max_bytes=LIMIT) as cache:
        fill(cache, range(1000))
        entries = cache.info().entries
    assert entries * 8192 <= LIMIT
    assert entries * 8192 > LIMIT / 2
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1.25 * LIMIT


def test_the_oldest_rows_leave_first(tmp_path):
    cache = EmbeddingCache(tmp_path, max_bytes=LIMIT)
    fill(cache, range(400))
    kept = there(cache, range(400))
    assert kept == list(range(400 - len(kept), 400))


def test_a_row_that_was_read_stays_longer_than_one_that_was_not(tmp_path):
    with EmbeddingCache(tmp_path, max_bytes=LIMIT) as cache:
        fill(cache, range(100))
        cache.get_many(SETTINGS, [digest(n) for n in range(10)])
    cache = EmbeddingCache(tmp_path, max_bytes=LIMIT)
    fill(cache, range(100, 260))
    assert there(cache, range(20)) == list(range(10))


def test_the_order_is_kept_over_many_writes(tmp_path):
    cache = EmbeddingCache(tmp_path, max_bytes=LIMIT)
    for number in range(300):
        cache.put_many(SETTINGS, rows(number, n_features=2048))
    kept = there(cache, range(300))
    assert kept == list(range(300 - len(kept), 300))
    assert len(kept) > 150


def test_the_count_of_uses_begins_anew_at_the_largest_number(tmp_path):
    with EmbeddingCache(tmp_path) as cache:
        fill(cache, range(20))
    (store,) = tmp_path.glob("*.sqlite")
    with sqlite3.connect(store) as connection:
        connection.execute(f"PRAGMA user_version = {2**31 - 1}")
    connection.close()
    fill(EmbeddingCache(tmp_path, max_bytes=LIMIT), range(20, 60))
    assert there(EmbeddingCache(tmp_path), range(60)) == list(range(60))


def test_a_clock_that_is_set_back_costs_no_row_that_was_just_stored(
    tmp_path, monkeypatch
):
    cache = EmbeddingCache(tmp_path, max_bytes=LIMIT)
    fill(cache, range(200))
    an_hour_ago = time.time() - 3600
    monkeypatch.setattr(time, "time", lambda: an_hour_ago)
    fill(cache, range(200, 300))
    assert there(cache, range(200, 300)) == list(range(200, 300))


def test_rows_that_were_stored_with_the_time_of_day_are_the_oldest(tmp_path):
    with EmbeddingCache(tmp_path) as cache:
        fill(cache, range(200))
    (store,) = tmp_path.glob("*.sqlite")
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE entries SET used = 1.7e9")
    connection.close()
    cache = EmbeddingCache(tmp_path, max_bytes=LIMIT)
    fill(cache, range(200, 300))
    assert there(cache, range(200, 300)) == list(range(200, 300))


def test_a_lower_limit_gives_disk_space_back(tmp_path):
    with EmbeddingCache(tmp_path) as cache:
        fill(cache, range(500))
    with EmbeddingCache(tmp_path, max_bytes=LIMIT) as cache:
        fill(cache, range(500, 501))
        assert there(cache, [500]) == [500]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1.25 * LIMIT


def test_without_a_limit_reading_writes_nothing(tmp_path):
    with EmbeddingCache(tmp_path) as cache:
        fill(cache, range(20))
    (store,) = tmp_path.iterdir()
    before = store.read_bytes()
    with EmbeddingCache(tmp_path) as cache:
        assert count_right(cache, range(20), 2048) == 20
    assert store.read_bytes() == before

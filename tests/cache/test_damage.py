import json
import random
import shutil
import sqlite3
import warnings

import pytest
from cache_rows import SETTINGS, count_right, digest, rows
from surroundings import run_python

from skresnet.cache import CacheWarning, EmbeddingCache

PLACES = 200
ENTRIES = 80

# For each damaged copy in the arguments: read every row, store them all again,
# read again. Says how many were right before and after; fails on a wrong row.
SURVIVOR = f"""
import json, sys, warnings
from cache_rows import *
from skresnet.cache import EmbeddingCache
warnings.simplefilter("ignore")
features = int(sys.argv[1])
everything = range({ENTRIES})
results = []
for folder in sys.argv[2:]:
    with EmbeddingCache(folder) as cache:
        before = count_right(cache, everything, features)
        cache.info(), cache.verify()
        cache.put_many(SETTINGS, rows(*everything, n_features=features))
        results.append([before, count_right(cache, everything, features)])
print(json.dumps(results))
"""


def store_file(folder):
    (store,) = folder.glob("*.sqlite")
    return store


def fill(folder, n_features):
    with EmbeddingCache(folder) as cache:
        for start in range(0, ENTRIES, 20):
            cache.put_many(
                SETTINGS, rows(*range(start, start + 20), n_features=n_features)
            )
    return store_file(folder)


def flip_one_byte(data, chance):
    place = chance.randrange(len(data))
    data[place] ^= chance.randrange(1, 256)


def blank_one_page(data, chance):
    place = chance.randrange(len(data) // 4096) * 4096
    data[place : place + 4096] = bytes(4096)


def exchange_two_pages(data, chance):
    one, two = (chance.randrange(len(data) // 4096) * 4096 for _ in range(2))
    kept = data[one : one + 4096]
    data[one : one + 4096] = data[two : two + 4096]
    data[two : two + 4096] = kept


def cut_off(data, chance):
    del data[chance.randrange(len(data)) :]


@pytest.mark.parametrize(
    ("damage", "n_features", "copies"),
    [
        (flip_one_byte, 2048, PLACES),
        (flip_one_byte, 8, PLACES),  # small rows: most bytes are the store's structure
        (blank_one_page, 64, 30),
        (exchange_two_pages, 64, 30),
        (cut_off, 64, 30),
    ],
)
def test_damage_never_gives_a_wrong_row_nor_ends_the_process(
    tmp_path, damage, n_features, copies
):
    chance = random.Random(0)
    sound = fill(tmp_path / "sound", n_features)
    found = []
    for first in range(0, copies, 50):
        folders = [tmp_path / str(n) for n in range(first, min(first + 50, copies))]
        for folder in folders:
            folder.mkdir()
            data = bytearray(sound.read_bytes())
            damage(data, chance)
            (folder / sound.name).write_bytes(data)
        found += json.loads(run_python(SURVIVOR, n_features, *folders))
        for folder in folders:
            shutil.rmtree(folder)
    assert len(found) == copies
    assert min(before for before, _ in found) < ENTRIES  # some damage did harm
    # Storing again makes good what was lost, nearly always: a byte changed in the
    # list of free pages may only show when the page is used.
    assert sum(after == ENTRIES for _, after in found) >= 0.9 * copies


def damage_rows(folder, numbers, n_features):
    """Change one byte in the middle of the rows with these numbers."""
    store = store_file(folder)
    data = bytearray(store.read_bytes())
    for values in rows(*numbers, n_features=n_features).values():
        place = data.index(values.tobytes()[-64:])
        data[place] ^= 1
    store.write_bytes(data)


def test_damaged_rows_are_reported_once_a_call_and_replaced(tmp_path):
    fill(tmp_path, 2048)
    damage_rows(tmp_path, [3, 5], 2048)
    cache = EmbeddingCache(tmp_path)
    with pytest.warns(CacheWarning) as caught:
        assert count_right(cache, range(10), 2048) == 8
    assert len(caught) == 1
    assert str(tmp_path) in str(caught[0].message)
    assert "2 damaged entries among the 10" in str(caught[0].message)
    assert caught[0].filename.endswith("cache_rows.py")

    checked = cache.verify()
    assert checked.sound == ENTRIES - 2
    assert sorted(checked.damaged) == sorted((SETTINGS, digest(n)) for n in (3, 5))

    cache.put_many(SETTINGS, rows(3, 5, n_features=2048))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count_right(cache, range(10), 2048) == 10
    assert cache.verify().damaged == []


def test_a_row_moved_under_another_digest_is_not_returned(tmp_path):
    with EmbeddingCache(tmp_path) as cache:
        cache.put_many(SETTINGS, rows(1, 2))
    with sqlite3.connect(store_file(tmp_path)) as connection:
        values = connection.execute("SELECT rowid, value FROM entries").fetchall()
        for (entry, _), (_, value) in zip(values, reversed(values), strict=True):
            connection.execute(
                "UPDATE entries SET value = ? WHERE rowid = ?", (value, entry)
            )
    connection.close()
    with pytest.warns(CacheWarning, match="2 damaged"):
        assert count_right(cache, [1, 2]) == 0


def test_a_row_of_another_length_is_not_returned_where_the_length_is_known(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, {**rows(1), **rows(2, n_features=63)})
    with pytest.warns(CacheWarning, match="1 damaged entries among the 2"):
        found = cache.get_many(SETTINGS, [digest(1), digest(2)], n_features=64)
    assert [row is None for row in found] == [False, True]
    cache.put_many(SETTINGS, rows(2))
    assert count_right(cache, [1, 2]) == 2


@pytest.mark.parametrize("use", ["get_many", "put_many", "info", "verify", "clear"])
def test_a_store_beyond_use_is_kept_and_a_fresh_one_begun(tmp_path, use):
    broken = fill(tmp_path, 8)
    nonsense = b"nonsense" * 1000
    broken.write_bytes(nonsense)
    cache = EmbeddingCache(tmp_path)
    calls = {
        "get_many": lambda: cache.get_many(SETTINGS, [digest(1)]),
        "put_many": lambda: cache.put_many(SETTINGS, rows(1)),
    }
    with pytest.warns(CacheWarning, match="damaged: .* is used instead") as caught:
        calls.get(use, getattr(cache, use))()
    assert str(broken) in str(caught[0].message)
    cache.put_many(SETTINGS, rows(1, 2))
    assert count_right(EmbeddingCache(tmp_path), [1, 2]) == 2
    if use != "clear":
        assert broken.read_bytes() == nonsense
        assert cache.info().set_aside == [broken]
        cache.clear()
    assert not broken.exists()
    assert cache.info().set_aside == []
    cache.put_many(SETTINGS, rows(1))
    assert count_right(EmbeddingCache(tmp_path), [1]) == 1


def test_nothing_is_written_to_a_store_whose_structure_was_found_damaged(tmp_path):
    with EmbeddingCache(tmp_path) as cache:
        cache.put_many(SETTINGS, rows(*range(40)))
    store = store_file(tmp_path)
    data = bytearray(store.read_bytes())
    data[39] = 7  # the header then counts free pages that there are none of
    store.write_bytes(data)
    cache = EmbeddingCache(tmp_path)
    assert count_right(cache, range(40)) == 40
    assert "should be 7" in cache.verify().structure
    with pytest.warns(CacheWarning, match="is damaged.*should be 7"):
        cache.put_many(SETTINGS, rows(50))
    assert store.read_bytes() == data
    assert count_right(cache, [50]) == 1


def test_all_stores_beyond_use_are_listed_and_cleared_but_the_one_in_use(tmp_path):
    broken = []
    for number in range(2):
        cache = EmbeddingCache(tmp_path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CacheWarning)
            cache.put_many(SETTINGS, rows(number))
        cache.close()
        broken.append(max(tmp_path.glob("*.sqlite")))
        broken[-1].write_bytes(b"nonsense" * 1000)
    with pytest.warns(CacheWarning, match="is used instead"):
        cache.put_many(SETTINGS, rows(9))
    assert cache.info().set_aside == broken
    cache.clear()
    assert not any(path.exists() for path in broken)
    cache.put_many(SETTINGS, rows(9))
    assert count_right(EmbeddingCache(tmp_path), [9]) == 1


def test_a_store_cut_short_while_it_is_open_ends_no_process(tmp_path):
    printed = run_python(
        "import os, sys, warnings; from pathlib import Path; from cache_rows import *\n"
        "from skresnet.cache import EmbeddingCache\n"
        "warnings.simplefilter('ignore')\n"
        "cache = EmbeddingCache(sys.argv[1])\n"
        "cache.put_many(SETTINGS, rows(*range(300), n_features=2048))\n"
        "cache.close()\n"
        "count_right(cache, range(10), 2048)\n"
        "(store,) = Path(sys.argv[1]).glob('*.sqlite')\n"
        "os.truncate(store, 40_000)\n"
        "count_right(cache, range(300), 2048)\n"
        "cache.put_many(SETTINGS, rows(*range(300), n_features=2048))\n"
        "print(count_right(cache, range(300), 2048))\n",
        tmp_path,
    )
    assert printed == "300"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("mmap_size", 0),  # a mapped file that is cut short kills its readers
        ("cell_size_check", 1),
        ("trusted_schema", 0),
        ("synchronous", 1),  # enough in write-ahead mode, and the default is slower
    ],
)
def test_sqlite_is_told_to_expect_damage(tmp_path, monkeypatch, setting, value):
    connections = []
    connect = sqlite3.connect

    def connect_with_other_defaults(*arguments, **options):
        connections.append(connect(*arguments, **options))
        connections[-1].execute("PRAGMA mmap_size=1000000")
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", connect_with_other_defaults)
    cache = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, rows(1))
    assert connections[-1].execute(f"PRAGMA {setting}").fetchone() == (value,)

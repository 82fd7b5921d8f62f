import os
import sqlite3

import pytest
from cache_rows import SETTINGS, count_right, digest, rows
from surroundings import mounted, run_python

from skresnet.cache import CacheUnavailableError, EmbeddingCache


@pytest.mark.parametrize("below", [(), ("deeper",)])
def test_a_file_where_the_folder_should_be_is_named(tmp_path, below):
    (tmp_path / "taken").write_text("mine")
    folder = (tmp_path / "taken").joinpath(*below)
    cache = EmbeddingCache(folder)
    with pytest.raises(CacheUnavailableError) as error:
        cache.put_many(SETTINGS, rows(1))
    assert str(folder) in str(error.value)
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_where_the_store_should_be_is_named(tmp_path):
    with EmbeddingCache(tmp_path) as cache:
        cache.put_many(SETTINGS, rows(1))
    (store,) = tmp_path.iterdir()
    store.unlink()
    store.mkdir()
    with pytest.raises(CacheUnavailableError) as error:
        cache.put_many(SETTINGS, rows(1))
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("use", ["get_many", "put_many", "info", "verify", "clear"])
def test_a_link_to_another_applications_database_changes_nothing_in_it(tmp_path, use):
    theirs = tmp_path / "accounts.db"
    with sqlite3.connect(theirs) as connection:
        connection.execute("CREATE TABLE accounts (name TEXT)")
        connection.execute("INSERT INTO accounts VALUES ('Ada')")
    connection.close()
    before = theirs.read_bytes()
    (tmp_path / "rows").mkdir()
    link = tmp_path / "rows" / "skresnet-embeddings-v1-1.sqlite"
    link.symlink_to(theirs)
    cache = EmbeddingCache(tmp_path / "rows")
    calls = {
        "get_many": lambda: cache.get_many(SETTINGS, [digest(1)]),
        "put_many": lambda: cache.put_many(SETTINGS, rows(1)),
    }
    with pytest.raises(CacheUnavailableError, match="another application") as error:
        calls.get(use, getattr(cache, use))()
    assert link.name in str(error.value)
    assert theirs.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accounts.db", "rows"]
    assert list((tmp_path / "rows").iterdir()) == [link]


def test_a_full_disk_stores_nothing_of_the_batch_and_keeps_the_rest(tmp_path):
    (tmp_path / "disk").mkdir()
    with mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", tmp_path / "disk"):
        with EmbeddingCache(tmp_path / "disk") as cache:
            cache.put_many(SETTINGS, rows(*range(20), n_features=2048))
            with pytest.raises(CacheUnavailableError, match=r"full|disk") as error:
                cache.put_many(SETTINGS, rows(*range(20, 400), n_features=2048))
            assert str(tmp_path / "disk") in str(error.value)
            assert count_right(cache, range(20), 2048) == 20
            assert count_right(cache, range(20, 400), 2048) == 0
            cache.put_many(SETTINGS, rows(20, n_features=2048))
        checked = EmbeddingCache(tmp_path / "disk").verify()
        assert (checked.sound, checked.structure) == (21, "ok")


@pytest.mark.skipif(os.name != "posix", reason="limits of file sizes are POSIX")
def test_a_limit_of_file_sizes_is_an_unavailable_cache(tmp_path):
    printed = run_python(
        "import resource, signal, sys; from cache_rows import *\n"
        "from skresnet.cache import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
        "cache = EmbeddingCache(sys.argv[1])\n"
        "cache.put_many(SETTINGS, rows(*range(20), n_features=2048))\n"
        "try:\n"
        "    cache.put_many(SETTINGS, rows(*range(20, 400), n_features=2048))\n"
        "except CacheUnavailableError as error:\n"
        "    print(sys.argv[1] in str(error))\n"
        "print(count_right(cache, range(400), 2048))\n",
        tmp_path,
    )
    assert printed.split() == ["True", "20"]


def test_a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written(tmp_path):
    with EmbeddingCache(tmp_path / "rows") as cache:
        cache.put_many(SETTINGS, rows(1))
    (tmp_path / "view").mkdir()
    with mounted("--bind", "-o", "ro", tmp_path / "rows", tmp_path / "view"):
        if os.access(tmp_path / "view", os.W_OK):
            pytest.skip("this system does not mount read-only views")
        cache = EmbeddingCache(tmp_path / "view", max_bytes=10**6)
        assert count_right(cache, [1]) == 1
        with pytest.raises(CacheUnavailableError, match="readonly") as error:
            cache.put_many(SETTINGS, rows(2))
        assert str(tmp_path / "view") in str(error.value)
        with pytest.raises(CacheUnavailableError):
            cache.clear()
        assert count_right(cache, [1, 2]) == 1
        assert cache.verify().sound == 1
        cache.close()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="the superuser may write everywhere",
)
def test_a_folder_without_permission_is_named(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    cache = EmbeddingCache(tmp_path / "locked")
    assert cache.get_many(SETTINGS, [digest(1)]) == [None]
    with pytest.raises(CacheUnavailableError, match="locked"):
        cache.put_many(SETTINGS, rows(1))

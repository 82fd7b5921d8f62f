import os
import pickle
import random
import sqlite3
import time

import pytest
from cache_rows import SETTINGS, count_right, rows
from surroundings import run_python, start_python

from skresnet.cache import (
    CacheUnavailableError,
    CacheWarning,
    EmbeddingCache,
    store,
)

KILLS = 10
SECONDS_TOGETHER = 3

# Stores batches of 8 without end and names each one that was committed.
WRITER = """
import sys
from cache_rows import SETTINGS, rows
from skresnet.cache import EmbeddingCache
folder, first = sys.argv[1], int(sys.argv[2])
cache = EmbeddingCache(folder)
while True:
    cache.put_many(SETTINGS, rows(*range(first, first + 8), n_features=512))
    print(first, flush=True)
    first += 8
"""

# Reads at random until its input ends; every row must be right, and none may vanish.
READER = """
import random, sys, threading
from cache_rows import count_right
from skresnet.cache import EmbeddingCache
cache = EmbeddingCache(sys.argv[1])
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
reads = 0
while not ended.is_set():
    start = random.randrange(0, 2000)
    count_right(cache, [*range(start, start + 32), *range(100_000, 100_032)], 512)
    reads += 1
print(reads)
"""


def named_until_killed(writer):
    writer.kill()
    # Not communicate, which forgets what readline has read ahead.
    named = [int(line) for line in writer.stdout.read().split()]
    writer.wait(timeout=30)
    return named


def test_another_process_reads_what_this_one_stores_and_back(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, rows(1))
    run_python(
        "import sys; from cache_rows import *; from skresnet.cache import *\n"
        "cache = EmbeddingCache(sys.argv[1])\n"
        "assert count_right(cache, [1]) == 1\n"
        "cache.put_many(SETTINGS, rows(2))\n",
        tmp_path,
    )
    assert count_right(cache, [1, 2]) == 2


def test_a_pickled_cache_opens_the_same_folder_in_another_process(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    cache = EmbeddingCache("rows", max_bytes=10**7)
    cache.put_many(SETTINGS, rows(1))
    (tmp_path / "pickle").write_bytes(pickle.dumps(cache))
    printed = run_python(
        "import os, pickle, sys; from pathlib import Path; from cache_rows import *\n"
        "os.chdir('/')\n"
        "cache = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
        "print(count_right(cache, [1]), cache.max_bytes)\n",
        tmp_path / "pickle",
    )
    assert printed == "1 10000000"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_parent_and_child_go_on_after_a_fork(tmp_path):
    # In a process of its own, because this one may have threads.
    printed = run_python(
        "import os, sys; from cache_rows import *; from skresnet.cache import *\n"
        "cache = EmbeddingCache(sys.argv[1])\n"
        "cache.put_many(SETTINGS, rows(0))\n"
        "child = os.fork()\n"
        "first = 1000 if child else 2000\n"
        "for n in range(first, first + 200):\n"
        "    cache.put_many(SETTINGS, rows(n))\n"
        "    assert count_right(cache, range(first, n + 1)) == n + 1 - first\n"
        "if not child:\n"
        "    sys.exit()\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "print(count_right(cache, [0, *range(1000, 1200), *range(2000, 2200)]))\n"
        "print(cache.verify().structure)\n",
        tmp_path,
    )
    assert printed.split() == ["401", "ok"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_nothing_open_is_inherited_by_a_fork(tmp_path):
    printed = run_python(
        "import os, sys; from cache_rows import *; from skresnet.cache import *\n"
        "from pathlib import Path\n"
        "cache = EmbeddingCache(sys.argv[1])\n"
        "cache.put_many(SETTINGS, rows(0))\n"
        "if not os.fork():\n"
        "    fds = Path('/proc/self/fd')\n"
        "    names = [os.readlink(fd) for fd in fds.iterdir() if fd.is_symlink()]\n"
        "    print(sum('skresnet-embeddings' in name for name in names))\n"
        "    sys.exit()\n"
        "os.wait()\n",
        tmp_path,
    )
    assert printed == "0"


def test_a_killed_writer_loses_at_most_the_batch_in_flight(tmp_path):
    committed, first = [], 0
    for kill in range(KILLS):
        writer = start_python(WRITER, tmp_path, first)
        writer.stdout.readline()
        time.sleep(random.Random(kill).random() / 5)
        batches = [first, *named_until_killed(writer)]
        committed += batches
        first = batches[-1] + 80
        numbers = [n for batch in committed for n in range(batch, batch + 8)]
        with EmbeddingCache(tmp_path) as cache:
            assert count_right(cache, numbers, 512) == len(numbers)
    checked = EmbeddingCache(tmp_path).verify()
    assert checked.damaged == []
    assert checked.structure == "ok"
    # A batch that was committed but not yet named is the most there can be besides.
    assert len(numbers) <= checked.sound <= len(numbers) + 8 * KILLS


def test_two_writers_and_two_readers_work_at_once(tmp_path):
    readers = [start_python(READER, tmp_path) for _ in range(2)]
    writers = [start_python(WRITER, tmp_path, first) for first in (0, 100_000)]
    for writer in writers:
        writer.stdout.readline()
    time.sleep(SECONDS_TOGETHER)
    stored = 2
    for writer in writers:
        assert writer.poll() is None, writer.communicate()
        stored += len(named_until_killed(writer))
    for reader in readers:
        reads, complaints = reader.communicate(timeout=30)
        assert reader.returncode == 0, complaints
        assert int(reads) > 0
    checked = EmbeddingCache(tmp_path).verify()
    assert checked.damaged == []
    assert checked.structure == "ok"
    assert 8 * stored <= checked.sound <= 8 * (stored + 2)


def test_a_reader_does_not_wait_for_a_writer(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, rows(1))
    (file,) = tmp_path.glob("*.sqlite")
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("DELETE FROM entries")
    # It would wait for half a minute, and then fail.
    assert count_right(cache, [1]) == 1
    writer.close()


def test_a_writer_that_hangs_is_waited_for_with_words(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "SILENT_SECONDS", 0.1)
    # SQLite itself waits for a second: there are two tries.
    monkeypatch.setattr(store, "PATIENT_SECONDS", 1.5)
    cache = EmbeddingCache(tmp_path)
    cache.put_many(SETTINGS, rows(1))
    (file,) = tmp_path.glob("*.sqlite")
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with (
        pytest.warns(CacheWarning, match="Another process has been writing") as caught,
        pytest.raises(CacheUnavailableError, match="locked"),
    ):
        cache.put_many(SETTINGS, rows(2))
    assert len(caught) == 1
    writer.execute("ROLLBACK")
    writer.close()
    cache.put_many(SETTINGS, rows(2))
    assert count_right(cache, [1, 2]) == 2


def test_processes_that_begin_on_an_empty_folder_at_once_share_one_store(tmp_path):
    program = (
        "import sys; from cache_rows import *; from skresnet.cache import *\n"
        "sys.stdin.readline()\n"
        "EmbeddingCache(sys.argv[1]).put_many(SETTINGS, rows(int(sys.argv[2])))\n"
    )
    children = [start_python(program, tmp_path / "new", n) for n in range(6)]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        _, complaints = child.communicate(timeout=60)
        assert child.returncode == 0, complaints
    assert count_right(EmbeddingCache(tmp_path / "new"), range(6)) == 6

import os
import threading
import time

import pytest
from surroundings import mounted, run_python, start_python

from skresnet.cache import CacheUnavailableError, EmbeddingCache, turns

HOLDER = """
import sys
from skresnet.cache import EmbeddingCache
with EmbeddingCache(sys.argv[1]).turn() as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="turns are POSIX locks")


def test_one_thread_at_a_time_has_the_turn(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(10):
            with EmbeddingCache(tmp_path).turn() as mine:
                assert mine
                inside.append(threading.get_ident())
                most.append(len(inside))
                time.sleep(0.001)
                inside.remove(threading.get_ident())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert most == [1] * 40


def test_who_waits_comes_before_who_just_had_it(tmp_path):
    cache, order = EmbeddingCache(tmp_path), []

    def work(name, turns_wanted):
        for _ in range(turns_wanted):
            with cache.turn():
                order.append(name)
                time.sleep(0.02)

    greedy = threading.Thread(target=work, args=("greedy", 40))
    modest = threading.Thread(target=work, args=("modest", 5))
    greedy.start()
    modest.start()
    greedy.join(timeout=60)
    modest.join(timeout=60)
    assert len(order) == 45
    last_modest = max(n for n, name in enumerate(order) if name == "modest")
    assert last_modest < 30


def test_another_process_waits_and_a_killed_one_gives_its_turn_back(tmp_path):
    holder = start_python(HOLDER, tmp_path)
    assert holder.stdout.readline() == "True\n"
    came = threading.Event()

    def wait():
        with EmbeddingCache(tmp_path).turn() as mine:
            if mine:
                came.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not came.wait(0.3)
    holder.kill()
    holder.wait(timeout=30)
    waiter.join(timeout=30)
    assert came.is_set()


def test_a_holder_that_hangs_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.1)
    cache = EmbeddingCache(tmp_path)
    with cache.turn() as mine, cache.turn() as another:
        assert mine
        assert not another
    with cache.turn() as mine:
        assert mine


def test_an_error_in_the_block_ends_the_turn(tmp_path):
    cache = EmbeddingCache(tmp_path)
    with pytest.raises(KeyboardInterrupt), cache.turn():
        raise KeyboardInterrupt
    with cache.turn() as mine:
        assert mine


def test_a_child_forked_during_a_turn_does_not_keep_it(tmp_path):
    printed = run_python(
        "import os, signal, sys; from skresnet.cache import *\n"
        "cache = EmbeddingCache(sys.argv[1])\n"
        "with cache.turn():\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        signal.pause()\n"
        "with cache.turn() as mine:\n"
        "    print(mine)\n"
        "os.kill(child, signal.SIGKILL)\n",
        tmp_path,
        timeout=30,
    )
    assert printed == "True"


def test_a_folder_that_is_missing_is_made(tmp_path):
    with EmbeddingCache(tmp_path / "new" / "rows").turn() as mine:
        assert mine
    assert EmbeddingCache(tmp_path / "new" / "rows").info().entries == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with (
        pytest.raises(CacheUnavailableError, match="taken"),
        EmbeddingCache(tmp_path / "taken").turn(),
    ):
        pass


def test_nobody_waits_in_a_read_only_folder(tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "view").mkdir()
    with mounted("--bind", "-o", "ro", tmp_path / "rows", tmp_path / "view"):
        if os.access(tmp_path / "view", os.W_OK):
            pytest.skip("this system does not mount read-only views")
        with EmbeddingCache(tmp_path / "view").turn() as mine:
            assert not mine

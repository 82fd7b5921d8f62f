import os
import signal
import threading
import time
import warnings

import pytest
from cache_rows import SETTINGS
from surroundings import mounted, run_python, start_python

from skresnet.cache import CacheUnavailableError, CacheWarning, EmbeddingCache, files

HOLDER = f"""
import sys
from skresnet.cache import EmbeddingCache
with EmbeddingCache(sys.argv[1]).lock({SETTINGS!r}) as locked:
    print(locked, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def impatient(monkeypatch):
    """Wait a fifth of a second instead of half a minute, and tell anew."""
    monkeypatch.setattr(files, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(files, "PATIENT_SECONDS", 0.2)
    monkeypatch.setattr(files, "_told", set())
    monkeypatch.setattr(files, "_in_vain", set())


@pytest.fixture
def holder(tmp_path):
    """Another process that has the lock of the folder."""
    process = start_python(HOLDER, tmp_path)
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate(timeout=30)


def is_locked(cache, settings=SETTINGS):
    with cache.lock(settings) as locked:
        return not locked


def test_one_thread_at_a_time_has_the_lock(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(10):
            with EmbeddingCache(tmp_path).lock(SETTINGS) as locked:
                assert locked
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

    def work(name, wanted):
        for _ in range(wanted):
            with cache.lock(SETTINGS):
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


def test_another_process_waits_and_a_killed_one_gives_the_lock_back(tmp_path, holder):
    came = threading.Event()

    def wait():
        with EmbeddingCache(tmp_path).lock(SETTINGS) as locked:
            if locked:
                came.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not came.wait(0.3)
    holder.kill()
    holder.wait(timeout=30)
    waiter.join(timeout=30)
    assert came.is_set()


def test_strangers_of_other_settings_do_not_wait(tmp_path, holder):
    assert not is_locked(EmbeddingCache(tmp_path), "other settings")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals that stop")
def test_a_stopped_process_is_waited_for_once_and_with_words(
    tmp_path, holder, impatient
):
    holder.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.warns(CacheWarning, match="Others have been computing") as caught:
        assert is_locked(EmbeddingCache(tmp_path))
    assert time.monotonic() - began >= files.PATIENT_SECONDS
    assert len(caught) == 1
    assert str(tmp_path) in str(caught[0].message)
    # Waiting again would take its whole time, and longer than the test may.
    files.SILENT_SECONDS = files.PATIENT_SECONDS = 3600.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):
            assert is_locked(EmbeddingCache(tmp_path))
    holder.kill()
    holder.wait(timeout=30)
    assert not is_locked(EmbeddingCache(tmp_path))


def test_who_gets_the_lock_late_has_been_told_and_waits_again(
    tmp_path, holder, impatient
):
    files.PATIENT_SECONDS = 60.0
    threading.Timer(0.5, holder.kill).start()
    with pytest.warns(CacheWarning, match="Others have been computing"):
        assert not is_locked(EmbeddingCache(tmp_path))
    assert files._in_vain == set()


def test_an_error_in_the_block_gives_the_lock_back(tmp_path):
    cache = EmbeddingCache(tmp_path)
    with pytest.raises(KeyboardInterrupt), cache.lock(SETTINGS):
        raise KeyboardInterrupt
    assert not is_locked(cache)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_forked_while_it_is_held_does_not_keep_the_lock(tmp_path):
    printed = run_python(
        "import os, signal, sys; from skresnet.cache import *\n"
        "cache = EmbeddingCache(sys.argv[1])\n"
        "with cache.lock('settings'):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        signal.pause()\n"
        "with cache.lock('settings') as locked:\n"
        "    print(locked)\n"
        "os.kill(child, signal.SIGKILL)\n",
        tmp_path,
    )
    assert printed == "True"


def test_a_folder_that_is_missing_is_made(tmp_path):
    assert not is_locked(EmbeddingCache(tmp_path / "new" / "rows"))
    assert EmbeddingCache(tmp_path / "new" / "rows").info().entries == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(CacheUnavailableError, match="taken"):
        is_locked(EmbeddingCache(tmp_path / "taken"))


def test_nobody_waits_in_a_read_only_folder(tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "view").mkdir()
    with mounted("--bind", "-o", "ro", tmp_path / "rows", tmp_path / "view"):
        if os.access(tmp_path / "view", os.W_OK):
            pytest.skip("this system does not mount read-only views")
        assert is_locked(EmbeddingCache(tmp_path / "view"))

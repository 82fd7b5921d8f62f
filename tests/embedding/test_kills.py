"""Processes that are killed while they embed lose a batch, never the cache."""

import random
import time

from counted import small_embedder
from surroundings import start_python

from skresnet import EmbeddingCache

KILLS = 3

WORKER = """
import sys
from counted import small_embedder
embedder = small_embedder(cache=sys.argv[1], batch_size=4, layer="conv2_block1_out")
embedder.fit_transform(sys.argv[2:])
"""


def n_entries(folder):
    with EmbeddingCache(folder) as cache:
        return cache.info().entries


def killed_at_random(generator, folder, files):
    """Start a worker and kill it some time after it has stored something."""
    before = n_entries(folder)
    worker = start_python(WORKER, folder, *files)
    while worker.poll() is None and n_entries(folder) == before:
        time.sleep(0.005)
    time.sleep(generator.random() / 20)
    was_at_work = worker.poll() is None
    worker.kill()
    worker.wait(timeout=30)
    return was_at_work


def test_killed_processes_leave_a_sound_cache_to_go_on_from(files, folder, computed):
    generator = random.Random(0)
    killed = 0
    for _ in range(KILLS):
        killed += killed_at_random(generator, folder, files)
        checked = EmbeddingCache(folder).verify()
        assert checked.damaged == []
        assert checked.structure == "ok"
        if checked.sound == len(files):
            break
    assert killed
    stored = checked.sound
    computed()
    embedder = small_embedder(cache=folder, layer="conv2_block1_out").fit(files)
    embedder.transform(files)
    assert computed() == len(files) - stored
    assert EmbeddingCache(folder).verify().sound == len(files)

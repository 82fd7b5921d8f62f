import multiprocessing
import threading
import time
import warnings
from contextlib import closing

import numpy as np
import pytest

from skresnet import ResNet50Embedder, embedding
from skresnet.embedding import map_ahead
from skresnet.reading.pictures import ArrayPicture


@pytest.fixture(autouse=True)
def _no_thread_stays_behind():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def slow_first(item):
    if item % 5 == 0:
        time.sleep(0.01)
    return item * 10


@pytest.mark.parametrize("n_jobs", [None, 1, 4, -1])
def test_results_come_in_the_order_of_the_items(n_jobs):
    results = list(map_ahead(slow_first, range(40), n_jobs=n_jobs, ahead=8))
    assert results == [item * 10 for item in range(40)]


@pytest.mark.parametrize("ahead", [1, 2, 7])
def test_no_more_items_are_pulled_than_may_be_ahead(ahead):
    pulled = 0

    def items():
        nonlocal pulled
        for item in range(50):
            pulled += 1
            yield item

    most = 0
    with closing(
        map_ahead(lambda item: item, items(), n_jobs=3, ahead=ahead)
    ) as results:
        for handed_out, _ in enumerate(results):
            most = max(most, pulled - handed_out)
    assert most == ahead


def test_memory_holds_the_pictures_of_three_batches(monkeypatch):
    load, loaded, most = ArrayPicture.load, [], []

    def counted(picture):
        loaded.append(picture)
        return load(picture)

    def slow_network(batch):
        time.sleep(0.2)
        most.append(len(loaded))
        return np.zeros((len(batch), 2048), np.float32)

    monkeypatch.setattr(ArrayPicture, "load", counted)
    monkeypatch.setattr(embedding, "load_backbone", lambda settings: slow_network)
    pictures = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), np.uint8)
    embedder = ResNet50Embedder(weights=None, input_size=32, batch_size=6)
    embedder.fit_transform(pictures)
    # The last one handed to the batch counts as one of those ahead.
    assert most[:4] == [6 * (batch + 3) - 1 for batch in range(4)]


def test_work_goes_on_while_the_consumer_is_busy():
    second_begun = threading.Event()

    def function(item):
        if item == 1:
            second_begun.set()
        return item

    with closing(map_ahead(function, range(9), n_jobs=1, ahead=2)) as results:
        next(results)
        assert second_begun.wait(10)


def test_as_many_calls_run_at_once_as_there_are_jobs():
    together = threading.Barrier(3, timeout=10)

    def function(item):
        together.wait()
        return item

    assert list(map_ahead(function, range(6), n_jobs=3, ahead=6)) == list(range(6))


def test_a_daemon_such_as_a_worker_of_dask_has_as_many_threads(monkeypatch):
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    barrier = threading.Barrier(2, timeout=30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(map_ahead(lambda item: barrier.wait(), range(4), n_jobs=2, ahead=4))


def test_nothing_happens_before_the_first_result_is_asked_for():
    calls = []
    results = map_ahead(calls.append, range(9), n_jobs=2, ahead=4)
    results.close()
    assert calls == []


def test_closing_cancels_what_has_not_begun():
    calls = []
    second_begun = threading.Event()

    def function(item):
        calls.append(item)
        if item == 1:
            second_begun.set()
            time.sleep(0.05)

    results = map_ahead(function, range(100), n_jobs=1, ahead=50)
    next(results)
    assert second_begun.wait(10)
    results.close()
    assert calls == [0, 1]


def test_an_exception_in_the_function_comes_when_its_turn_comes():
    def function(item):
        if item == 3:
            raise ValueError("three")
        return item

    handed_out = []
    with pytest.raises(ValueError, match="three"):
        handed_out.extend(map_ahead(function, range(50), n_jobs=2, ahead=5))
    results = map_ahead(function, range(50), n_jobs=2, ahead=5)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


def test_an_exception_of_the_items_is_handed_on():
    def items():
        yield 1
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        list(map_ahead(lambda item: item, items(), n_jobs=2, ahead=5))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_consumer_that_fails_leaves_no_thread(error):
    def consume():
        for result in map_ahead(slow_first, range(100), n_jobs=4, ahead=20):
            if result == 50:
                raise error

    with pytest.raises(error):
        consume()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"ahead": 0}, "ahead is 0"), ({"ahead": 1, "n_jobs": 0}, "n_jobs")],
)
def test_wrong_parameters_are_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        list(map_ahead(slow_first, range(3), **parameters))

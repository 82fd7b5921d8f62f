"""How pictures of many requests come together, without a network to slow it down."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from skresnet.reading import PictureError
from skresnet.server.batches import Batches
from skresnet.server.predictor import Wanted
from skresnet.server.refusals import BusyError


class Recorder:
    """Stands for a model: notes what it is asked, and can be held up."""

    def __init__(self):
        self.batches = []
        self.threads = set()
        self.go_on = threading.Event()
        self.go_on.set()
        self.begun = threading.Event()

    def read(self, name, content, wanted):
        if content == b"broken":
            raise PictureError("it is broken")
        if content == b"slow":
            time.sleep(0.005)
        return SimpleNamespace(name=name, content=content)

    def cost(self, picture):
        return 3 if picture.content == b"dear" else 1

    def predict(self, pictures):
        self.begun.set()
        assert self.go_on.wait(10)
        self.threads.add(threading.current_thread())
        self.batches.append([picture.name for picture in pictures])
        if any(picture.content == b"fault" for picture in pictures):
            raise RuntimeError("the network has a fault")
        return [f"answer to {picture.name}" for picture in pictures]


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def batches(recorder):
    made = Batches(recorder, batch_size=4, n_readers=2, max_waiting=10)
    made.start()
    yield made
    recorder.go_on.set()
    made.close()


def submit(batches, *names, content=b""):
    return [batches.submit(name, content, Wanted()) for name in names]


def test_what_comes_while_a_batch_is_at_work_is_the_next_batch(batches, recorder):
    recorder.go_on.clear()
    futures = submit(batches, "first")
    assert recorder.begun.wait(10)
    futures += submit(batches, *"abcdef")
    time.sleep(0.1)
    recorder.go_on.set()
    assert [f.result(10) for f in futures] == [
        f"answer to {name}" for name in ("first", *"abcdef")
    ]
    assert [len(batch) for batch in recorder.batches] == [1, 4, 2]
    assert len(recorder.threads) == 1


def test_pictures_that_come_together_are_predicted_together(batches, recorder):
    for future in submit(batches, *"abcd", content=b"slow"):
        future.result(10)
    assert len(recorder.batches) < 4


def test_what_takes_longer_takes_the_place_of_others_in_a_batch(batches, recorder):
    recorder.go_on.clear()
    futures = submit(batches, "first")
    assert recorder.begun.wait(10)
    for name in "abcd":
        # One after the other, as two are read at a time.
        content = b"" if name == "b" else b"dear"
        futures += submit(batches, name, content=content)
        time.sleep(0.02)
    recorder.go_on.set()
    for future in futures:
        future.result(10)
    assert recorder.batches == [["first"], ["a", "b"], ["c"], ["d"]]


def test_a_picture_that_cannot_be_read_is_no_matter_to_others(batches):
    (broken,) = submit(batches, "a", content=b"broken")
    (whole,) = submit(batches, "b")
    with pytest.raises(PictureError, match="it is broken"):
        broken.result(10)
    assert whole.result(10) == "answer to b"


def test_a_fault_is_told_to_its_batch_and_ends_nothing(batches, caplog):
    (faulty,) = submit(batches, "a", content=b"fault")
    with pytest.raises(RuntimeError, match="has a fault"):
        faulty.result(10)
    assert batches.is_alive
    assert submit(batches, "b")[0].result(10) == "answer to b"
    assert "could not be predicted" in caplog.text


def test_nothing_is_done_for_those_who_left(batches, recorder):
    recorder.go_on.clear()
    (first,) = submit(batches, "first")
    assert recorder.begun.wait(10)
    gone = submit(batches, *"abc")
    (stays,) = submit(batches, "d")
    assert all(future.cancel() for future in gone)
    recorder.go_on.set()
    assert (first.result(10), stays.result(10)) == ("answer to first", "answer to d")
    assert recorder.batches == [["first"], ["d"]]


def test_more_than_it_holds_are_refused_until_there_is_room(batches, recorder):
    recorder.go_on.clear()
    futures = submit(batches, *"0123456789")
    with pytest.raises(BusyError):
        submit(batches, "one too many")
    assert all(future.cancel() for future in futures[-2:])
    futures = [*futures[:-2], *submit(batches, "a", "b")]
    recorder.go_on.set()
    assert len({future.result(10) for future in futures}) == 10
    assert submit(batches, "c")[0].result(10) == "answer to c"


def test_the_batch_at_work_is_the_last_one_when_it_closes(recorder):
    batches = Batches(recorder, batch_size=1)
    batches.start()
    recorder.go_on.clear()
    (at_work,) = submit(batches, "a")
    assert recorder.begun.wait(10)
    (waiting,) = submit(batches, "b")
    closing = threading.Thread(target=batches.close)
    closing.start()
    time.sleep(0.05)
    recorder.go_on.set()
    closing.join(10)
    assert at_work.result(10) == "answer to a"
    assert waiting.cancelled()
    assert not batches.is_alive
    with pytest.raises(BusyError):
        submit(batches, "c")


def test_a_batch_has_the_rows_of_transform(colour_model, colour_folder):
    from skresnet.server.predictor import Predictor

    paths = sorted((colour_folder / "test").glob("*/*.png"))
    predictor = Predictor(colour_model)
    read = [predictor.read(p.name, p.read_bytes(), Wanted()) for p in paths]
    probabilities = [answer.probabilities for answer in predictor.predict(read)]
    expected = colour_model.predict_proba([str(path) for path in paths])
    np.testing.assert_array_equal(probabilities, expected)

"""Pictures of all requests on their way: read in threads, predicted by a single one."""

from __future__ import annotations

import logging
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic
from typing import Final

from threadpoolctl import threadpool_limits

from skresnet.reading import PictureError
from skresnet.server.predictor import Answer, Predictor, ReadPicture, Wanted
from skresnet.server.refusals import BusyError

_LOG: Final = logging.getLogger(__name__)

# For how long a batch that could begin waits for pictures that are being read. A
# client alone waits for nothing: then none is.
_PATIENCE: Final = 0.02


@dataclass
class _Waiting:
    picture: ReadPicture
    future: Future[Answer]


class Batches:
    """The one network of a server, and the pictures that wait for it.

    Parameters
    ----------
    predictor : Predictor
        The model. Only one thread predicts with it.

    batch_size : int
        Most pictures that go through the network at once.

    n_readers : int
        Threads that read pictures meanwhile.

    max_waiting : int
        Most pictures that may wait, be read or be predicted at a time.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        batch_size: int,
        n_readers: int = 2,
        max_waiting: int = 512,
    ) -> None:
        self._predictor = predictor
        self._batch_size = batch_size
        self._max_waiting = max_waiting
        self._readers = ThreadPoolExecutor(n_readers, "skresnet-reading")
        self._worker = Thread(target=self._work, name="skresnet-network", daemon=True)
        self._changed = Condition()
        self._read: deque[_Waiting] = deque()
        self._n_unread = 0
        self._pending: set[Future[Answer]] = set()
        self._is_closed = False

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()

    def close(self) -> None:
        """Let the batch at work be the last one; those that wait are cancelled."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._readers.shutdown(wait=True, cancel_futures=True)
        if self._worker.is_alive():
            self._worker.join()
        for future in tuple(self._pending):
            future.cancel()

    @property
    def is_alive(self) -> bool:
        """Whether pictures will be predicted."""
        return self._worker.is_alive()

    def submit(self, name: str, content: bytes, wanted: Wanted) -> Future[Answer]:
        """Queue a picture.

        Returns
        -------
        future : Future
            It will hold the answer, or a `PictureError`. Once it is cancelled, no more
            work is done for the picture.

        Raises
        ------
        BusyError
            If too many pictures are waiting, or the server is about to end.
        """
        future: Future[Answer] = Future()
        with self._changed:
            if self._is_closed or len(self._pending) >= self._max_waiting:
                raise BusyError
            self._pending.add(future)
            self._n_unread += 1
        future.add_done_callback(self._done)
        reading = self._readers.submit(self._prepare, name, content, wanted, future)
        reading.add_done_callback(self._counted)
        return future

    def _prepare(
        self, name: str, content: bytes, wanted: Wanted, future: Future[Answer]
    ) -> None:
        if future.cancelled():
            return
        try:
            picture = self._predictor.read(name, content, wanted)
        except Exception as error:
            if not isinstance(error, PictureError):
                _LOG.exception("A picture could not be read.")
            with suppress(Exception):  # it was cancelled meanwhile
                future.set_exception(error)
            return
        with self._changed:
            self._read.append(_Waiting(picture, future))

    def _counted(self, reading: Future[None]) -> None:
        with self._changed:
            self._n_unread -= 1
            self._changed.notify_all()

    def _done(self, future: Future[Answer]) -> None:
        with self._changed:
            self._pending.discard(future)

    def _work(self) -> None:
        # What follows the network is short, and further threads of BLAS and OpenMP
        # would go on spinning after it, on processors that the network needs.
        with threadpool_limits(1):
            self._work_until_closed()

    def _work_until_closed(self) -> None:
        while batch := self._gathered():
            batch = [w for w in batch if w.future.set_running_or_notify_cancel()]
            if not batch:
                continue
            try:
                answers = self._predictor.predict([w.picture for w in batch])
            except Exception as error:
                _LOG.exception("A batch could not be predicted.")
                for waiting in batch:
                    waiting.future.set_exception(error)
            else:
                for waiting, answer in zip(batch, answers, strict=True):
                    waiting.future.set_result(answer)

    def _gathered(self) -> list[_Waiting]:
        """Wait for pictures, and for those that will be there in a moment."""
        with self._changed:
            self._changed.wait_for(lambda: self._read or self._is_closed)
            until = monotonic() + _PATIENCE
            while (
                self._n_unread
                and len(self._read) < self._batch_size
                and not self._is_closed
                and (left := until - monotonic()) > 0
            ):
                self._changed.wait(left)
            if self._is_closed:
                return []
            batch = [self._read.popleft()]
            room = self._batch_size - self._predictor.cost(batch[0].picture)
            while (
                self._read
                and (cost := self._predictor.cost(self._read[0].picture)) <= room
            ):
                batch.append(self._read.popleft())
                room -= cost
            return batch

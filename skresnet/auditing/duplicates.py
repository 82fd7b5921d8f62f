"""Pictures that are there twice: the same bytes, or the same picture in other bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, validate_params

from skresnet.embedding import attempting, map_ahead
from skresnet.nearness import near_threshold
from skresnet.reading import Failure, Picture, Resizing, as_pictures
from skresnet.warn import warn_user

# A picture is compared as a thumbnail, whole and cut in six ways, so that it is near to
# a copy that was itself cut by up to a fifth of a side.
_SIDE: Final = 8
_SOURCE: Final = Resizing((64, 64))
_BOXES: Final = (
    (0, 0, 64, 64),
    (4, 4, 60, 60),
    (6, 6, 58, 58),
    (0, 0, 56, 56),
    (8, 0, 64, 56),
    (0, 8, 56, 64),
    (8, 8, 64, 64),
)

_NEIGHBOURS: Final = 10
_AHEAD: Final = 64
_BLOCK: Final = 2**24  # correlations at once

PARAMETERS: Final[dict[str, Any]] = {
    "false_alarm_rate": [Interval(Real, 0, 0.5, closed="neither")],
    "n_jobs": [
        Interval(Integral, None, -1, closed="right"),
        Interval(Integral, 1, None, closed="left"),
        None,
    ],
}


class Duplicate(NamedTuple):
    """Two pictures that are copies of each other.

    Attributes
    ----------
    first, second : int
        Their positions.
    kind : {"exact", "near"}
        The same bytes (or values of an array), or the same picture in other bytes: in
        another size or format, cut, mirrored, brightened.
    distance : float
        0 for the same bytes; otherwise 1 minus the correlation of the two thumbnails.
    """

    first: int
    second: int
    kind: str
    distance: float


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
def find_duplicates(
    X: Any, *, false_alarm_rate: float = 0.001, n_jobs: int | None = None
) -> list[Duplicate]:
    """Find the pictures of a data set that are copies of each other.

    Parameters
    ----------
    X : pictures
        As of `ResNet50Embedder`.

    false_alarm_rate : float, default=0.001
        About the share of pictures without a copy that may be listed with a near one,
        see the notes.

    n_jobs : int or None, default=None
        Threads that read, as joblib counts: None is 1, -1 one a processor.

    Returns
    -------
    duplicates : list of Duplicate
        Exact copies, each beside the first picture of its content, then near ones, the
        closest first. `pandas.DataFrame` makes a table of it.

    Notes
    -----
    Near copies are told by thumbnails of 8 x 8 pixels in colour, of the picture, of
    parts of it and of its mirror image, each less its mean and scaled to length 1. The
    threshold comes from the data: the logarithms of the distances from each picture to
    its nearest other one, or to the next where the nearest may be a copy, are taken to
    fall off as a normal distribution does from its lower 16 % to its lower 2 %, and
    ``false_alarm_rate`` is the tail of that. Of few pictures these two are uncertain,
    so that the threshold lies lower; fewer than 57 (33 at a rate of 0.01) tell too
    little, and only exact copies are then found. Each picture is compared with all
    others, a block at a time: the time grows with the square of their number, the
    memory, 5 kB a picture and some 300 MB, does not.

    Examples
    --------
    >>> import numpy as np
    >>> from skresnet import find_duplicates
    >>> pictures = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), np.uint8)
    >>> pictures[7] = pictures[4]
    >>> find_duplicates(pictures)
    [Duplicate(first=4, second=7, kind='exact', distance=0.0)]
    """
    return duplicates_among(
        Thumbnails.of(X, n_jobs).warn_of_failures("X"), false_alarm_rate
    )


def duplicates_among(pictures: Thumbnails, false_alarm_rate: float) -> list[Duplicate]:
    """Find exact and near copies; see `find_duplicates`."""
    first_of: dict[bytes, int] = {}
    exact = [
        Duplicate(first_of[digest], position, "exact", 0.0)
        for position, digest in zip(pictures.positions, pictures.digests, strict=True)
        if first_of.setdefault(digest, position) != position
    ]
    near: dict[tuple[int, int], float] = {}
    different = pictures.each_content_once()
    nearest = different.nearest_to(different, _NEIGHBOURS)
    for found in nearest.below(nearest.threshold(false_alarm_rate)):
        near[min(found[:2]), max(found[:2])] = found.distance
    return exact + _closest_first(near)


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
def find_leakage(
    X_train: Any,
    X_test: Any,
    *,
    false_alarm_rate: float = 0.001,
    n_jobs: int | None = None,
) -> list[Duplicate]:
    """Find the test pictures that have a copy among the training pictures.

    Parameters
    ----------
    X_train, X_test : pictures
        As of `ResNet50Embedder`.

    false_alarm_rate : float, default=0.001
        As of `find_duplicates`, learnt from the training pictures.

    n_jobs : int or None, default=None
        As of `find_duplicates`.

    Returns
    -------
    leaked : list of Duplicate
        One a test picture that has a copy, ``first`` its position in ``X_train`` and
        ``second`` that in ``X_test``: exact ones first, then the closest.
    """
    train = Thumbnails.of(X_train, n_jobs).warn_of_failures("X_train")
    train = train.each_content_once()
    test = Thumbnails.of(X_test, n_jobs).warn_of_failures("X_test")
    known = dict(zip(train.digests, train.positions, strict=True))
    exact = {
        position: Duplicate(known[digest], position, "exact", 0.0)
        for position, digest in zip(test.positions, test.digests, strict=True)
        if digest in known
    }
    threshold = train.nearest_to(train, 2).threshold(false_alarm_rate)
    near = {
        (found.reference, found.query): found.distance
        for found in test.nearest_to(train, 1).below(threshold)
        if found.query not in exact
    }
    return list(exact.values()) + _closest_first(near)


def _closest_first(near: dict[tuple[int, int], float]) -> list[Duplicate]:
    closest = sorted(near.items(), key=lambda item: (item[1], item[0]))
    return [Duplicate(*pair, "near", distance) for pair, distance in closest]


class _Found(NamedTuple):
    query: int
    reference: int
    distance: float


@dataclass(frozen=True)
class _Nearest:
    """The positions of pictures and of their nearest references, with the distances."""

    queries: NDArray[np.intp]
    references: NDArray[np.intp]
    distances: NDArray[np.float32]

    def threshold(self, false_alarm_rate: float) -> float:
        """Estimate the distance below which that share of pictures has its nearest."""
        if self.distances.shape[1] < 2:
            return -1.0
        first, second = self.distances[:, :2].T
        return near_threshold(first, second, false_alarm_rate)

    def below(self, threshold: float) -> Iterator[_Found]:
        """Find the pairs that are closer."""
        for row, column in zip(*np.nonzero(self.distances < threshold), strict=True):
            yield _Found(
                int(self.queries[row]),
                int(self.references[row, column]),
                float(self.distances[row, column]),
            )


@dataclass(frozen=True)
class Thumbnails:
    """What is compared of the pictures that can be read.

    Attributes
    ----------
    positions : list of int
    digests : list of bytes
        What stands for their content.
    values : ndarray of shape (n_readable, n_boxes, 192), float32
        Thumbnails of the picture and of parts of it, of length 1.
    failures : list of Failure
        The other pictures.
    suspicions : dict of int to str
        What looks like a mistake, by position.
    """

    positions: list[int]
    digests: list[bytes]
    values: NDArray[np.float32]
    failures: list[Failure]
    suspicions: dict[int, str]

    @classmethod
    def of(cls, X: Any, n_jobs: int | None) -> Self:
        """Read all pictures once."""
        pictures = as_pictures(X)
        read: list[_Read] = []
        failures: list[Failure] = []
        attempts = map_ahead(attempting(_read), pictures, n_jobs=n_jobs, ahead=_AHEAD)
        with closing(attempts):
            for result in attempts:
                if isinstance(result, Failure):
                    failures.append(result)
                else:
                    read.append(result)
        shape = (len(read), len(_BOXES), 3 * _SIDE**2)
        return cls(
            [item.position for item in read],
            [item.digest for item in read],
            np.array([item.values for item in read], np.float32).reshape(shape),
            failures,
            {item.position: item.suspicion for item in read if item.suspicion},
        )

    def warn_of_failures(self, name: str) -> Self:
        """Warn of the pictures that cannot be read."""
        if self.failures:
            n_pictures = len(self.positions) + len(self.failures)
            warn_user(
                f"{len(self.failures)} of {n_pictures} pictures of {name} cannot be "
                f"read and are left out; the first is {self.failures[0]}."
            )
        return self

    def each_content_once(self) -> Thumbnails:
        """Leave out all but the first picture of the same content."""
        first = sorted({d: i for i, d in reversed([*enumerate(self.digests)])}.values())
        return self.at(first)

    def at(self, rows: Sequence[int] | NDArray[np.intp]) -> Thumbnails:
        """Take some of the pictures."""
        return Thumbnails(
            [self.positions[row] for row in rows],
            [self.digests[row] for row in rows],
            self.values[rows],
            self.failures,
            self.suspicions,
        )

    def nearest_to(self, references: Thumbnails, n_neighbors: int) -> _Nearest:
        """Find the nearest references of other content, at most ``n_neighbors``."""
        n_queries, n_references = len(self.positions), len(references.positions)
        n_neighbors = min(n_neighbors, n_references)
        positions = np.empty((n_queries, n_neighbors), np.intp)
        distances = np.empty((n_queries, n_neighbors), np.float32)
        number = {digest: i for i, digest in enumerate(references.digests)}
        own = np.array([number.get(digest, -1) for digest in self.digests], np.intp)
        parts = references.values.reshape(-1, references.values.shape[-1]).T
        whole = self.values[:, 0]
        mirrored = whole.reshape(-1, _SIDE, _SIDE, 3)[:, :, ::-1].reshape(whole.shape)
        for rows in gen_batches(n_queries, max(1, _BLOCK // max(1, parts.shape[1]))):
            correlations = np.maximum(whole[rows] @ parts, mirrored[rows] @ parts)
            best = correlations.reshape(-1, n_references, len(_BOXES)).max(axis=2)
            block = np.maximum(1 - best, 0)
            known = np.flatnonzero(own[rows] >= 0)
            block[known, own[rows][known]] = np.inf
            columns = np.argpartition(block, n_neighbors - 1, axis=1)[:, :n_neighbors]
            columns.sort(axis=1)  # of equal distances, the first position comes first
            found = np.take_along_axis(block, columns, axis=1)
            order = np.argsort(found, axis=1, kind="stable")
            columns = np.take_along_axis(columns, order, axis=1)
            positions[rows] = np.asarray(references.positions)[columns]
            distances[rows] = np.take_along_axis(block, columns, axis=1)
        return _Nearest(np.array(self.positions, np.intp), positions, distances)


class _Read(NamedTuple):
    position: int
    digest: bytes
    values: NDArray[np.float32]
    suspicion: str | None


def _read(picture: Picture) -> _Read:
    content = picture.load()
    pixels = content.pixels(_SOURCE)
    suspicion = content.suspicion()
    if pixels.size and (pixels == pixels[0, 0]).all():
        suspicion = suspicion or "it is of one colour"
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    side = (_SIDE, _SIDE)
    parts = [image.resize(side, Image.Resampling.BILINEAR, box=box) for box in _BOXES]
    values = np.stack([np.asarray(part, np.float32).ravel() for part in parts])
    values -= values.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    # A picture of a single colour is like no other one.
    values /= np.maximum(lengths, 1.0)
    return _Read(picture.position, content.digest(), values, suspicion)

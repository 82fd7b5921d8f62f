"""What a model keeps of its training pictures: which they were, what they were like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import OutlierMixin, _fit_context
from sklearn.random_projection import SparseRandomProjection
from sklearn.utils import (
    check_random_state,
    check_scalar,
)
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from skresnet.base import VersionedEstimator, restored_on_failure
from skresnet.embedding import Embedded
from skresnet.nearness import near_threshold
from skresnet.validation import check_groups

# Of float16, in a row of length 1.
_ROUNDING = 2.0**-11

_ROWS_AT_ONCE = 512  # a distance to each of 2000 others takes 8 MB


@dataclass(frozen=True, eq=False)
class _Projection:
    """A sparse matrix, of which files hold the arrays."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, matrix: csr_array) -> Self:
        """Take a matrix apart."""
        return cls(matrix.data, matrix.indices, matrix.indptr, tuple(matrix.shape))

    def matrix(self) -> csr_array:
        """Put it together; one whose indices lead outside of it is an error."""
        matrix = csr_array((self.data, self.indices, self.indptr), self.shape)
        matrix.check_format(full_check=True)
        return matrix


class NoveltyDetector(OutlierMixin, VersionedEstimator):
    """Tell rows that are unlike all training rows, by their nearest neighbours.

    Rows are scaled to length 1, since the length of a row of features follows the
    sharpness of the picture more than what is on it. The score of a row is its mean
    distance to the nearest training rows. What is usual is learnt from the training
    rows themselves, each held out in turn.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many nearest training rows count.

    false_alarm_rate : float, default=0.01
        The share of rows like those of the training that `predict` takes for novel.
        With fewer training rows than 1 / ``false_alarm_rate``, as many as lie farther
        out than all of them.

    n_components : int, default=512
        Longer rows are kept as a random projection to that many numbers
        (`sklearn.random_projection.SparseRandomProjection`).

    max_samples : int, default=2000
        At most that many training rows are kept, drawn at random, in half precision.

    random_state : int, RandomState instance or None, default=0
        Decides the projection and which rows are kept.

    Attributes
    ----------
    distances_ : ndarray of shape (n_kept,), float32
        The scores of the training rows that were kept, each by the other ones, sorted.

    offset_ : float
        What `decision_function` subtracts from `score_samples`.

    n_features_in_ : int
        Number of features seen in `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from skresnet import NoveltyDetector
    >>> rows = np.random.default_rng(0).normal([9, 9, 1], 1, (200, 3))
    >>> NoveltyDetector().fit(rows).predict([[9, 9, 1], [1, -9, 9]])
    array([ 1, -1])
    """

    __module__ = "skresnet"  # by which files find it, wherever it moves

    _plain_in_files: ClassVar[dict[str, type]] = {"_projection": _Projection}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "false_alarm_rate": [Interval(Real, 0, 1, closed="neither")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        false_alarm_rate: float = 0.01,
        n_components: int = 512,
        max_samples: int = 2000,
        random_state: Any = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.false_alarm_rate = false_alarm_rate
        self.n_components = n_components
        self.max_samples = max_samples
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Keep training rows, and learn how far apart they are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, at least 2 rows.

        y : None
            Ignored.

        groups : array-like of shape (n_samples,), default=None
            What subject each row belongs to. Rows of one are held out together, so
            that a new subject is not novel merely for being none of these; at least
            two.

        Returns
        -------
        self : NoveltyDetector
            The fitted detector.
        """
        with restored_on_failure(self):
            X = validate_data(self, X, dtype=np.float32, ensure_min_samples=2)
            groups = _group_numbers(groups, X)
        random_state = check_random_state(self.random_state)
        if len(X) > self.max_samples:
            kept = random_state.choice(len(X), self.max_samples, replace=False)
            X, groups = X[kept], groups[kept]
            if len(np.unique(groups)) < 2:  # the others are too small to be drawn
                groups = np.arange(len(X))
        self._projection: _Projection | None = None
        if X.shape[1] > self.n_components:
            self._projection = _Projection.of(
                SparseRandomProjection(self.n_components, random_state=random_state)
                .fit(X[:1])
                .components_
            )
        self._rows = self._shortened(X).astype(np.float16)
        nearest = self._held_out(groups)
        means = np.ma.masked_invalid(nearest[:, : self.n_neighbors]).mean(axis=1)
        self.distances_ = np.sort(means.compressed()).astype(np.float32)
        self._nearest_two = nearest[:, :2].astype(np.float32)
        self.offset_ = -self.threshold(self.false_alarm_rate)
        return self

    def threshold(self, false_alarm_rate: float) -> float:
        """Tell the distance that rows like those of the training rarely exceed.

        Parameters
        ----------
        false_alarm_rate : float
            How rarely.

        Returns
        -------
        distance : float
            That share of ``distances_`` is larger, or none where they are too few. At
            least what rounding may make of none: rows are kept in float16.

        Raises
        ------
        ValueError
            If the rate does not lie between 0 and 1.
        """
        check_is_fitted(self)
        _check_rate(false_alarm_rate)
        n_rows = len(self.distances_)
        rank = int(np.ceil((n_rows + 1) * (1 - false_alarm_rate)))
        return max(float(self.distances_[min(rank, n_rows) - 1]), _ROUNDING)

    def score_samples(self, X: Any) -> np.ndarray:
        """Compute the mean distance to the nearest training rows, negated.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Between -2 and 0; the lower, the more unlike the training rows.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        n_neighbors = min(self.n_neighbors, len(self._rows) - 1)
        return -self._nearest(X, n_neighbors).mean(axis=1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute `score_samples` less ``offset_``: negative for novel rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Below 0 where a row is taken for novel.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """Tell which rows are like those of the training.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        is_inlier : ndarray of shape (n_samples,), int
            -1 for novel rows, 1 for the others.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def near_copies(self, X: Any, *, false_alarm_rate: float = 0.001) -> np.ndarray:
        """Tell which rows are suspiciously near to a single training row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        false_alarm_rate : float, default=0.001
            About the share of rows without a copy that are taken for one; see
            `find_duplicates`, where it is estimated in the same way.

        Returns
        -------
        are_near : ndarray of shape (n_samples,), bool
            False for all where the training rows are too few to tell.

        Raises
        ------
        ValueError
            If the rate does not lie between 0 and 1.
        """
        check_is_fitted(self)
        _check_rate(false_alarm_rate)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        distances = self._nearest(X, 1)
        usual = self._nearest_two[np.isfinite(self._nearest_two).all(axis=1)]
        if usual.shape[1] < 2:
            return np.zeros(len(X), bool)
        return distances[:, 0] < near_threshold(
            usual[:, 0], usual[:, 1], false_alarm_rate
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        # What earlier versions have kept in another way, or not at all.
        kept = state.get("_projection")
        if isinstance(kept, SparseRandomProjection):
            self._projection = _Projection.of(kept.components_)
        if "_rows" in state and "_nearest_two" not in state:
            self._nearest_two = np.empty((0, 2), np.float32)

    def _shortened(self, X: np.ndarray) -> np.ndarray:
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        X = X / np.where(lengths > 0, lengths, 1)
        if self._projection is not None:
            X = X @ self._projection.matrix().T
        return np.asarray(X, np.float32)

    def _held_out(self, groups: np.ndarray) -> np.ndarray:
        """Compute the distances from each row kept to the nearest of other groups."""
        n_nearest = min(max(self.n_neighbors, 2), len(self._rows) - 1)
        found = []
        for start, distances in self._distances(self._rows):
            own = groups[start : start + len(distances), np.newaxis]
            distances[own == groups] = np.inf
            found.append(_least(distances, n_nearest))
        return np.concatenate(found)

    def _nearest(self, X: np.ndarray, n_nearest: int) -> np.ndarray:
        """Compute the distances to the nearest rows that were kept, in their order."""
        chunks = self._distances(self._shortened(X))
        return np.concatenate([_least(found, n_nearest) for _, found in chunks])

    def _distances(self, X: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Compute the distances to all rows that were kept, some rows at a time.

        In NumPy, since scikit-learn's `NearestNeighbors` imports a third of that
        library, which a fresh process that predicts one picture would wait for.
        """
        rows = self._rows.astype(np.float64)
        squares = np.square(rows).sum(axis=1)
        for start in range(0, len(X), _ROWS_AT_ONCE):
            part = X[start : start + _ROWS_AT_ONCE].astype(np.float64)
            squared = np.square(part).sum(axis=1)[:, np.newaxis] + squares
            yield start, np.sqrt((squared - 2 * (part @ rows.T)).clip(0))


def _least(distances: np.ndarray, n: int) -> np.ndarray:
    return np.sort(np.partition(distances, n - 1, axis=1)[:, :n], axis=1)


def _check_rate(false_alarm_rate: Any) -> None:
    check_scalar(
        false_alarm_rate,
        "false_alarm_rate",
        Real,
        min_val=0,
        max_val=1,
        include_boundaries="neither",
    )


def _group_numbers(groups: Any, X: np.ndarray) -> np.ndarray:
    """Give each row the number of its group, one of its own where there are none."""
    if groups is None:
        return np.arange(len(X))
    names, numbers = np.unique(check_groups(groups, len(X)), return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            f"groups: all rows belong to {names.tolist()}; expected two groups at "
            "least, as each is compared with the others."
        )
    return numbers


class Recognised(NamedTuple):
    """What is known again of some pictures, those that cannot be read among them.

    Attributes
    ----------
    are_copies : ndarray of shape (n_pictures,), bool
        Which are, byte for byte, pictures that were seen.
    are_near : ndarray of shape (n_pictures,), bool
        Which others are suspiciously like one that was seen.
    are_related : ndarray of shape (n_pictures,), bool
        Which others are of a group that was seen.
    """

    are_copies: np.ndarray
    are_near: np.ndarray
    are_related: np.ndarray

    def at(self, rows: np.ndarray) -> Recognised:
        """Take some of the pictures."""
        return Recognised(*(values[rows] for values in self))

    @property
    def are_new(self) -> np.ndarray:
        """Which pictures are none of these."""
        return ~np.any(self, axis=0)


@dataclass(frozen=True)
class SeenPictures:
    """What is remembered of the pictures of a training, in little space.

    Attributes
    ----------
    digests : ndarray of shape (n_contents,), uint64
        What stands for their contents: the first 8 bytes of each SHA-256, sorted.

    groups : ndarray of shape (n_groups,), uint64
        The same of the names of their groups.

    detector : NoveltyDetector or None
        Fitted to their features; None if there are fewer than two pictures.
    """

    digests: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    groups: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    detector: NoveltyDetector | None = None

    @classmethod
    def of(cls, embedded: Embedded, groups: Any = None) -> Self:
        """Remember what came of a pass over the training pictures."""
        names = _names(groups, len(embedded.rows))
        finite = np.isfinite(embedded.rows).all(axis=1)
        apart = None if names is None else names[finite]
        if apart is not None and len(set(apart)) < 2:
            apart = None  # nothing to compare a group with
        detector = None
        if np.count_nonzero(finite) > 1:
            detector = NoveltyDetector().fit(embedded.rows[finite], groups=apart)
        return cls(
            np.unique(_starts(embedded.digests.values())),
            np.unique(_of_names(() if names is None else names)),
            detector,
        )

    def include(self, embedded: Embedded) -> np.ndarray:
        """Tell which pictures are among those remembered, byte for byte.

        Returns
        -------
        are_included : ndarray of shape (n_pictures,), bool
            False for those that cannot be read.
        """
        included = np.zeros(len(embedded.rows), bool)
        starts = _starts(embedded.digests.values())
        included[list(embedded.digests)] = np.isin(starts, self.digests)
        return included

    def recognise(self, embedded: Embedded, groups: Any = None) -> Recognised:
        """Tell which pictures are copies, or of a group, of those remembered."""
        copies = self.include(embedded)
        near, related = np.zeros_like(copies), np.zeros_like(copies)
        readable = embedded.readable
        if self.detector is not None and readable.size:
            near[readable] = self.detector.near_copies(embedded.rows[readable])
        names = _names(groups, len(copies))
        if names is not None:
            related = np.isin(_of_names(names), self.groups)
        return Recognised(copies, near & ~copies, related & ~copies)

    def novelty(self, embedded: Embedded, false_alarm_rate: float) -> np.ndarray:
        """Relate the distances from those remembered to what is usual among them.

        Returns
        -------
        novelty : ndarray of shape (n_pictures,)
            Above 1 where a picture is unlike all of them; NaN where it cannot be read.

        Raises
        ------
        ValueError
            If there are fewer than two, or the rate does not lie between 0 and 1.
        """
        detector = self.detector_for(false_alarm_rate)
        novelty = np.full(len(embedded.rows), np.nan)
        readable = embedded.readable
        if readable.size:
            distances = -detector.score_samples(embedded.rows[readable])
            novelty[readable] = distances / detector.threshold(false_alarm_rate)
        return novelty

    def detector_for(self, false_alarm_rate: float) -> NoveltyDetector:
        """Give what tells the novelty, before a picture is opened for it.

        Raises
        ------
        ValueError
            As `novelty`.
        """
        if self.detector is None:
            raise ValueError(
                "novelty has no pictures to compare with: fit_transform of the "
                "embedder, which fit of a Pipeline calls, must have seen at least two."
            )
        _check_rate(false_alarm_rate)
        return self.detector


def _names(groups: Any, n_pictures: int) -> np.ndarray | None:
    if groups is None:
        return None
    return check_groups(groups, n_pictures)


def _of_names(names: Iterable[str]) -> np.ndarray:
    return _starts(
        sha256(name.encode("utf-8", "surrogateescape")).digest() for name in names
    )


def _starts(digests: Iterable[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(digest[:8] for digest in digests), np.uint64)

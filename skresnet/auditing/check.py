"""check_images: what is wrong with a data set, before anyone trains on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product
from numbers import Integral
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import Interval, validate_params
from threadpoolctl import threadpool_limits

from skresnet.auditing.duplicates import (
    PARAMETERS,
    Duplicate,
    Thumbnails,
    duplicates_among,
)
from skresnet.auditing.findings import KINDS, Finding, ImageCheck
from skresnet.auditing.labels import check_cleanlab, out_of_fold
from skresnet.embedder import ResNet50Embedder
from skresnet.evaluation import label_issues
from skresnet.image_embedder import ImageEmbedder
from skresnet.novelty import NoveltyDetector
from skresnet.reading import Picture, as_pictures
from skresnet.text import picture_names
from skresnet.validation import check_labels, check_same_length, group_name

_ALIKE: Final = 0.3  # a half would be chance
_OTHERS: Final = 40
_FEWEST_OTHERS: Final = 100


@validate_params(
    {**PARAMETERS, "cv": [Interval(Integral, 2, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def check_images(
    X: Any,
    y: Any = None,
    *,
    splits: Any = None,
    groups: Any = None,
    classes: Any = None,
    embedder: Any = None,
    false_alarm_rate: float = 0.001,
    cv: int = 5,
    n_jobs: int | None = None,
) -> ImageCheck:
    """Find what is wrong with pictures and labels, before anyone trains on them.

    Parameters
    ----------
    X : pictures
        As of `ResNet50Embedder`, of all splits.

    y : array-like of shape (n_samples,), default=None
        Class labels. None looks at the pictures alone.

    splits : array-like of shape (n_samples,), default=None
        The split that each picture is in, such as ``"train"``.

    groups : array-like of shape (n_samples,), default=None
        What subject each picture shows; those of one belong into one split.

    classes : sequence of str, default=None
        All classes that there should be, so that those without a picture are told. None
        is those of y, each in every split.

    embedder : ResNet50Embedder or EfficientNetLite0Embedder, default=None
        Computes the features by which doubtful labels are found, each picture once;
        None is ``ResNet50Embedder()``.

    false_alarm_rate : float, default=0.001
        Of near copies, see `find_duplicates`.

    cv : int, default=5
        Folds of the cross-validation behind doubtful labels and alike classes, for
        which logistic regression is trained on standardised features.

    n_jobs : int or None, default=None
        Threads that read, as joblib counts: None is 1, -1 one a processor.

    Returns
    -------
    check : ImageCheck
        ``check.findings`` is the table, ``check.save("check.html")`` the page.

    Raises
    ------
    ImportError
        If there are labels and cleanlab is not installed.

    TypeError
        If classes is a single name.

    ValueError
        If y, splits and groups are not one a picture, or a parameter is out of range.

    Examples
    --------
    >>> from skresnet import check_images, load_image_folder
    >>> photos = load_image_folder("photos")  # doctest: +SKIP
    >>> check = check_images(photos.data, photos.target)  # doctest: +SKIP
    >>> check.save("check.html")  # doctest: +SKIP
    """
    pictures = as_pictures(X)
    if isinstance(classes, str):
        raise TypeError(f"classes={classes!r} is one name; pass a list of all of them.")
    names = [str(name) for name in classes] if classes is not None else []
    labels = None
    if y is not None:
        check_cleanlab("check_images")
        check_same_length(pictures, y)
        labels = check_labels(y)
    about = _About(
        pictures,
        ["" for _ in pictures] if labels is None else [str(name) for name in labels],
        _column(splits, "splits", pictures),
        _column(groups, "groups", pictures),
    )
    thumbnails = Thumbnails.of(X, n_jobs)
    findings = [
        about.finding("unreadable", failure.position, note=failure.cause)
        for failure in thumbnails.failures
    ]
    findings += [
        about.finding("suspicious", position, note=text)
        for position, text in thumbnails.suspicions.items()
    ]
    counts = about.counted({*about.labels, *names})
    findings += _empty_classes(counts)
    duplicates = duplicates_among(thumbnails, false_alarm_rate)
    findings += [about.copy(duplicate) for duplicate in duplicates]
    findings += about.torn_groups()
    accuracy = float("nan")
    if labels is not None and thumbnails.positions:
        embedder = ResNet50Embedder() if embedder is None else clone(embedder)
        digests = dict(zip(thumbnails.positions, thumbnails.digests, strict=True))
        found, accuracy = _from_labels(
            about, labels, pictures, digests, embedder.fit(X), cv
        )
        findings += found
    findings.sort(key=lambda finding: KINDS.index(finding.kind))
    return ImageCheck(findings, counts, accuracy, pictures)


class _About:
    """What is known of each picture without opening it."""

    def __init__(
        self,
        pictures: list[Picture],
        labels: list[str],
        splits: list[str],
        groups: list[str],
    ) -> None:
        self.labels, self.splits, self.groups = labels, splits, groups
        self._names = picture_names(pictures)

    def counted(self, classes: Iterable[str]) -> dict[tuple[str, str], int]:
        """Count the pictures of each class in each split."""
        found = Counter(zip(self.labels, self.splits, strict=True))
        splits = dict.fromkeys(self.splits)
        return {key: found[key] for key in product(sorted(classes), splits)}

    def finding(self, kind: str, position: int, **more: Any) -> Finding:
        return Finding(
            kind,
            position,
            self._names[position],
            self.labels[position],
            self.splits[position],
            **more,
        )

    def pair(self, kind: str, position: int, other: int, **more: Any) -> Finding:
        return self.finding(
            kind,
            position,
            other_position=other,
            other_name=self._names[other],
            other_label=self.labels[other],
            other_split=self.splits[other],
            **more,
        )

    def copy(self, duplicate: Duplicate) -> Finding:
        first, second, kind, distance = duplicate
        across = self.splits[first] != self.splits[second]
        note = "" if self.labels[first] == self.labels[second] else "other class"
        return self.pair(
            f"{kind} copy across splits" if across else f"{kind} copy",
            first,
            second,
            score=distance,
            note=note,
        )

    def torn_groups(self) -> list[Finding]:
        """Find the groups that have pictures in several splits."""
        first: dict[tuple[str, str], int] = {}
        for position, key in enumerate(zip(self.groups, self.splits, strict=True)):
            first.setdefault(key, position)
        of_group: dict[str, list[int]] = {}
        for (group, _), position in first.items():
            if group:
                of_group.setdefault(group, []).append(position)
        return [
            self.pair("torn group", positions[0], other, note=group)
            for group, positions in of_group.items()
            for other in positions[1:]
        ]


def _empty_classes(counts: dict[tuple[str, str], int]) -> list[Finding]:
    """Find the classes without a picture, in one of the splits or at all."""
    n_of: Counter[str] = Counter()
    for (label, _), count in counts.items():
        n_of[label] += count
    wholly = [Finding("empty class", label=label) for label in n_of if not n_of[label]]
    return wholly + [
        Finding("empty class", label=label, split=split)
        for (label, split), count in counts.items()
        if n_of[label] and not count
    ]


def _column(values: Any, name: str, pictures: list[Picture]) -> list[str]:
    if values is None:
        return [""] * len(pictures)
    check_same_length(pictures, values, ("X", name))
    values = np.asarray(values, object)
    if values.ndim != 1:
        raise ValueError(
            f"{name} has the shape {values.shape}; expected one for each picture."
        )
    return [group_name(value) for value in values]


def _from_labels(
    about: _About,
    labels: NDArray[Any],
    pictures: list[Picture],
    digests: dict[int, bytes],
    embedder: ImageEmbedder,
    cv: int,
) -> tuple[list[Finding], float]:
    """Find what features tell: pictures unlike the others, classes, doubtful labels."""
    embedded = embedder._embed(pictures, on_error="nan")
    readable = embedded.readable
    unlike = [
        about.finding("unlike the others", int(readable[row]), score=distance)
        for row, distance in _unlike(embedded.rows[readable])
    ]
    labels = labels[readable]
    _, sizes = np.unique(labels, return_counts=True)
    if np.count_nonzero(sizes > 1) < 2:
        return unlike, float("nan")
    # On steps as small as these, threads cost more than they gain.
    with threadpool_limits(1):
        probabilities = out_of_fold(
            make_pipeline(StandardScaler(), LogisticRegression(C=0.001, max_iter=200)),
            embedded.rows[readable],
            labels,
            _fold_groups(about.groups, readable, digests),
            cv=cv,
        )
    doubtful = [
        about.finding(
            "doubtful label",
            int(readable[issue.position]),
            other_label=str(issue.suggested),
            score=issue.probability,
        )
        for issue in label_issues(labels, probabilities)
    ]
    tried = np.isfinite(probabilities).all(axis=1)
    predicted = np.unique(labels)[probabilities[tried].argmax(axis=1)]
    accuracy = float(np.mean(predicted == labels[tried]))
    return unlike + _alike_classes(labels[tried], predicted) + doubtful, accuracy


def _unlike(rows: NDArray[np.float32]) -> list[tuple[int, float]]:
    """Find the rows that are far from all others, the farthest first.

    Their distances are so far above the middle that in a normal distribution, of the
    width that the upper 16 % of the logarithms tell, one in a thousand would be.
    """
    if len(rows) <= _FEWEST_OTHERS:
        return []
    # Of so many neighbours that a few outsiders of one kind do not hide each other.
    detector = NoveltyDetector(n_neighbors=_OTHERS).fit(rows)
    distances = -detector.score_samples(rows)
    middle, upper = np.quantile(np.log(distances), [0.5, ndtr(1)])
    limit = np.exp(middle + ndtri(0.999) * (upper - middle))
    order = np.argsort(-distances, kind="stable")
    return [
        (int(row), float(distances[row])) for row in order if distances[row] > limit
    ]


def _fold_groups(
    groups: list[str], readable: NDArray[np.intp], digests: dict[int, bytes]
) -> NDArray[Any] | None:
    """Keep subjects, and otherwise copies, on one side of each fold."""
    keys = [groups[row] or digests.get(int(row), int(row)) for row in readable]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    # Where there is but one, no fold could do without it.
    if len(numbers) in (1, len(keys)):
        return None
    return np.array([numbers[key] for key in keys])


def _alike_classes(labels: NDArray[Any], predicted: NDArray[Any]) -> list[Finding]:
    """Find pairs of classes of which many pictures are taken for the other one."""
    names = np.unique(labels)
    taken = confusion_matrix(labels, predicted, labels=names)
    sizes = taken.sum(axis=1)
    shares = (taken + taken.T) / (sizes[:, np.newaxis] + sizes)
    found = [
        Finding(
            "alike classes",
            label=str(names[i]),
            other_label=str(names[j]),
            score=float(shares[i, j]),
        )
        for i, j in zip(*np.triu_indices(len(names), k=1), strict=True)
        if shares[i, j] >= _ALIKE
    ]
    return sorted(found, key=lambda finding: -finding.score)

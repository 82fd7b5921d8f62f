"""What `check_images` found, and the page that shows it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from skresnet.displays.thumbnails import thumbnails
from skresnet.reading import Failure, Picture
from skresnet.report.charts import EmbeddedPicture
from skresnet.report.report import Report, check_report_support, page_template

_MOST_SHOWN: Final = 60
_SIDE: Final = 220

KINDS: Final = (
    "unreadable",
    "suspicious",
    "empty class",
    "exact copy across splits",
    "near copy across splits",
    "exact copy",
    "near copy",
    "torn group",
    "unlike the others",
    "alike classes",
    "doubtful label",
)
"""What may be found, in the order in which it is told."""


class Finding(NamedTuple):
    """One thing that a person should look at.

    Attributes
    ----------
    kind : str
        What it is: ``"unreadable"``, ``"suspicious"``, ``"empty class"``, ``"exact copy
        across splits"``, ``"near copy across splits"``, ``"exact copy"``, ``"near
        copy"``, ``"torn group"``, ``"unlike the others"``, ``"alike classes"`` or
        ``"doubtful label"``.
    position, name, label, split : int, str
        The picture; of alike classes label alone, of an empty class that and split.
    other_position, other_name, other_label, other_split : int, str
        The copy, another picture of the group in another split, or the class that is
        alike or more probable. Missing positions are -1, missing texts empty.
    score : float
        The distance of a copy, the mean distance of a picture unlike the others, the
        probability of a doubtful label, the share of pictures of two classes that are
        taken for the other one; otherwise NaN.
    note : str
        The cause, or the name of the group.
    """

    kind: str
    position: int = -1
    name: str = ""
    label: str = ""
    split: str = ""
    other_position: int = -1
    other_name: str = ""
    other_label: str = ""
    other_split: str = ""
    score: float = float("nan")
    note: str = ""


@dataclass(frozen=True)
class ImageCheck:
    """What `check_images` found.

    Attributes
    ----------
    findings : list of Finding
        By kind, and within a kind the gravest first; `pandas.DataFrame` makes a table
        of it.
    counts : dict of (str, str) to int
        The pictures of each class and split, 0 where there are none.
    accuracy : float
        The share of pictures that a classifier predicted right that was trained on the
        others; NaN where labels cannot be judged, which takes two classes of two
        pictures each.
    pictures : list of Picture
        All pictures.
    """

    findings: list[Finding]
    counts: dict[tuple[str, str], int]
    accuracy: float
    pictures: list[Picture]

    def of_kind(self, kind: str) -> list[Finding]:
        """Select the findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one page of HTML, with the pictures that it speaks of.

        Parameters
        ----------
        path : str or path-like
            Where to; a file that is there is replaced.

        Returns
        -------
        path : pathlib.Path
            The file.

        Raises
        ------
        ImportError
            If Jinja2 or matplotlib is not installed.
        """
        return _page(self).save(path)


class _Shown(NamedTuple):
    """A finding with its pictures, or without where they cannot be read."""

    finding: Finding
    picture: EmbeddedPicture | None
    other: EmbeddedPicture | None


def _page(check: ImageCheck) -> Report:
    check_report_support("The page of check_images")
    found = {kind: check.of_kind(kind) for kind in KINDS}
    labels, splits = (
        list(dict.fromkeys(key[index] for key in check.counts)) for index in (0, 1)
    )
    table = [
        (label, [check.counts.get((label, split), 0) for split in splits])
        for label in labels
    ]
    page = page_template("check.html").render(
        n_pictures=len(check.pictures),
        table=table,
        splits=splits,
        accuracy=None if np.isnan(check.accuracy) else check.accuracy,
        counts={kind: len(findings) for kind, findings in found.items() if findings},
        sections=[
            (kind, len(findings), _shown(check, findings[:_MOST_SHOWN]))
            for kind, findings in found.items()
            if findings
        ],
    )
    return Report(page.strip() + "\n")


def _shown(check: ImageCheck, findings: list[Finding]) -> list[_Shown]:
    positions = sorted(
        {
            position
            for finding in findings
            for position in (finding.position, finding.other_position)
            if position >= 0 and finding.kind != "unreadable"
        }
    )
    made: Any = thumbnails([check.pictures[row] for row in positions], _SIDE)
    pictures = {
        row: EmbeddedPicture.of(image)
        for row, image in zip(positions, made, strict=True)
        if not isinstance(image, Failure)
    }
    return [
        _Shown(
            finding,
            pictures.get(finding.position),
            pictures.get(finding.other_position),
        )
        for finding in findings
    ]

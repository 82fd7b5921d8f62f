"""The page that shows what `check_images` found."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from skresnet import __version__
from skresnet.displays.thumbnails import thumbnails
from skresnet.reading import Failure
from skresnet.report.charts import EmbeddedPicture
from skresnet.report.report import Report, check_report_support, page_template

if TYPE_CHECKING:
    from skresnet.auditing import Finding, ImageCheck

_MOST_SHOWN: Final = 60
_SIDE: Final = 220


class _Shown(NamedTuple):
    """A finding with its pictures, or without where they cannot be read."""

    finding: Finding
    picture: EmbeddedPicture | None
    other: EmbeddedPicture | None


def check_page(check: ImageCheck) -> Report:
    """Make the page."""
    from skresnet.auditing.check import KINDS

    check_report_support("The page of check_images")
    found = {kind: check.of_kind(kind) for kind in KINDS}
    labels, splits = (sorted({key[index] for key in check.counts}) for index in (0, 1))
    table = [
        (label, [check.counts.get((label, split), 0) for split in splits])
        for label in labels
    ]
    page = page_template("check.html").render(
        made={"date": date.today().isoformat(), "version": __version__},
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

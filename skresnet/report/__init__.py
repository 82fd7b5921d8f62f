"""One HTML page that says how good a classifier is, and at what it fails.

A module a section of the page: what it shows is computed and written there.
"""

from skresnet.report.report import Report, make_report

__all__ = ["Report", "make_report"]

"""One HTML page that says how good a classifier is, and at what it fails.

What the page says and how it is laid out stands in ``template.html``, how it looks in
``style.css``; the modules compute the numbers and draw the charts that fill it.
"""

from skresnet.report.report import Report, check_report_support, make_report, report_on

__all__ = ["Report", "check_report_support", "make_report", "report_on"]

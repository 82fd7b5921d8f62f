"""What to know of pictures and labels before a model is trained on them."""

from skresnet.auditing.check import check_images
from skresnet.auditing.duplicates import Duplicate, find_duplicates, find_leakage
from skresnet.auditing.findings import Finding, ImageCheck
from skresnet.auditing.labels import find_label_issues
from skresnet.evaluation import LabelIssue

__all__ = [
    "Duplicate",
    "Finding",
    "ImageCheck",
    "LabelIssue",
    "check_images",
    "find_duplicates",
    "find_label_issues",
    "find_leakage",
]

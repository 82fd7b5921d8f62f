"""What to know of pictures and labels before a model is trained on them."""

from skresnet.auditing.check import Finding, ImageCheck, check_images
from skresnet.auditing.duplicates import Duplicate, find_duplicates, find_leakage
from skresnet.auditing.labels import LabelIssue, find_label_issues

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

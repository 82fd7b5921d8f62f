"""What to know of pictures and labels before a model is trained on them."""

from skresnet.auditing.duplicates import Duplicate, find_duplicates, find_leakage

__all__ = ["Duplicate", "find_duplicates", "find_leakage"]

"""Count what scikit-learn's checks say of each configuration in the tests.

Usage: python tools/check_estimators.py [--only=NAME_OF_A_CHECK]
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import SkipTest

# scipy reads it when it is imported; without it a check would be skipped.
os.environ["SCIPY_ARRAY_API"] = "1"

REPOSITORY = Path(__file__).parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "sklearn_api")]

from checked_estimators import CLASSIFIERS, EMBEDDERS, excused  # noqa: E402
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402


def main() -> None:
    """Run the checks, print the counts and end with 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="name of the one check to run")
    only = parser.parse_args().only
    n_failed = sum(report(estimator, only) for estimator in CLASSIFIERS + EMBEDDERS)
    sys.exit(min(n_failed, 1))


def report(estimator: Any, only: str | None) -> int:
    """Print the counts of one configuration; return how many checks failed."""
    counts: Counter[str] = Counter()
    lines = []
    for instance, check in estimator_checks_generator(estimator):
        name = name_of(check)
        if only not in (None, name):
            continue
        status, error = outcome(instance, check)
        if status == "failed" and name in excused(estimator):
            status, error = "excused", excused(estimator)[name]
        counts[status] += 1
        if status != "passed":
            lines.append(f"  {status}: {name}: {error}")
        elif name in excused(estimator):
            lines.append(f"  passed, though excused: {name}")
    print(" ".join(str(estimator).split()))
    print(
        f"  {counts.total()} run, "
        + ", ".join(
            f"{counts[status]} {status}"
            for status in ("passed", "excused", "skipped", "failed")
        )
    )
    print(*lines, sep="\n", end="\n" if lines else "", flush=True)
    return counts["failed"]


def outcome(estimator: Any, check: Callable[[Any], None]) -> tuple[str, str]:
    """Run one check: its status, and what it said."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(estimator)
    except SkipTest as reason:
        return "skipped", str(reason)
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"
    return "passed", ""


def name_of(check: Any) -> str:
    """Give the name of a check under the arguments it is wrapped in."""
    while isinstance(check, partial):
        check = check.func
    return str(check.__name__)


if __name__ == "__main__":
    main()

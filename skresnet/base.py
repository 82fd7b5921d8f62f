"""What both estimators are: aware of their versions, and whole after a failed fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import (
    PackageNotFoundError,
    metadata,
    packages_distributions,
    version,
)
from pathlib import PurePath
from typing import Any, ClassVar

import sklearn
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from skresnet.warn import warn_user

# The attribute that keeps them, also after loading.
MADE_WITH = "_made_with"


@cache
def documentation_address() -> str:
    """Give the address of the site, as ``project.urls`` in pyproject.toml has it.

    Returns
    -------
    address : str
        Without a slash at its end; empty where there is none.
    """
    try:
        urls = metadata("skresnet").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    by_label = dict(url.split(", ", 1) for url in urls)
    return by_label.get("Documentation", "").rstrip("/")


class DocumentedEstimator:
    """Links scikit-learn's HTML of an estimator to its page of our reference."""

    @property
    def _doc_link_module(self) -> str:
        return "skresnet" if documentation_address() else ""

    @property
    def _doc_link_template(self) -> str:
        return f"{documentation_address()}/api/skresnet.{{estimator_name}}.html"


class VersionedEstimator(DocumentedEstimator, BaseEstimator):
    """A `BaseEstimator` that warns when other versions read it than have written it.

    scikit-learn does so for its own estimators only. TensorFlow is not looked at: what
    a pickle holds are arrays, from which Keras builds its models anew.
    """

    # Fitted attributes whose types have no name that users know. Files hold them as
    # dicts of plain values, so that no file depends on where such a type lies.
    _plain_in_files: ClassVar[dict[str, type]] = {}

    def __getstate__(self) -> dict[str, Any]:
        state = {**super().__getstate__(), MADE_WITH: _installed()}
        for name, value in state.items():
            if isinstance(value, PurePath):  # Windows reads no PosixPath
                state[name] = str(value)
            elif isinstance(value, self._plain_in_files.get(name, ())):
                state[name] = as_plain(value)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        _warn_of_others(state.get(MADE_WITH, {}), type(self).__name__)
        state = dict(state)
        for name, kind in self._plain_in_files.items():
            if isinstance(state.get(name), dict):
                state[name] = from_plain(kind, state[name])
        super().__setstate__(state)


def as_plain(value: Any) -> dict[str, Any]:
    """Turn an object of a type of ours into a dict, and what it is made of too."""
    if hasattr(value, "as_plain"):
        return dict(value.as_plain())
    return {
        field.name: as_plain(part) if is_dataclass(part) else part
        for field in fields(value)
        for part in [getattr(value, field.name)]
    }


def from_plain(kind: Any, plain: dict[str, Any]) -> Any:
    """Undo `as_plain`."""
    if hasattr(kind, "from_plain"):
        return kind.from_plain(plain)
    return kind(**plain)


def installed_version(name: str) -> str:
    """Tell the version of a package, or ``"not installed"``.

    A distribution of another name that brings the module, as ``tensorflow-cpu``
    brings ``tensorflow``, will do.
    """
    try:
        return version(name)
    except PackageNotFoundError:
        for distribution in packages_distributions().get(name, []):
            return version(distribution)
    return "not installed"


def _installed() -> dict[str, str]:
    return {
        "scikit-learn": sklearn.__version__,
        "keras": installed_version("keras"),  # to import it would import TensorFlow
        "skresnet": installed_version("skresnet"),
    }


def _warn_of_others(made_with: dict[str, str], estimator: str) -> None:
    for package, now in _installed().items():
        then = made_with.get(package, "unknown")
        if then == now:
            continue
        if package == "scikit-learn":
            warn_user(
                InconsistentVersionWarning(
                    estimator_name=estimator,
                    current_sklearn_version=now,
                    original_sklearn_version=then,
                )
            )
        else:
            warn_user(
                f"This {estimator} was saved with {package} {then} and is read with "
                f"{package} {now}, which may give other results. Install the former, "
                "or fit anew and save that."
            )


@contextmanager
def restored_on_failure(estimator: Any) -> Iterator[None]:
    """Put an estimator's attributes back if the block raises, Ctrl-C included.

    Without this, scikit-learn's own ``validate_data`` would leave the new
    ``n_features_in_`` beside the old fit's results.
    """
    before = dict(estimator.__dict__)
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise

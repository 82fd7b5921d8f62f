"""What a model consists of: found wherever it is, and checked where C would trust it.

Compiled code of scikit-learn follows numbers of a fitted model without looking where
they lead: the nodes of trees, the stages of boosting, the counts of support vectors. A
file whose types are all known can still hold numbers that lead out of their arrays, or
round in a circle.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import numpy as np

T = TypeVar("T")


def objects_within(model: Any, kind: type[T]) -> Iterator[T]:
    """Find the objects of a type that a model is, holds, or that those hold."""
    waiting, seen = [model], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, kind):
            yield value
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple | set | frozenset):
            waiting += value
        elif isinstance(value, np.ndarray):
            waiting += value.ravel().tolist() if value.dtype == object else []
        elif not isinstance(value, type):
            waiting += getattr(value, "__dict__", {}).values()


def check_numbers(model: Any) -> None:
    """Refuse a model whose numbers would lead compiled code out of its arrays.

    Raises
    ------
    ValueError
        If a tree leads nowhere, or parts that belong together are not of one size.
    """
    for of_module, (names, check) in _CHECKS.items():
        # What was not imported is not in the model.
        if of_module in sys.modules:
            for name in names:
                kind = getattr(sys.modules[of_module], name)
                for found in objects_within(model, kind):
                    check(found)


def _demand(holds: Any, message: str) -> None:
    if not holds:
        raise ValueError(message)


def _check_tree(tree: Any) -> None:
    left, right = tree.children_left, tree.children_right
    inner = np.flatnonzero(left != -1)
    _check_nodes(inner, left, right, tree.feature, tree.n_features, tree.node_count)
    _demand((right[left == -1] == -1).all(), "A decision tree has half a leaf.")


def _check_decision_tree(model: Any) -> None:
    """Make sure that a tree takes rows as long as those that are checked for it."""
    if hasattr(model, "tree_"):
        fits = model.tree_.n_features == model.n_features_in_
        _demand(fits, "A decision tree does not fit its features.")


def _check_forest(ensemble: Any) -> None:
    """Make sure that all trees take rows as long as those the ensemble has checked."""
    if hasattr(ensemble, "estimators_"):
        from sklearn.tree import BaseDecisionTree

        members = list(np.ravel(np.asarray(ensemble.estimators_, object)))
        fit = members and all(
            isinstance(member, BaseDecisionTree)
            and member.n_features_in_ == ensemble.n_features_in_
            for member in members
        )
        _demand(fit, "The trees of an ensemble do not fit its features.")


def _check_gradient_boosting(ensemble: Any) -> None:
    """Make sure that each tree of a stage has a column to be added to."""
    if hasattr(ensemble, "estimators_"):
        _check_forest(ensemble)
        stages = ensemble.estimators_
        row = np.zeros((1, ensemble.n_features_in_), np.float32)
        fits = stages.ndim == 2 and ensemble._raw_predict_init(row).shape == (
            1,
            stages.shape[1],
        )
        _demand(fits, "The stages of gradient boosting do not fit its classes.")


def _check_support_vectors(machine: Any) -> None:
    """Make sure that a support vector machine counts what it has, as libsvm does."""
    if not hasattr(machine, "support_"):
        return
    message = "The parts of a support vector machine do not fit together."
    # Pictures have rows that are dense.
    _demand(not machine._sparse, message)
    counts, vectors = machine._n_support, machine.support_vectors_
    n_classes, n_vectors = len(counts), len(machine.support_)
    n_pairs = n_classes * (n_classes - 1) // 2
    is_classifier = hasattr(machine, "classes_")
    _demand(n_classes == (len(machine.classes_) if is_classifier else 2), message)
    if is_classifier:
        _demand((counts >= 0).all() and counts.sum() == n_vectors, message)
    _demand(machine._dual_coef_.shape == (n_classes - 1, n_vectors), message)
    _demand(machine._intercept_.shape == (n_pairs,), message)
    sizes = {machine._probA.size, machine._probB.size}
    _demand(sizes in ({0}, {n_pairs if is_classifier else 1}), message)
    if machine.kernel == "precomputed":
        known = machine.support_
        _demand(((known >= 0) & (known < machine.n_features_in_)).all(), message)
    else:
        _demand(vectors.shape == (n_vectors, machine.n_features_in_), message)


def _check_neighbors(model: Any) -> None:
    """Make sure that known rows are as long as new ones, and that each has a label."""
    rows = getattr(model, "_fit_X", None)
    if rows is not None:
        # Classifiers alone take their number of neighbours as it is.
        n_nearest = (hasattr(model, "classes_") and model.n_neighbors) or 0
        fit = (
            rows.shape[1] == model.n_features_in_
            and len(rows) == model.n_samples_fit_ >= n_nearest
            and len(getattr(model, "_y", rows)) == len(rows)
        )
        _demand(fit, "The rows of a nearest-neighbour model do not fit together.")


def _check_centers(model: Any) -> None:
    if hasattr(model, "cluster_centers_"):
        fit = model.cluster_centers_.shape[1] == model.n_features_in_
        _demand(fit, "The centres of clusters do not fit their features.")


def _check_histogram_boosting(boosting: Any) -> None:
    stages = getattr(boosting, "_predictors", [])
    for predictor in (one for stage in stages for one in stage):
        nodes = predictor.nodes
        inner = np.flatnonzero(nodes["is_leaf"] == 0)
        left, right, feature = (
            nodes[name].astype(np.int64) for name in ("left", "right", "feature_idx")
        )
        _check_nodes(inner, left, right, feature, boosting.n_features_in_, len(nodes))
        # Models with categories hold functions, and are not loaded.
        if nodes["is_categorical"].any():
            raise ValueError("A boosted tree asks for categories that there are not.")


def _check_nodes(
    inner: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    feature: np.ndarray,
    n_features: int,
    n_nodes: int,
) -> None:
    """Make sure that each inner node leads on, to two of the nodes, by a feature.

    Nodes are numbered in the order in which they were made, each after its parent, so
    that no way can lead back.
    """
    for child in (left[inner], right[inner]):
        if not ((child > inner) & (child < n_nodes)).all():
            raise ValueError("A decision tree leads out of its nodes.")
    if not n_nodes or not ((feature[inner] >= 0) & (feature[inner] < n_features)).all():
        raise ValueError("A decision tree asks for features that there are not.")


# The types that hold such numbers, by the modules that have them when they are in use.
_CHECKS: Final[dict[str, tuple[tuple[str, ...], Callable[[Any], None]]]] = {
    "sklearn.tree._tree": (("Tree",), _check_tree),
    "sklearn.tree._classes": (("BaseDecisionTree",), _check_decision_tree),
    "sklearn.ensemble._forest": (("BaseForest",), _check_forest),
    "sklearn.svm._base": (("BaseLibSVM",), _check_support_vectors),
    "sklearn.neighbors._base": (("NeighborsBase",), _check_neighbors),
    "sklearn.cluster._kmeans": (("_BaseKMeans",), _check_centers),
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": (
        ("BaseHistGradientBoosting",),
        _check_histogram_boosting,
    ),
    # Last, since it computes with what it starts from, which may be any of these.
    "sklearn.ensemble._gb": (("BaseGradientBoosting",), _check_gradient_boosting),
}

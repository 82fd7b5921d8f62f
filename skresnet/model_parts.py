"""What a model consists of: found wherever it is, and checked where C would trust it.

scikit-learn's trees are arrays of nodes that compiled code follows without looking
whether they lead anywhere. A file whose types are all known can still hold a tree that
leads out of its arrays, or round in a circle.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, TypeVar

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


def check_trees(model: Any) -> None:
    """Refuse trees that lead out of their arrays, or nowhere.

    Raises
    ------
    ValueError
        If there is one.
    """
    # What was not imported is not in the model.
    if "sklearn.tree._classes" in sys.modules:
        from sklearn.ensemble._forest import BaseForest
        from sklearn.ensemble._gb import BaseGradientBoosting
        from sklearn.tree import BaseDecisionTree

        for tree in objects_within(model, BaseDecisionTree):
            if hasattr(tree, "tree_"):
                _check_tree(tree.tree_, tree.n_features_in_)
        for kind in (BaseForest, BaseGradientBoosting):
            for ensemble in objects_within(model, kind):
                _check_ensemble(ensemble)
    if "sklearn.ensemble._hist_gradient_boosting.predictor" in sys.modules:
        from sklearn.ensemble import (
            HistGradientBoostingClassifier,
            HistGradientBoostingRegressor,
        )

        for kind in (HistGradientBoostingClassifier, HistGradientBoostingRegressor):
            for boosting in objects_within(model, kind):
                _check_boosting(boosting)


def _check_tree(tree: Any, n_features: int) -> None:
    left, right = tree.children_left, tree.children_right
    inner = np.flatnonzero(left != -1)
    _check_nodes(inner, left, right, tree.feature, tree.n_features, tree.node_count)
    if tree.n_features != n_features or (right[left == -1] != -1).any():
        raise ValueError("A decision tree does not fit its features.")


def _check_ensemble(ensemble: Any) -> None:
    """Make sure that all trees take rows as long as those the ensemble has checked."""
    lengths = {
        getattr(member, "n_features_in_", None)
        for member in np.ravel(np.asarray(ensemble.estimators_, object))
    }
    if lengths != {ensemble.n_features_in_}:
        raise ValueError("The trees of an ensemble do not fit its features.")


def _check_boosting(boosting: Any) -> None:
    for predictor in (one for stage in boosting._predictors for one in stage):
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

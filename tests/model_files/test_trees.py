"""Files with trees that lead nowhere, which scikit-learn would follow out of memory."""

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skresnet import load_model, save_model
from skresnet.model_parts import check_trees

pytest.importorskip("skops")


def boosting():
    return HistGradientBoostingClassifier(max_iter=2)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(),
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=3),
        ExtraTreesClassifier(3),
        GradientBoostingClassifier(n_estimators=2),
        make_pipeline(StandardScaler(), RandomForestClassifier(3)),
        boosting(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_trees_that_were_fitted_are_read(model, features, tmp_path):
    X, y = features
    save_model(model.fit(X, y), tmp_path / "m.skops")
    loaded = load_model(tmp_path / "m.skops")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def leads_out(forest):
    forest.estimators_[1].tree_.children_left[0] = 10**9


def leads_back(forest):
    forest.estimators_[1].tree_.children_right[0] = 0


def asks_beyond(forest):
    forest.estimators_[1].tree_.feature[0] = 10**6


def half_a_leaf(forest):
    tree = forest.estimators_[1].tree_
    tree.children_right[np.flatnonzero(tree.children_left == -1)[0]] = 5


def takes_shorter_rows(forest):
    forest.n_features_in_ = 3


def takes_longer_rows(forest):
    forest.estimators_[1].n_features_in_ = 4


@pytest.mark.parametrize(
    "change",
    [
        leads_out,
        leads_back,
        asks_beyond,
        half_a_leaf,
        takes_shorter_rows,
        takes_longer_rows,
    ],
)
def test_a_forest_that_was_changed_is_refused(change, features, tmp_path):
    forest = RandomForestClassifier(3, random_state=0).fit(*features)
    check_trees(forest)
    change(forest)
    save_model(make_pipeline(forest), tmp_path / "m.skops")
    with pytest.raises(ValueError, match=r"m\.skops' cannot be loaded as a model"):
        load_model(tmp_path / "m.skops")


@pytest.mark.parametrize(
    ("column", "value"),
    [("left", 10**9), ("right", 0), ("feature_idx", 10**6), ("is_categorical", 1)],
)
def test_a_boosted_tree_that_was_changed_is_refused(column, value, features, tmp_path):
    model = boosting().fit(*features)
    model._predictors[1][0].nodes[column][0] = value
    save_model(model, tmp_path / "m.skops")
    with pytest.raises(ValueError, match="cannot be loaded as a model"):
        load_model(tmp_path / "m.skops")

"""Files whose numbers lead nowhere, which compiled code would follow out of memory."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.neighbors import (
    KNeighborsClassifier,
    LocalOutlierFactor,
    RadiusNeighborsClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, NuSVC
from sklearn.tree import DecisionTreeClassifier

from skresnet import UnsafeModelError, load_model, save_model
from skresnet.model_parts import check_numbers

skops = pytest.importorskip("skops.io")


def boosting():
    return HistGradientBoostingClassifier(max_iter=2)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(),
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=3),
        ExtraTreesClassifier(3),
        GradientBoostingClassifier(n_estimators=2),
        GradientBoostingClassifier(n_estimators=2, init=RandomForestClassifier(2)),
        GradientBoostingClassifier(n_estimators=2, init="zero"),
        KNeighborsClassifier(3),
        RadiusNeighborsClassifier(100.0),
        SVC(probability=True),
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


def test_a_detector_of_less_rows_than_neighbors_is_read(features, tmp_path):
    X, _ = features
    model = LocalOutlierFactor(n_neighbors=20, novelty=True).fit(X[:9])
    save_model(model, tmp_path / "m.skops")
    loaded = load_model(tmp_path / "m.skops")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


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
    check_numbers(forest)
    change(forest)
    skops.dump(make_pipeline(forest), tmp_path / "m.skops")
    with pytest.raises(ValueError, match=r"m\.skops' cannot be loaded as a model"):
        load_model(tmp_path / "m.skops")


@pytest.mark.parametrize(
    ("column", "value"),
    [("left", 10**9), ("right", 0), ("feature_idx", 10**6), ("is_categorical", 1)],
)
def test_a_boosted_tree_that_was_changed_is_refused(column, value, features, tmp_path):
    model = boosting().fit(*features)
    model._predictors[1][0].nodes[column][0] = value
    skops.dump(model, tmp_path / "m.skops")
    with pytest.raises(ValueError, match="cannot be loaded as a model"):
        load_model(tmp_path / "m.skops")


def wider_stages(model):
    model.estimators_ = np.repeat(model.estimators_, 50, axis=1)


def another_start(model):
    model.init_.class_prior_ = model.init_.class_prior_[:2]
    model.init_.classes_, model.init_.n_classes_ = model.init_.classes_[:2], 2


def more_support(model):
    model._n_support = model._n_support + np.array([500, -500, 0], "i4")


def less_coefficients(model):
    model._dual_coef_ = np.ascontiguousarray(model._dual_coef_[:, :2])


def less_intercepts(model):
    model._intercept_ = model._intercept_[:1]


def shorter_vectors(model):
    model.support_vectors_ = np.ascontiguousarray(model.support_vectors_[:, :3])


def beyond_the_kernel(model):
    model.support_ = model.support_ + np.int32(10**6)


def shorter_rows(model):
    model._fit_X = np.ascontiguousarray(model._fit_X[:, :3])


def less_rows(model):
    model._fit_X = model._fit_X[:2]


def shorter_centers(model):
    model.cluster_centers_ = np.ascontiguousarray(model.cluster_centers_[:, :2])


def kernel(X, y):
    return SVC(kernel="precomputed").fit(X @ X.T, y)


@pytest.mark.parametrize(
    ("fit", "change"),
    [
        (GradientBoostingClassifier(n_estimators=2).fit, wider_stages),
        (GradientBoostingClassifier(n_estimators=2).fit, another_start),
        (SVC().fit, more_support),
        (NuSVC().fit, less_coefficients),
        (SVC().fit, less_intercepts),
        (SVR().fit, shorter_vectors),
        (SVR().fit, less_coefficients),
        (kernel, beyond_the_kernel),
        (KNeighborsClassifier(3).fit, shorter_rows),
        (KNeighborsClassifier(3).fit, less_rows),
        (KMeans(2).fit, shorter_centers),
    ],
    ids=lambda part: getattr(part, "__name__", "?"),
)
def test_parts_that_do_not_fit_together_are_refused(fit, change, features, tmp_path):
    X, _ = features
    model = fit(X, np.arange(len(X)) % 3)
    save_model(model, tmp_path / "m.skops")
    load_model(tmp_path / "m.skops")
    change(model)
    with pytest.raises(ValueError, match=r"fit (their features|its classes|together)"):
        check_numbers(model)
    with pytest.raises(UnsafeModelError, match="load_model would refuse it: The "):
        save_model(model, tmp_path / "m.skops")
    skops.dump(model, tmp_path / "m.skops")
    with pytest.raises(ValueError, match="cannot be loaded as a model"):
        load_model(tmp_path / "m.skops")

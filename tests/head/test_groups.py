"""Rows of one group stay on one side: trained on, or deciding the best epoch."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    cross_validate,
)

from skresnet import DenseSGDClassifier
from skresnet.head.rows import set_groups_aside

CLASSES = np.array(["bird", "cat", "dog"])


def quick(**params):
    return DenseSGDClassifier(**{"hidden_layer_sizes": (8,), "epochs": 1} | params)


def groups_of(y, size):
    """Give each class groups of a size, named by text."""
    numbers = np.zeros(len(y), int)
    for name in np.unique(y):
        numbers[y == name] = np.arange(np.count_nonzero(y == name)) // size
    return np.array([f"{name} {n}" for name, n in zip(y, numbers, strict=True)])


def is_torn(groups, rows):
    rest = np.delete(np.arange(len(groups)), rows)
    return bool({*groups[rows].tolist()} & {*groups[rest].tolist()})


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_groups", [6, 40, 300])
def test_groups_across_classes_are_whole_and_the_classes_in_proportion(seed, n_groups):
    generator = np.random.RandomState(seed)
    groups = generator.randint(0, n_groups, 600)
    codes = generator.choice(3, 600, p=[0.6, 0.3, 0.1])
    rows = set_groups_aside(codes, groups, 0.2, generator, CLASSES)
    assert not is_torn(groups, rows)
    shares = np.bincount(codes[rows], minlength=3) / np.bincount(codes)
    coarse = {6: 0.15, 40: 0.08, 300: 0.03}[n_groups]
    assert shares == pytest.approx(0.2, abs=coarse)


def test_groups_within_classes_leave_every_class_on_both_sides(features):
    X, y = features
    groups = groups_of(y, 20)  # four of each class
    classifier = quick(random_state=0).fit(X, y, groups=groups)
    rows = classifier.validation_indices_
    assert not is_torn(groups, rows)
    assert np.unique(y[rows], return_counts=True)[1].tolist() == [20, 20, 20]


def test_groups_of_one_row_each_are_set_aside_in_proportion(features):
    X, y = features
    rows = quick(random_state=0).fit(X, y, groups=range(len(y))).validation_indices_
    assert np.unique(y[rows], return_counts=True)[1].tolist() == [16, 16, 16]


def test_which_groups_are_set_aside_is_random(features):
    X, y = features
    groups = groups_of(y, 8)
    chosen = {
        tuple(
            np.unique(
                groups[
                    quick(random_state=seed)
                    .fit(X, y, groups=groups)
                    .validation_indices_
                ]
            )
        )
        for seed in (0, 0, 1, 2)
    }
    assert len(chosen) == 3


def test_a_class_of_a_single_group_is_trained_on_and_not_validated(features):
    X, y = features
    groups = np.where(y == "cat", "one", groups_of(y, 10))
    with pytest.warns(UserWarning, match=r"whole group are not validated: \['cat'\]"):
        classifier = quick(random_state=0).fit(X, y, groups=groups)
    assert {*y[classifier.validation_indices_]} == {"bird", "dog"}


def test_where_no_group_can_be_spared_the_training_rows_decide(features):
    X, y = features
    with pytest.warns(UserWarning, match=r"not validated: \['bird', 'cat', 'dog'\]"):
        classifier = quick().fit(X, y, groups=y)
    assert classifier.validation_indices_ is None
    assert "val_loss" not in classifier.history_


def test_rows_of_weight_zero_do_not_count_as_a_group(features):
    X, y = features
    groups, weights = groups_of(y, 20), np.ones(len(y))
    weights[groups == "cat 0"] = 0
    classifier = quick(random_state=0).fit(X, y, weights, groups=groups)
    assert "cat 0" not in groups[classifier.validation_indices_]
    assert not is_torn(groups, classifier.validation_indices_)


def test_a_validation_set_of_the_callers_needs_no_groups(features):
    X, y = features
    classifier = quick().fit(
        X[::2], y[::2], X_val=X, y_val=y, groups=groups_of(y, 4)[::2]
    )
    assert classifier.validation_indices_ is None


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (lambda y: y[:-1], "X and groups"),
        (lambda y: [None, *y[1:]], r"groups has 1 missing value"),
        (lambda y: np.stack([y, y]), r"groups has the shape \(2, 240\)"),
    ],
)
def test_groups_that_cannot_be_are_refused(features, groups, message):
    X, y = features
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y, groups=groups(y))


def test_a_search_over_whole_groups_needs_nothing_else(features):
    X, y = features
    groups = groups_of(y, 10)
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            quick(random_state=0), {"momentum": [0.0, 0.5]}, cv=StratifiedGroupKFold(4)
        ).fit(X, y, groups=groups)
        assert not is_torn(groups, search.best_estimator_.validation_indices_)
        result = cross_validate(
            quick(random_state=0),
            X,
            y,
            cv=StratifiedGroupKFold(4),
            params={"groups": groups},
            return_estimator=True,
            return_indices=True,
        )
    for fitted, rows in zip(
        result["estimator"], result["indices"]["train"], strict=True
    ):
        assert not is_torn(groups[rows], fitted.validation_indices_)

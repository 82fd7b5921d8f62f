"""Validation sets and weights on their way through pipelines and searches."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_validate
from small_models import small_classifier, small_pipeline


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def validation(data):
    return {"X_val": data.val.data, "y_val": data.val.target}


def assert_validated_on(model, data):
    """Check that the best epoch was found on the validation pictures, embedded."""
    classifier = model["classifier"]
    assert classifier.validation_indices_ is None
    best = classifier.history_["val_loss"][classifier.best_epoch_]
    found = model.evaluate(data.val.data, data.val.target)["loss"]
    assert found == pytest.approx(best, rel=1e-4)


def test_the_pipeline_trains_as_its_steps_do_by_hand(routing, data, validation):
    model = small_pipeline().fit(data.train.data, data.train.target, **validation)
    embedder, classifier = clone(model["embedder"]), clone(model["classifier"])
    classifier.fit(
        embedder.fit_transform(data.train.data),
        data.train.target,
        X_val=embedder.transform(data.val.data),
        y_val=data.val.target,
    )
    assert model["classifier"].history_ == classifier.history_
    assert_validated_on(model, data)


def test_a_grid_search_hands_the_validation_set_to_each_fit(routing, data, validation):
    search = GridSearchCV(
        small_pipeline(), {"classifier__learning_rate": [1e-7, 0.002]}, cv=2
    )
    search.fit(data.train.data, data.train.target, **validation)
    assert search.best_params_ == {"classifier__learning_rate": 0.002}
    assert_validated_on(search.best_estimator_, data)


def test_a_cross_validation_hands_the_validation_set_to_each_fit(
    routing, data, validation
):
    result = cross_validate(
        small_pipeline(),
        data.train.data,
        data.train.target,
        cv=3,
        params=validation,
        return_estimator=True,
    )
    assert result["test_score"].min() > 0.9
    for model in result["estimator"]:
        assert_validated_on(model, data)


def test_a_validation_set_as_long_as_x_is_cut_like_x(routing, data):
    # scikit-learn cannot tell such a set from one value a sample.
    X, y = data.train.data, data.train.target
    result = cross_validate(
        small_pipeline(),
        X,
        y,
        cv=3,
        params={"X_val": X, "y_val": y},
        return_estimator=True,
        return_indices=True,
    )
    for model, rows in zip(
        result["estimator"], result["indices"]["train"], strict=True
    ):
        classifier = model["classifier"]
        best = classifier.history_["val_loss"][classifier.best_epoch_]
        kept = model.evaluate(np.asarray(X)[rows], np.asarray(y)[rows])["loss"]
        assert kept == pytest.approx(best, rel=1e-4)


def test_the_classifier_alone_needs_no_routing(features):
    X, y = features
    search = GridSearchCV(small_classifier(), {"momentum": [0.0, 0.5]}, cv=2)
    search.fit(X[::2], y[::2], X_val=X[1::8], y_val=y[1::8])
    classifier = search.best_estimator_
    assert classifier.validation_indices_ is None
    found = classifier.evaluate(X[1::8], y[1::8])["loss"]
    best = classifier.history_["val_loss"][classifier.best_epoch_]
    assert found == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("given", [["X_val", "y_val"], ["X_val"], ["y_val"]])
def test_the_pipeline_without_routing_says_what_to_enable(data, validation, given):
    params = {name: validation[name] for name in given}
    with pytest.raises(ValueError, match="set_config\\(enable_metadata_routing=True"):
        small_pipeline().fit(data.train.data, data.train.target, **params)


def test_half_a_validation_set_is_an_error_with_routing_too(routing, data, validation):
    with pytest.raises(ValueError, match="X_val without y_val"):
        small_pipeline().fit(
            data.train.data, data.train.target, X_val=validation["X_val"]
        )


def test_weights_reach_the_loss_by_every_way_through_the_pipeline(data):
    X, y = data.train.data, data.train.target
    weights = np.where(np.asarray(y) == "red", 3.0, 1.0)
    with config_context(enable_metadata_routing=True):
        routed = small_pipeline().fit(X, y, sample_weight=weights)
    prefixed = small_pipeline().fit(X, y, classifier__sample_weight=weights)
    by_class = small_pipeline(
        classifier__class_weight={"red": 3.0, "green": 1.0, "blue": 1.0}
    ).fit(X, y)
    plain = small_pipeline().fit(X, y)
    losses = [
        model["classifier"].history_["loss"] for model in (routed, prefixed, by_class)
    ]
    assert losses[0] == losses[1] == losses[2]
    assert losses[0] != plain["classifier"].history_["loss"]


def test_a_cross_validation_cuts_the_weights_to_its_folds(routing, data):
    X, y = np.asarray(data.train.data), np.asarray(data.train.target)
    weights = np.where(np.arange(len(y)) % 4 == 0, 0.0, 1.0)
    result = cross_validate(
        small_pipeline(),
        X,
        y,
        cv=3,
        params={"sample_weight": weights},
        return_estimator=True,
        return_indices=True,
    )
    assert result["test_score"].min() > 0.9
    for fitted, rows in zip(
        result["estimator"], result["indices"]["train"], strict=True
    ):
        kept = rows[weights[rows] > 0]
        # Rows of weight 0 count as removed.
        again = small_pipeline().fit(X[kept], y[kept])
        assert fitted["classifier"].history_ == again["classifier"].history_


def test_groups_reach_the_classifier_and_the_folds_through_the_pipeline(routing, data):
    X, y = np.asarray(data.train.data), np.asarray(data.train.target)
    groups = np.arange(len(y)) // 3
    search = GridSearchCV(
        small_pipeline(), {"classifier__momentum": [0.0]}, cv=StratifiedGroupKFold(2)
    ).fit(X, y, groups=groups)
    aside = search.best_estimator_["classifier"].validation_indices_
    rest = np.delete(np.arange(len(y)), aside)
    assert aside.size > 0
    assert not {*groups[aside]} & {*groups[rest]}


def test_groups_without_routing_go_by_the_name_of_the_step(data):
    X, y = data.train.data, data.train.target
    groups = np.arange(len(y)) // 3
    model = small_pipeline().fit(X, y, classifier__groups=groups)
    aside = model["classifier"].validation_indices_
    assert not {*groups[aside]} & {*np.delete(groups, aside)}


def test_groups_are_checked_before_a_picture_is_opened(routing):
    with pytest.raises(ValueError, match="X and groups"):
        small_pipeline().fit(["no.png"] * 4, [0, 1, 0, 1], groups=[0, 1])

"""scikit-learn's own meta-estimators around the embedder and the classifier."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from small_models import small_classifier, small_embedder, small_pipeline


def learner():
    return small_classifier(learning_rate=0.02, epochs=10)


@pytest.fixture(scope="module")
def halves(features):
    """Features and labels, every other row to train and the others to test."""
    X, y = features
    return X[::2], y[::2], X[1::2], y[1::2]


def test_folds_of_labels_sorted_by_class_train_on_every_class(data):
    result = cross_validate(
        small_pipeline(),
        data.train.data,
        data.train.target,
        cv=3,
        return_estimator=True,
    )
    assert result["test_score"].min() > 0.9
    for model in result["estimator"]:
        assert model.classes_.tolist() == ["blue", "green", "red"]


@pytest.mark.parametrize(
    "search",
    [
        RandomizedSearchCV(
            learner(),
            {"learning_rate": [1e-6, 0.02]},
            n_iter=2,
            cv=2,
            random_state=0,
        ),
        HalvingGridSearchCV(
            learner(),
            {"learning_rate": [1e-6, 0.02]},
            cv=2,
            factor=2,
            resource="epochs",
            max_resources=10,
            min_resources=5,
            random_state=0,
        ),
    ],
    ids=lambda search: type(search).__name__,
)
def test_searches_find_the_rate_that_learns(search, halves):
    X, y, X_test, y_test = halves
    search.fit(X, y)
    assert search.best_params_["learning_rate"] == 0.02
    assert search.score(X_test, y_test) > 0.8


@pytest.mark.parametrize(
    "meta",
    [
        CalibratedClassifierCV(learner(), cv=2),
        StackingClassifier(
            [("dense", learner()), ("nearest", KNeighborsClassifier())], cv=2
        ),
        VotingClassifier(
            [("dense", learner()), ("nearest", KNeighborsClassifier())],
            voting="soft",
        ),
        BaggingClassifier(learner(), n_estimators=3, random_state=0),
        OneVsRestClassifier(learner()),
    ],
    ids=lambda meta: type(meta).__name__,
)
def test_meta_estimators_around_the_classifier_learn(meta, halves):
    X, y, X_test, y_test = halves
    meta.fit(X, y)
    assert meta.score(X_test, y_test) > 0.8
    probabilities = meta.predict_proba(X_test)
    assert probabilities.shape == (120, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_threshold_of_a_binary_head_is_tuned(halves):
    X, y, X_test, y_test = halves
    tuned = TunedThresholdClassifierCV(small_classifier(), cv=2, scoring="recall")
    tuned.fit(X, (y == "cat").astype(int))
    plain = small_classifier().fit(X, (y == "cat").astype(int))
    found = tuned.predict(X_test)[y_test == "cat"].mean()
    assert found >= plain.predict(X_test)[y_test == "cat"].mean()
    assert 0 <= tuned.best_threshold_ < 0.5


def test_a_frozen_pipeline_is_calibrated_without_another_training(data):
    model = small_pipeline().fit(data.train.data, data.train.target)
    calibrated = CalibratedClassifierCV(FrozenEstimator(model), cv=2)
    calibrated.fit(data.val.data, data.val.target)
    assert calibrated.score(data.test.data, data.test.target) > 0.9
    inner = calibrated.calibrated_classifiers_[0].estimator.estimator
    assert inner is model


def test_a_learning_curve_rises(features):
    X, y = features
    sizes, _, scores = learning_curve(
        learner(),
        X,
        y,
        train_sizes=[0.1, 1.0],
        cv=3,
        shuffle=True,
        random_state=0,
    )
    assert sizes.tolist() == [16, 160]
    assert scores[1].mean() > scores[0].mean()


def test_permutation_importance_finds_the_column_that_decides():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(120, 5)).astype(np.float32)
    classifier = small_classifier(epochs=30).fit(X, X[:, 2] > 0)
    result = permutation_importance(
        classifier, X, X[:, 2] > 0, n_repeats=2, random_state=0
    )
    assert result.importances_mean.argmax() == 2
    assert result.importances_mean[2] > 0.3


@pytest.mark.parametrize(
    "classifier",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        KNeighborsClassifier(3),
        HistGradientBoostingClassifier(min_samples_leaf=2, max_iter=20),
    ],
    ids=["LogisticRegression", "KNeighbors", "HistGradientBoosting"],
)
def test_the_embedder_serves_other_classifiers(classifier, data):
    model = make_pipeline(small_embedder(), classifier)
    model.fit(data.train.data, data.train.target)
    assert model.score(data.test.data, data.test.target) > 0.9


def test_a_feature_union_of_two_layers(data):
    X = data.test.data
    shallow, deep = small_embedder(), small_embedder(layer="conv2_block1_out")
    union = FeatureUnion([("shallow", shallow), ("deep", deep)])
    expected = np.hstack(
        [clone(shallow).fit_transform(X), clone(deep).fit_transform(X)]
    )
    np.testing.assert_array_equal(union.fit_transform(X), expected)
    names = union.get_feature_names_out()
    assert names[0] == "shallow__resnet50embedder0"
    assert names[-1] == "deep__resnet50embedder255"


@pytest.mark.parametrize(
    "frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"]
)
@pytest.mark.parametrize("column", ["path", ["path"]], ids=["name", "list"])
def test_a_column_of_paths_stands_beside_columns_of_numbers(frame, column, data):
    paths = list(data.test.data)
    X = frame({"path": paths, "area": np.arange(18.0), "weight": np.ones(18)})
    columns = ColumnTransformer(
        [
            ("picture", small_embedder(), column),
            ("numbers", "passthrough", ["area", "weight"]),
        ]
    )
    rows = columns.fit_transform(X)
    expected = small_embedder().fit_transform(paths)
    np.testing.assert_array_equal(rows[:, :-2].astype(np.float32), expected)
    np.testing.assert_array_equal(rows[:, -2], np.arange(18.0))
    model = make_pipeline(columns, StandardScaler(), small_classifier())
    assert model.fit(X, data.test.target).score(X, data.test.target) > 0.9


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_features_come_as_a_frame_that_names_them(library, data):
    X, y = data.train.data, data.train.target
    model = small_pipeline().set_output(transform=library).fit(X, y)
    rows = model[:-1].transform(X)
    assert type(rows).__module__.split(".")[0] == library
    assert list(rows.columns) == [f"resnet50embedder{i}" for i in range(64)]
    assert model["classifier"].feature_names_in_.tolist() == list(rows.columns)
    np.testing.assert_array_equal(
        model.predict_proba(X), small_pipeline().fit(X, y).predict_proba(X)
    )


class CountBatches:
    """Counts the batches of pictures that go through the network."""

    max_propagation_depth = None
    n_batches = 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.n_batches += context.task_name == "batch"

    def on_fit_task_end(self, estimator, context):
        pass


def test_the_memory_of_a_pipeline_saves_the_second_embedding(data, tmp_path):
    X, y = data.train.data, data.train.target
    plain = small_pipeline(classifier__learning_rate=0.002).fit(X, y)
    for rate, n_batches in ((0.001, 2), (0.002, 0)):
        counter = CountBatches()
        model = small_pipeline(memory=str(tmp_path), classifier__learning_rate=rate)
        model.set_callbacks(counter).fit(X, y)
        assert counter.n_batches == n_batches
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_the_html_of_a_pipeline_shows_steps_and_parameters():
    html = estimator_html_repr(small_pipeline())
    for text in (
        "ResNet50Embedder",
        "DenseSGDClassifier",
        "interpolation",
        "conv1_relu",
        "hidden_layer_sizes",
        "(16,)",
    ):
        assert text in html

"""make_image_classifier: from folders of pictures to a scored Pipeline."""

import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from colour_pipelines import colour_pipeline
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skresnet import (
    DenseSGDClassifier,
    EfficientNetLite0Embedder,
    MistakesDisplay,
    ResNet50Embedder,
    class_activation_maps,
    export_model,
    find_label_issues,
    load_image_splits,
    make_image_classifier,
    make_report,
)


@pytest.fixture(scope="module")
def data(colour_folder):
    return load_image_splits(colour_folder)


@pytest.fixture
def model(colour_model):
    return colour_model


def test_it_is_a_pipeline_of_two_named_steps():
    model = make_image_classifier(cache="here", random_state=3, classifier__epochs=7)
    assert isinstance(model, Pipeline)
    assert list(model.named_steps) == ["embedder", "classifier"]
    assert model["embedder"].weights == "imagenet"
    assert model["embedder"].cache == "here"
    assert model["embedder"].random_state == model["classifier"].random_state == 3
    assert model["classifier"].epochs == 7


def test_the_network_is_chosen_by_name_and_a_wrong_name_is_an_error():
    assert isinstance(make_image_classifier()["embedder"], ResNet50Embedder)
    model = make_image_classifier(network="efficientnet_lite0")
    assert isinstance(model["embedder"], EfficientNetLite0Embedder)
    with pytest.raises(ValueError, match=r"network='vgg16'.*'efficientnet_lite0'"):
        make_image_classifier(network="vgg16")


def test_the_smaller_network_classifies_without_a_connection(data, tmp_path):
    model = make_image_classifier(
        network="efficientnet_lite0", random_state=0, embedder__input_size=64
    ).fit(data.train.data, data.train.target)
    assert model.score(data.test.data, data.test.target) > 0.8
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(
        loaded.predict_proba(data.test.data), model.predict_proba(data.test.data)
    )


def test_any_classifier_may_be_the_second_step(data):
    embedder = {"weights": None, "embedder__input_size": 32}
    layer = {"embedder__layer": "conv2_block1_out", "random_state": 0}
    model = make_image_classifier(
        classifier=LogisticRegression(), classifier__C=0.5, **embedder, **layer
    )
    assert model["classifier"].C == 0.5
    model.fit(data.train.data, data.train.target)
    assert model.score(data.test.data, data.test.target) > 0.9
    result = model.evaluate(data.test.data, data.test.target)
    assert result["accuracy"] > 0.9
    assert 0 < result["loss"] < 1
    ridge = clone(model).set_params(classifier=RidgeClassifier())
    ridge.fit(data.train.data, data.train.target)
    assert set(ridge.evaluate(data.test.data, data.test.target)) == {"accuracy"}


@pytest.mark.parametrize("given", [StandardScaler(), LinearRegression(), "logistic"])
def test_what_is_no_classifier_is_refused(given):
    with pytest.raises(TypeError, match="is no classifier; expected an estimator"):
        make_image_classifier(classifier=given)


def test_a_wrong_parameter_name_is_an_error():
    with pytest.raises(ValueError, match="epoch"):
        make_image_classifier(classifier__epoch=7)


def test_it_tells_the_classes_apart(model, data):
    assert model.score(data.test.data, data.test.target) > 0.9
    assert set(model.predict(data.test.data)) == {"blue", "green", "red"}
    probabilities = model.predict_proba(data.test.data)
    assert probabilities.shape == (18, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_evaluate_gives_loss_and_accuracy(model, data):
    result = model.evaluate(data.test.data, data.test.target)
    assert set(result) == {"loss", "accuracy"}
    assert result["accuracy"] == pytest.approx(
        model.score(data.test.data, data.test.target)
    )


def test_clone_and_refit_give_the_same_predictions(model, data):
    again = clone(model).fit(data.train.data, data.train.target)
    np.testing.assert_array_equal(
        again.predict_proba(data.test.data), model.predict_proba(data.test.data)
    )


def test_the_callers_validation_pictures_decide_the_best_epoch(data):
    with sklearn.config_context(enable_metadata_routing=True):
        model = colour_pipeline().fit(
            data.train.data,
            data.train.target,
            X_val=data.val.data,
            y_val=data.val.target,
        )
    classifier = model["classifier"]
    assert classifier.validation_indices_ is None
    found = model.evaluate(data.val.data, data.val.target)
    best = classifier.history_["val_loss"][classifier.best_epoch_]
    assert found["loss"] == pytest.approx(best, rel=1e-4)


def test_validation_pictures_without_routing_say_what_to_enable(data):
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        colour_pipeline().fit(data.train.data, data.train.target, X_val=[], y_val=[])


def test_grid_search_over_the_learning_rate_and_over_the_layer(data):
    grid = {
        "classifier__learning_rate": [1e-6, 0.05],
        "embedder__layer": ["conv2_block1_out", "conv3_block1_out"],
    }
    search = GridSearchCV(colour_pipeline(), grid, cv=2).fit(
        data.train.data, data.train.target
    )
    assert search.best_params_["classifier__learning_rate"] == 0.05
    assert search.best_score_ > 0.9
    assert len(search.cv_results_["params"]) == 4


def test_a_dumped_model_predicts_the_same_in_a_fresh_process(model, data, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    script = (
        "import sys, joblib, numpy as np\n"
        "model = joblib.load(sys.argv[1])\n"
        "assert 'tensorflow' not in sys.modules\n"
        "np.save(sys.argv[2], model.predict_proba(sys.argv[3:]))\n"
    )
    saved = tmp_path / "probabilities.npy"
    subprocess.run(
        [
            sys.executable,
            "-c",
            script,
            tmp_path / "model.joblib",
            saved,
            *data.test.data,
        ],
        check=True,
    )
    np.testing.assert_array_equal(np.load(saved), model.predict_proba(data.test.data))


def test_a_part_of_the_pipeline_embeds(model, data):
    assert model[:1].transform(data.test.data).shape == (18, 256)


def test_several_labels_a_picture_are_learnt_as_the_error_says(data):
    X, y = data.train.data, data.train.target
    several = np.column_stack([y == "red", np.arange(len(y)) % 2 == 0])
    with pytest.raises(ValueError, match="several labels a picture") as refused:
        colour_pipeline().fit(X, several)
    assert "make_image_classifier(classifier=several).fit(X, y)" in str(refused.value)
    model = make_image_classifier(
        classifier=MultiOutputClassifier(DenseSGDClassifier(epochs=2)),
        weights=None,
        random_state=0,
        embedder__input_size=32,
        embedder__layer="conv1_relu",
    )
    assert model.fit(X, several).predict(X).shape == several.shape


@pytest.mark.parametrize(
    ("head", "y", "words"),
    [
        (LogisticRegression(), None, "LogisticRegression requires y"),
        (LogisticRegression(), ["a", "b"], r"X and y\). y needs one label"),
        (
            LogisticRegression(),
            ["a", None, "b"],
            r"y has 1 missing value.*position.* 1",
        ),
        (LogisticRegression(), [0.5, 1.5, 2.25], "continuous"),
        (LinearRegression(), [0.5, np.nan, 2.25], "y has 1 missing"),
    ],
)
def test_what_no_other_head_would_take_is_refused_before_a_picture_is_opened(
    head, y, words
):
    model = colour_pipeline().set_params(classifier=head)
    with pytest.raises(ValueError, match=words):
        model.fit(["no_file_1.png", "no_file_2.png", "no_file_3.png"], y)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_names_of_features_reach_the_steps_behind_the_embedder(data, container):
    pytest.importorskip(container)
    pytest.importorskip("cleanlab")
    pytest.importorskip("matplotlib")
    names = ColumnTransformer(
        [("scaler", StandardScaler(), ["resnet50embedder0"])], remainder="passthrough"
    )
    head = LogisticRegression(max_iter=1000)
    model = colour_pipeline().set_params(scaler=names, classifier=head)
    model.set_output(transform=container)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "X does not have valid feature names")
        model.fit(data.train.data, data.train.target)
        test = data.test.data, data.test.target
        assert model.evaluate(*test)["accuracy"] == model.score(*test)
        found = MistakesDisplay.from_estimator(model, *test)
        assert np.size(found.axes_) > 0
        assert class_activation_maps(model, test[0][:1]).maps.shape == (1, 32, 32)
        make_report(model, *test)
        find_label_issues(model, *test, cv=2)


def test_several_labels_a_picture_are_refused_where_one_is_needed(data, tmp_path):
    head = MultiOutputClassifier(LogisticRegression(max_iter=1000))
    model = colour_pipeline().set_params(classifier=head)
    labels = np.stack([data.train.target, data.train.target[::-1]], axis=1)
    model.fit(data.train.data, labels)
    accuracy = model.score(data.train.data, labels)
    with pytest.warns(UserWarning, match="trained on"):
        assert model.evaluate(data.train.data, labels)["accuracy"] == accuracy
    with pytest.raises(TypeError, match="MultiOutputClassifier predicts several"):
        class_activation_maps(model, data.test.data[:1])
    with pytest.raises(TypeError, match="MultiOutputClassifier predicts several"):
        export_model(model, tmp_path / "model.onnx")


def test_parameters_of_another_head_are_checked_before_a_picture_is_opened():
    model = colour_pipeline().set_params(classifier=LogisticRegression(C=-1))
    with pytest.raises(ValueError, match="'C' parameter of LogisticRegression"):
        model.fit(["no_file_1.png", "no_file_2.png"], ["a", "b"])


@pytest.mark.parametrize("X_val", [[], "no_file.png", [1, 2], np.ones((2, 3, 4, 5, 6))])
def test_an_x_val_that_holds_no_pictures_is_named_before_one_is_opened(X_val):
    X, y = ["no_file_1.png", "no_file_2.png"], ["a", "b"]
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.raises((TypeError, ValueError), match=r"X_val cannot be used: .*X"),
    ):
        colour_pipeline().fit(X, y, X_val=X_val, y_val=y)


def test_an_x_val_that_cannot_be_read_is_told_before_x_is_embedded(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    X, y = [str(tmp_path / "a.png")] * 2, ["a", "b"]
    gone = [str(tmp_path / "gone.png")] * 2
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.raises(ValueError, match=r"(?s)X_val cannot be used: 2 .*gone\.png"),
    ):
        colour_pipeline().fit(X, y, X_val=gone, y_val=y)

"""What a model tells of pictures that it was trained on, and of those unlike them."""

import pickle
import shutil
import warnings

import joblib
import numpy as np
import pytest
from colour_pipelines import colour_pipeline
from PIL import Image
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skresnet import NoveltyDetector, ResNet50Embedder, load_image_splits
from skresnet.evaluation import Predictions

COUNTS = ("n_training_pictures", "n_near_copies", "n_of_training_groups")


@pytest.fixture(scope="module")
def data(colour_folder):
    return load_image_splits(colour_folder)


@pytest.fixture(scope="module")
def outsiders():
    """Black and white stripes, where the model knows coloured noise."""
    stripes = np.zeros((6, 40, 48, 3), np.uint8)
    for index in range(6):
        stripes[index, :, :: index + 2] = 255
    return stripes


@parametrize_with_checks([NoveltyDetector(), NoveltyDetector(n_components=2)])
def test_the_detector_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def cloud(n_rows, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(np.arange(700) % 7 + 4, 1, (n_rows, 700))


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_about_that_share_of_rows_like_those_of_the_training_is_novel(rate):
    detector = NoveltyDetector(false_alarm_rate=rate).fit(cloud(1000))
    alarms = np.mean(detector.predict(cloud(1000, seed=1)) == -1)
    assert rate / 2 < alarms < rate * 2


def test_rows_of_another_kind_are_novel_and_their_length_does_not_matter():
    detector = NoveltyDetector().fit(cloud(300))
    assert (detector.predict(cloud(50, seed=1)[:, ::-1]) == -1).all()
    np.testing.assert_allclose(
        detector.score_samples(cloud(50, seed=1) * 3),
        detector.score_samples(cloud(50, seed=1)),
        atol=1e-5,
    )


def test_few_rows_have_no_false_alarm_below_their_own_farthest():
    detector = NoveltyDetector(false_alarm_rate=0.001).fit(cloud(30))
    assert detector.offset_ == -detector.distances_.max()


def subjects(n_subjects, seed, n_rows=4):
    """Rows that are much alike within a subject, and its number for each."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(4, 1, (n_subjects, 300))
    rows = np.repeat(centres, n_rows, axis=0)
    groups = np.repeat(np.arange(n_subjects), n_rows)
    return rows + generator.normal(0, 0.1, rows.shape), groups


def test_new_subjects_are_novel_unless_whole_subjects_were_held_out():
    X, groups = subjects(80, seed=0)
    new, _ = subjects(80, seed=1)
    assert (NoveltyDetector().fit(X).predict(new) == -1).all()
    alarms = np.mean(NoveltyDetector().fit(X, groups=groups).predict(new) == -1)
    assert alarms < 0.05


def test_a_single_group_has_nothing_to_be_compared_with():
    with pytest.raises(ValueError, match=r"groups: all rows belong to \['a'\]"):
        NoveltyDetector().fit(cloud(30), groups=["a"] * 30)


def test_near_copies_are_told_from_rows_that_are_merely_alike():
    X = cloud(400)
    copies = X[:40] + np.random.default_rng(2).normal(0, 0.1, (40, 700))
    detector = NoveltyDetector().fit(X)
    assert detector.near_copies(copies).all()
    assert detector.near_copies(cloud(400, seed=1)).sum() <= 2


def test_few_rows_cannot_tell_near_copies():
    X = cloud(30)
    assert not NoveltyDetector().fit(X).near_copies(X).any()


def test_what_is_kept_does_not_grow_with_the_training():
    sizes = [
        len(pickle.dumps(NoveltyDetector(max_samples=50).fit(cloud(n))))
        for n in (50, 500)
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.01)
    assert sizes[0] < 200_000


def test_the_model_says_what_is_unlike_its_training(colour_model, data, outsiders):
    usual = colour_model.novelty(data.test.data)
    assert usual.shape == (18,)
    assert np.median(usual) < 1
    assert (colour_model.novelty(outsiders) > 1).all()
    rare, frequent = (
        colour_model.novelty(outsiders, false_alarm_rate=rate) for rate in (0.01, 0.5)
    )
    assert (frequent > rare).all()


def test_any_pipeline_behind_the_embedder_can_say_so(data, outsiders):
    embedder = colour_pipeline()["embedder"]
    model = make_pipeline(embedder, LogisticRegression()).fit(
        data.train.data, data.train.target
    )
    assert (model[0].novelty(outsiders) > 1).all()


def test_a_rate_that_is_none_is_refused_by_its_name(colour_model, data):
    with pytest.raises(ValueError, match="false_alarm_rate"):
        colour_model.novelty(data.test.data, false_alarm_rate=0)


def test_an_embedder_that_has_seen_no_pictures_says_what_to_do(data):
    embedder = colour_pipeline()["embedder"].fit(data.train.data)
    with pytest.raises(ValueError, match="fit_transform"):
        embedder.novelty(data.test.data)


def test_a_picture_that_cannot_be_read_has_no_novelty(colour_model, data, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    model = joblib.load(_dumped(colour_model, tmp_path))
    model.set_params(embedder__on_error="nan")
    with pytest.warns(UserWarning, match=r"broken\.jpg"):
        novelty = model.novelty([data.test.data[0], str(broken)])
    assert np.isnan(novelty).tolist() == [False, True]


def _dumped(model, folder):
    path = folder / "model.joblib"
    joblib.dump(model, path)
    return path


def test_a_loaded_model_remembers_and_a_clone_does_not(
    colour_model, data, outsiders, tmp_path
):
    loaded = joblib.load(_dumped(colour_model, tmp_path))
    np.testing.assert_array_equal(
        loaded.novelty(outsiders), colour_model.novelty(outsiders)
    )
    with pytest.warns(UserWarning, match="trained on"):
        loaded.evaluate(data.train.data[:3], data.train.target[:3])
    assert not hasattr(clone(loaded)["embedder"], "seen_")


def test_evaluate_tells_training_pictures_from_the_others(colour_model, data, tmp_path):
    copies = [shutil.copy(path, tmp_path) for path in data.train.data[:5]]
    X = [*data.test.data, *copies]
    y = [*data.test.target, *data.train.target[:5]]
    with pytest.warns(
        UserWarning, match="Of the 23 pictures, 5 are byte for byte"
    ) as warned:
        result = colour_model.evaluate(X, y)
    assert list(result) == [
        "accuracy_on_others",
        *COUNTS,
        "loss",
        "accuracy",
    ]
    others = colour_model.score(data.test.data, data.test.target)
    assert result["accuracy_on_others"] == pytest.approx(others)
    assert f"{others:.4f}" in str(warned[0].message)
    assert result["n_training_pictures"] == 5
    assert result["accuracy"] == pytest.approx(colour_model.score(X, y))


def test_evaluate_on_nothing_but_training_pictures_has_no_other_accuracy(
    colour_model, data
):
    with pytest.warns(UserWarning, match="Of the 36 pictures, 36 are"):
        result = colour_model.evaluate(data.train.data, data.train.target)
    assert list(result) == [*COUNTS, "loss", "accuracy"]


def test_pictures_are_known_from_the_cache_and_in_memory_too(data, tmp_path):
    arrays = [np.asarray(Image.open(path)) for path in data.train.data]
    model = colour_pipeline(cache=tmp_path / "cache")
    for X in (arrays, data.train.data, data.train.data):
        model.fit(X, data.train.target)
        predictions = Predictions.from_model(
            model,
            [*X[:4], *data.test.data],
            [*data.train.target[:4], *data.test.target],
        )
        found = predictions.recognised.are_copies
        assert np.flatnonzero(found).tolist() == [0, 1, 2, 3]
        assert len(predictions.others.pictures) == 18


def test_fit_forgets_the_pictures_of_an_earlier_fit_transform(data):
    embedder = ResNet50Embedder(
        weights=None, random_state=0, input_size=32, layer="conv1_relu"
    )
    embedder.fit_transform(data.train.data)
    assert len(embedder.seen_.digests) == 36
    embedder.fit(data.train.data)
    assert len(embedder.seen_.digests) == 0


def test_subjects_of_the_training_are_recognised(data):
    names = [f"subject {index // 3}" for index in range(36)]
    model = colour_pipeline()
    with config_context(enable_metadata_routing=True):
        model.fit(data.train.data, data.train.target, groups=names)
    X, y = data.test.data, data.test.target
    groups = ["subject 0", "subject 11", *["someone else"] * 16]
    with pytest.warns(UserWarning, match="2 are of groups that it was trained on"):
        result = model.evaluate(X, y, groups=groups)
    assert result["n_of_training_groups"] == 2
    predictions = Predictions.from_model(model, X, y, groups=groups)
    assert np.flatnonzero(predictions.recognised.are_related).tolist() == [0, 1]
    assert len(predictions.others.pictures) == 16


def test_groups_of_another_length_are_refused_before_a_picture_is_opened():
    with pytest.raises(ValueError, match="groups"):
        ResNet50Embedder(weights=None).fit_transform(["a.jpg", "b.jpg"], groups=["a"])


@pytest.mark.parametrize("rate", [-1, 0, 1, 7])
def test_a_rate_that_there_is_not_is_refused_wherever_it_is_given(rate):
    detector = NoveltyDetector().fit(cloud(20))
    for method in (
        detector.threshold,
        lambda rate: detector.near_copies(cloud(2), false_alarm_rate=rate),
    ):
        with pytest.raises(ValueError, match="false_alarm_rate"):
            method(rate)


def test_groups_are_one_a_row():
    groups = np.arange(20) // 4
    with pytest.raises(ValueError, match=r"groups has the shape \(20, 1\)"):
        NoveltyDetector().fit(cloud(20), groups=groups[:, np.newaxis])
    with pytest.raises(ValueError, match="groups has 1 missing"):
        NoveltyDetector().fit(cloud(20), groups=[*groups[:-1], None])


def test_a_group_is_the_same_as_an_int_a_float_and_a_text(data):
    groups = np.arange(len(data.train.data)) // 2
    with config_context(enable_metadata_routing=True):
        model = colour_pipeline()
        model.fit(data.train.data, data.train.target, groups=groups)
    of_test = np.arange(len(data.test.data)) + 1000
    of_test[:3] = 0
    for kind in (int, float, str, object):
        with pytest.warns(UserWarning, match="3 are of groups"):
            found = model.evaluate(
                data.test.data, data.test.target, groups=of_test.astype(kind)
            )
        assert found["n_of_training_groups"] == 3


def test_what_novelty_and_evaluate_cannot_use_is_refused_before_a_picture_is_opened(
    data,
):
    model = colour_pipeline().fit(data.train.data, data.train.target)
    missing = ["no_file_1.png", "no_file_2.png"]
    with pytest.raises(ValueError, match="false_alarm_rate"):
        model.novelty(missing, false_alarm_rate=2)
    for y, groups, words in (
        (None, None, "evaluate needs y"),
        (["a"], None, "inconsistent"),
        (["red", "blue"], [1], "groups needs one"),
        (["red", "blue"], [1, np.nan], "groups has 1 missing"),
        (["red", "blue"], [[1], [2]], "groups has the shape"),
    ):
        with pytest.raises(ValueError, match=words):
            model.evaluate(missing, y, groups=groups)
        if y is not None and len(y) == 2:
            with pytest.raises(ValueError, match=words):
                Predictions.from_model(model, missing, y, groups=groups)


def test_a_fit_that_fails_leaves_the_one_before():
    detector = NoveltyDetector().fit(cloud(20))
    with pytest.raises(ValueError, match="groups"):
        detector.fit(cloud(20)[:, :5], groups=[1] * 20)
    assert (detector.predict(cloud(20)) == 1).any()


def test_of_one_picture_many_times_any_other_is_unlike(data):
    first, *others = data.test.data[[0, -1]]
    model = colour_pipeline().fit([data.train.data[0]] * 12, ["a", "b"] * 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.novelty([data.train.data[0], first, *others])
    assert found[0] < 1
    assert (found[1:] > 1).all()

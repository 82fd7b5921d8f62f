"""scikit-learn's own checks of what an estimator must do."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checked_estimators import (
    CLASSIFIERS,
    EMBEDDERS,
    EXCUSED_BY_ROUNDING,
    EXCUSED_OF_EMBEDDER,
    RowsAsPictures,
    excused,
)
from sklearn.base import clone
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from skresnet import (
    EfficientNetLite0Embedder,
    ResNet50Embedder,
    UnreadableImageError,
)

BOTH = (ResNet50Embedder, EfficientNetLite0Embedder)

REPOSITORY = Path(__file__).parents[2]

# The checks of scikit-learn that need no two-dimensional X.
API_CHECKS = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_mixin_order,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
]


@parametrize_with_checks(CLASSIFIERS, expected_failed_checks=excused, xfail_strict=True)
def test_the_classifier_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@parametrize_with_checks(
    EMBEDDERS[1:], expected_failed_checks=excused, xfail_strict=True
)
def test_the_embedder_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@parametrize_with_checks(EMBEDDERS[:1], expected_failed_checks=excused)
def test_the_embedder_passes_them_with_all_layers(estimator, check):
    check(estimator)


@pytest.mark.parametrize("embedder", BOTH, ids=lambda embedder: embedder.__name__)
@pytest.mark.parametrize("check", API_CHECKS, ids=lambda check: check.__name__)
def test_the_embedder_itself_passes_the_checks_that_need_no_table(check, embedder):
    check(embedder.__name__, embedder())


@pytest.mark.parametrize("made", BOTH, ids=lambda embedder: embedder.__name__)
def test_the_embedder_itself_validates_its_parameters_when_it_is_fitted(made):
    for name in made().get_params():
        embedder = made(weights=None).set_params(**{name: object()})
        with pytest.raises((TypeError, ValueError), match=name):
            embedder.fit(np.zeros((1, 8, 8, 3), np.uint8))


def test_the_tags_say_what_the_embedder_takes():
    tags = get_tags(ResNet50Embedder())
    assert tags.input_tags.one_d_array
    assert tags.input_tags.three_d_array
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert not tags.target_tags.required
    assert tags.requires_fit
    assert tags.transformer_tags.preserves_dtype == ["float32"]


def test_pictures_with_nan_and_pictures_without_pixels_are_refused_by_transform():
    embedder = clone(EMBEDDERS[1]).fit(np.zeros((2, 5)))
    for X in (np.full((2, 5), np.nan), np.full((2, 5), np.inf)):
        with pytest.raises(
            UnreadableImageError, match=r"2 pictures(.|\n)*NaN or infinite"
        ):
            embedder.transform(X)
    with pytest.raises(UnreadableImageError, match="no pixels"):
        clone(embedder).fit_transform(np.zeros((2, 0)))


def test_a_row_hardly_depends_on_the_pictures_beside_it():
    X = np.random.default_rng(0).uniform(0, 255, (20, 30))
    embedder = clone(EMBEDDERS[0])
    together = embedder.fit_transform(X)
    alone = np.concatenate([embedder.transform(X[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-4 * together.max())


def test_what_is_excused_still_exists():
    names = dir(estimator_checks)
    for estimator in CLASSIFIERS + EMBEDDERS:
        assert set(excused(estimator)) <= set(names)
    assert not set(EXCUSED_OF_EMBEDDER) & set(EXCUSED_BY_ROUNDING)
    assert isinstance(EMBEDDERS[0], RowsAsPictures)


def test_inputs_of_the_array_api_give_the_same_results():
    # scipy reads the variable when it is imported, hence the process.
    result = subprocess.run(
        [
            sys.executable,
            str(REPOSITORY / "tools" / "check_estimators.py"),
            "--only=check_array_api_input",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    counts = "1 run, 1 passed, 0 excused, 0 skipped, 0 failed"
    assert result.stdout.count(counts) == len(CLASSIFIERS + EMBEDDERS)

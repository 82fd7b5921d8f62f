"""EmbeddingDisplay: features in two dimensions."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.offsetbox import AnnotationBbox
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline

from skresnet import (
    EmbeddingDisplay,
    ResNet50Embedder,
    UnreadableImageError,
    load_image_folder,
)


def legend(display):
    return [text.get_text() for text in display.legend_.get_texts()]


def boxes(display):
    return [a for a in display.ax_.get_children() if isinstance(a, AnnotationBbox)]


def test_by_default_the_points_are_the_principal_components(features):
    X, y = features
    display = EmbeddingDisplay.from_embedding(X, y)
    np.testing.assert_allclose(
        np.abs(display.coordinates), np.abs(PCA(2).fit_transform(X)), rtol=1e-4
    )
    ratio = PCA(2).fit(X).explained_variance_ratio_
    assert f"({100 * ratio[0]:.0f}% of the variance)" in display.ax_.get_xlabel()
    assert legend(display) == ["bird", "cat", "dog"]
    drawn = [points.get_offsets() for points in display.ax_.collections]
    assert [len(points) for points in drawn] == [(y == c).sum() for c in np.unique(y)]


def test_tsne_is_there_too_and_repeatable(features):
    X, y = features
    X, y = X[::12], y[::12]
    first, second = (
        EmbeddingDisplay.from_embedding(X, y, method="tsne", random_state=0)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.coordinates, second.coordinates)
    assert "t-SNE" in first.ax_.get_xlabel()


def test_small_pictures_stand_at_their_points(colour_model, colour_folder):
    data = load_image_folder(colour_folder / "test")
    display = EmbeddingDisplay.from_estimator(colour_model, data.data, data.target)
    assert display.coordinates.shape == (18, 2)
    assert legend(display) == ["blue", "green", "red"]
    assert len(boxes(display)) == 18
    np.testing.assert_allclose([box.xy for box in boxes(display)], display.coordinates)
    # The last picture is a red one.
    assert np.asarray(display.images[17]).mean(axis=(0, 1)).argmax() == 0


def test_a_search_embeds_by_its_best_estimator(colour_folder):
    data = load_image_folder(colour_folder / "val")
    embedder = ResNet50Embedder(
        weights=None, random_state=0, input_size=32, layer="conv2_block1_out"
    )
    model = make_pipeline(embedder, GaussianNB())
    grid = {"gaussiannb__var_smoothing": [1e-9, 1e-3]}
    search = GridSearchCV(model, grid, cv=2).fit(data.data, data.target)
    np.testing.assert_array_equal(
        EmbeddingDisplay.from_estimator(search, data.data).coordinates,
        EmbeddingDisplay.from_estimator(search.best_estimator_, data.data).coordinates,
    )


def test_the_classes_are_told_apart_by_their_features(colour_model, colour_folder):
    data = load_image_folder(colour_folder / "test")
    display = EmbeddingDisplay.from_estimator(colour_model, data.data, data.target)
    centres = {
        name: display.coordinates[data.target == name].mean(axis=0)
        for name in data.target_names
    }
    for name, point in zip(data.target, display.coordinates, strict=True):
        nearest = min(centres, key=lambda c: np.linalg.norm(point - centres[c]))
        assert nearest == name


@pytest.mark.parametrize(("n_images", "drawn"), [(0, 0), (5, 5), (100, 18)])
def test_no_more_pictures_than_asked_for(colour_folder, n_images, drawn):
    data = load_image_folder(colour_folder / "test")
    X = np.random.default_rng(0).normal(size=(18, 3))
    display = EmbeddingDisplay.from_embedding(X, None, data.data, n_images=n_images)
    assert len(boxes(display)) == drawn
    assert display.legend_ is None


def test_pictures_without_features_or_a_file_are_no_obstacle(features, tmp_path):
    X = features[0][:5].copy()
    X[0] = np.nan
    pictures = [np.zeros((8, 8), np.uint8)] * 4 + [str(tmp_path / "gone.png")]
    display = EmbeddingDisplay.from_embedding(X, list("aabbb"), pictures)
    assert display.coordinates.shape == (4, 2)
    assert len(boxes(display)) == 3
    assert legend(display) == ["a", "b"]


@pytest.mark.parametrize("wrapped", ["model", "embedder", "hidden"])
def test_pictures_that_cannot_be_read_are_left_out_with_a_warning(
    wrapped, colour_model, colour_folder, tmp_path
):
    data = load_image_folder(colour_folder / "test")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    X = [data.data[0], tmp_path / "broken.png", *data.data[1:], tmp_path / "gone.jpg"]
    y = [data.target[0], "red", *data.target[1:], "red"]
    embedder = colour_model["embedder"]
    estimator = {
        "model": colour_model,
        "embedder": embedder,
        "hidden": FeatureUnion([("rows", embedder)]),
    }[wrapped]
    with pytest.warns(UserWarning, match=r"2 of 20 pictures.*X\[1\].*broken\.png"):
        display = EmbeddingDisplay.from_estimator(estimator, X, y)
    whole = EmbeddingDisplay.from_estimator(estimator, data.data, data.target)
    np.testing.assert_allclose(display.coordinates, whole.coordinates, rtol=1e-3)
    assert display.y.tolist() == data.target.tolist()
    assert display.images.keys() == whole.images.keys()


def test_without_a_picture_that_can_be_read_there_is_nothing_to_draw(colour_model):
    with pytest.raises(UnreadableImageError, match="4 pictures cannot be read"):
        EmbeddingDisplay.from_estimator(colour_model, ["gone.png"] * 4)


def test_names_that_matplotlib_would_leave_out_are_in_the_legend(features):
    y = np.where(np.arange(240) < 100, "_a$b$", "c")
    display = EmbeddingDisplay.from_embedding(features[0], y)
    display.figure_.canvas.draw()
    assert legend(display) == ["_a$b$", "c"]


def test_given_axes_and_keywords_are_used(features):
    _, ax = plt.subplots()
    display = EmbeddingDisplay.from_embedding(
        features[0], ax=ax, scatter_kw={"s": 3, "color": "black"}
    )
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.collections[0].get_sizes().tolist() == [3]


def test_what_cannot_be_laid_out_is_an_error(features):
    X, y = features
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        EmbeddingDisplay.from_embedding(X, y[:5])
    with pytest.raises(ValueError, match="2 of 2 rows of features are finite"):
        EmbeddingDisplay.from_embedding(X[:2])


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"method": "umap"}, "'method'.*'tsne'"),
        ({"n_images": -1}, "'n_images'"),
        ({"random_state": "a"}, "'random_state'"),
        ({"y": ["red"]}, "inconsistent numbers of samples"),
    ],
)
def test_wrong_values_are_told_before_a_picture_is_opened(colour_model, wrong, text):
    with pytest.raises(ValueError, match=text):
        EmbeddingDisplay.from_estimator(colour_model, ["gone.png"] * 4, **wrong)

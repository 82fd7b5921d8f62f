"""ClassActivationDisplay: pictures under the maps of what speaks for a class."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skresnet import ClassActivationDisplay, load_image_folder

IMAGES = np.full((3, 4, 6, 3), 90, np.uint8)
MAPS = np.zeros((3, 4, 6), np.float32)
MAPS[0, 1, 2], MAPS[1, 3, 0] = 8.0, 0.5


@pytest.fixture
def display():
    return ClassActivationDisplay(
        IMAGES, MAPS, target=["cat", "dog$", "cat"], probability=[0.9, 0.25, 1]
    )


def test_each_picture_lies_under_its_map_and_names_its_class(display):
    display.plot(n_columns=2)
    titles = [ax.get_title() for ax in display.axes_.flat]
    assert titles == ["cat (0.90)", "dog$ (0.25)", "cat (1.00)", ""]
    assert display.axes_.shape == (2, 2)
    picture, _ = display.axes_[0, 0].images
    np.testing.assert_array_equal(picture.get_array(), IMAGES[0])
    # The highest value of a map is shown alike, whatever it is.
    for panel in display.axes_[0]:
        shown = panel.images[1]
        assert shown.get_array().max() == 1
        assert shown.get_alpha().max() == pytest.approx(0.7)
        assert shown.get_alpha().min() == 0


def test_a_map_of_nothing_is_clear(display):
    made = display.plot().axes_.flat[2].images[1]
    assert made.get_array().max() == 0
    assert made.get_alpha().max() == 0


def test_a_fitted_pipeline_is_explained(colour_model, colour_folder):
    data = load_image_folder(colour_folder / "test")
    shown = data.data[[0, 7]]
    display = ClassActivationDisplay.from_estimator(colour_model, shown, target="red")
    assert list(display.target) == ["red", "red"]
    assert display.method == "grad-cam"
    assert display.images.shape == (2, 32, 32, 3)
    assert display.maps.shape == (2, 32, 32)
    expected = colour_model.predict_proba(shown)[:, 2]
    np.testing.assert_allclose(display.probability, expected, atol=1e-5)


def test_it_divides_axes_that_are_given(display):
    figure, axes = plt.subplots(1, 2)
    display.plot(axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert display.axes_.shape == (1, 3)


def test_wrong_values_are_refused_before_pictures_are_opened(colour_model):
    for wrong in ({"n_columns": 0}, {"alpha": 2}, {"method": "other"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ClassActivationDisplay.from_estimator(colour_model, ["none.png"], **wrong)

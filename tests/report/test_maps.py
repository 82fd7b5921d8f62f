"""Where the model looked, beside the mistakes of a report."""

from base64 import b64decode
from io import BytesIO

import numpy as np
from pages import Page
from PIL import Image

from skresnet import class_activation_maps, load_image_folder, make_report
from skresnet.report.charts import under_map

MAPPED = "what in it speaks for class "


def maps_in(report):
    return [img for img in Page(report.html).all("img") if MAPPED in img["alt"]]


def pixels_of(img):
    content = b64decode(img["src"].split(",")[1])
    return np.asarray(Image.open(BytesIO(content))).astype(float)


def wrongly_labelled(colour_folder, n):
    """Test pictures, of which the first are given another label."""
    data = load_image_folder(colour_folder / "test")
    labels = data.target.copy()
    labels[:n] = "red"
    return data.data, labels


def test_each_mistake_has_a_map_of_its_predicted_class(colour_model, colour_folder):
    X, y = wrongly_labelled(colour_folder, 2)
    report = make_report(colour_model, X, y)
    assert [img["alt"] for img in maps_in(report)] == [MAPPED + "blue"] * 2
    assert "(Grad-CAM)" in Page(report.html).sections["mistakes"]


def test_a_map_lies_on_the_picture_of_its_mistake(colour_model, colour_folder):
    X, y = wrongly_labelled(colour_folder, 1)
    images = Page(make_report(colour_model, X, y).html).all("img")
    place = next(i for i, img in enumerate(images) if MAPPED in img["alt"])
    picture, mapped = pixels_of(images[place - 1]), pixels_of(images[place])
    (made,) = class_activation_maps(colour_model, [X[0]], target="blue").maps
    expected = np.asarray(under_map(Image.fromarray(picture.astype(np.uint8)), made))
    # JPEG changes the pixels a little, twice.
    assert np.abs(mapped - expected).mean() < 8
    assert np.abs(mapped - picture).mean() > 20


def test_a_map_colours_what_it_is_about_alone():
    picture = Image.new("RGB", (40, 40), (90, 90, 90))
    made = np.zeros((40, 40), np.float32)
    made[10:20, 10:20] = 3.0
    changed = np.asarray(under_map(picture, made))
    assert (changed[:10] == 90).all()
    assert (changed[:, 20:] == 90).all()
    red, green, blue = changed[15, 15]
    assert red > 200
    assert green > 200
    assert blue < 150


def test_maps_can_be_left_out(colour_model, colour_folder):
    X, y = wrongly_labelled(colour_folder, 2)
    report = make_report(colour_model, X, y, activation_maps=False)
    assert maps_in(report) == []
    assert "Grad-CAM" not in report.html


def test_a_head_without_a_known_gradient_has_no_maps(pixel_model):
    model, X = pixel_model()
    wrong = np.roll(model.predict(X), 1)
    assert maps_in(make_report(model, X, wrong)) == []

"""The page of a report: whole, self-contained, and safe with any name."""

import re
import sys
from base64 import b64decode
from datetime import date
from io import BytesIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from pages import Page
from PIL import Image
from sklearn.model_selection import GridSearchCV

from skresnet import (
    UnreadableImageError,
    __version__,
    load_image_folder,
    make_report,
)
from skresnet.evaluation import Predictions
from skresnet.report import report_on

NAMES = [
    '<script>alert("x")</script>',
    "R&D 'quotes' $x^",
    "caf\udcff \N{CAT FACE}",
    "\N{HEBREW LETTER ALEF}\u202egpj",
]


@pytest.fixture(scope="module")
def data(colour_folder):
    return load_image_folder(colour_folder / "test")


@pytest.fixture(scope="module")
def report(colour_model, data):
    return make_report(colour_model, data.data, data.target, title="Colours")


@pytest.fixture(scope="module")
def page(report):
    return Page(report.html)


@pytest.fixture(scope="module")
def hostile(pixel_model):
    """A report whose class names and title are hard on HTML, with mistakes."""
    model, X = pixel_model(n_classes=4, names=NAMES)
    y = np.roll(model.predict(X), 2)
    return make_report(model, X, y, title="</title><b>& \udcff")


def test_it_has_its_sections_in_order(page):
    assert list(page.sections) == [
        "accuracy",
        "data",
        "classes",
        "mistakes",
        "labels",
        "reliability",
        "curves",
        "training",
        "loading",
        "advice",
    ]


def test_the_title_says_what_was_evaluated_when_and_with_what(
    colour_model, data, colour_folder
):
    report = make_report(colour_model, data.data, data.target)
    heading = f"ResNet50 and DenseSGDClassifier on {colour_folder.name}/test"
    today = date.today().isoformat()
    assert f"<h1>{heading}</h1>" in report.html
    assert f"<title>{heading}, {today}, skresnet {__version__}</title>" in report.html
    assert str(colour_folder.parent) not in report.html


def test_a_title_of_ones_own_leaves_that_to_the_line_below(report, colour_folder):
    assert "<title>Colours</title>" in report.html
    assert "<h1>Colours</h1>" in report.html
    below = f"DenseSGDClassifier on {colour_folder.name}/test, {date.today()}"
    assert below in report.html


def test_pictures_without_a_folder_are_counted_in_the_title(pixel_model):
    model, X = pixel_model()
    report = make_report(model, X, model.predict(X))
    assert "<h1>ResNet50 and GaussianNB on 12 pictures</h1>" in report.html


def test_mistakes_are_shown_as_the_network_saw_them(pixel_model):
    model, _ = pixel_model(names=["a", "b", "c"], input_size=(48, 40))
    X = np.zeros((2, 60, 120, 3), np.uint8)
    X[:, :, :20] = 255  # cut off by a square from the centre
    y = np.where(model.predict(X) == "a", "b", "a")
    report = make_report(model, X, y)
    assert "stretched to 40 x 48 pixels" in Page(report.html).sections["mistakes"]
    shown = Page(report.html).all("img")[-1]
    pixels = np.asarray(Image.open(BytesIO(b64decode(shown["src"].split(",")[1]))))
    assert pixels.shape == (48, 40, 3)
    assert pixels[:, :5].min() > 200
    assert pixels[:, 9:].max() < 50


def test_nothing_is_fetched_and_nothing_runs(report, hostile):
    for made in (report, hostile):
        page = Page(made.html)
        assert not page.all("script")
        assert not page.all("link")
        assert all(img["src"].startswith("data:image/jpeg") for img in page.all("img"))
        assert "url(http" not in made.html
        for _, attrs in page.elements:
            assert not any(name.startswith("on") for name in attrs)
            assert attrs.get("xlink:href", "#").startswith("#")


def test_every_picture_and_plot_is_described(page, hostile):
    for one, n_charts in ((page, 3), (Page(hostile.html), 1)):
        assert len(one.all("img")) >= 12
        assert all(img["alt"] for img in one.all("img"))
        drawn = [figure for figure in one.all("figure") if figure.get("role") == "img"]
        assert len(drawn) == len(one.all("svg")) == n_charts
        assert all(figure["aria-label"] for figure in drawn)


def test_plots_take_the_colours_of_the_page(report):
    drawn = "".join(re.findall(r"<svg.*?</svg>", report.html, flags=re.DOTALL))
    assert drawn.count("currentColor") > 10
    assert "var(--first)" in drawn
    assert "var(--second)" in drawn
    assert not re.search("#0[0123]0[0123]0[0123]", drawn)


def test_it_says_how_the_model_was_trained(page, colour_model):
    classifier = colour_model["classifier"]
    best = f"{classifier.best_epoch_ + 1} of 15"
    assert f"epoch {best}" in page.sections["curves"]
    assert f"best: {classifier.best_epoch_ + 1}" in page.sections["curves"]
    for fact in (
        "random, never trained",
        str(colour_model["embedder"].weights_.seed),
        "conv2_block1_out",
        "StandardScaler()",
        f"{best}, with a val_loss of {classifier.best_score_:.4f}",
        "(32, 16)",
    ):
        assert fact in page.sections["training"]
    assert 'joblib.load("model.joblib")' in page.sections["loading"]


def test_weights_from_a_file_are_named_by_their_digest(colour_model, data, tmp_path):
    from copy import copy

    from skresnet.weights import ResolvedWeights

    embedder = copy(colour_model["embedder"])
    embedder.weights_ = ResolvedWeights("file", "ab" * 32, "/home/somebody/w.h5")
    model = copy(colour_model)
    model.steps = [("embedder", embedder), *colour_model.steps[1:]]
    report = make_report(model, data.data, data.target)
    assert "ab" * 32 in Page(report.html).sections["training"]
    assert "somebody" not in report.html


def test_a_plain_classifier_has_no_learning_curves_and_that_is_said(hostile):
    page = Page(hostile.html)
    assert "GaussianNB keeps no history" in page.sections["curves"]
    assert "GaussianNB()" in page.sections["training"]


def test_any_name_is_shown_as_it_is(hostile):
    page = Page(hostile.html)
    rows = [row[0] for row in page.tables["classes"][0]]
    assert {
        '<script>alert("x")</script>',
        "R&D 'quotes' $x^",
        "caf\\udcff \N{CAT FACE}",
        "\N{HEBREW LETTER ALEF}\\u202egpj",
    } <= set(rows)
    assert "<title>&lt;/title&gt;&lt;b&gt;&amp; \\udcff</title>" in hostile.html
    assert any("alert(" in img["alt"] for img in page.all("img"))


def test_it_is_saved_as_it_is(hostile, tmp_path):
    path = hostile.save(tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == hostile.html


def test_notebooks_show_it_in_a_frame_of_its_own(report):
    ((tag, attrs),) = Page(report._repr_html_()).elements
    assert tag == "iframe"
    assert "allow" not in attrs["sandbox"]
    base = '<base href="about:srcdoc">'
    assert base in attrs["srcdoc"]
    assert attrs["srcdoc"].replace(f"\n{base}", "") == report.html


def test_the_same_model_and_pictures_make_the_same_page(report, colour_model, data):
    again = make_report(colour_model, data.data, data.target, title="Colours")
    assert again.html == report.html


def test_another_random_state_shows_other_examples_and_the_same_numbers(pixel_model):
    model, X = pixel_model(n_classes=2, n_pictures=12)
    y = model.predict(X)
    one, other = (Page(make_report(model, X, y, random_state=i).html) for i in (0, 1))
    assert one.all("img") != other.all("img")
    assert one.sections == other.sections


def test_pictures_that_cannot_be_read_are_listed_and_not_counted(
    colour_model, data, tmp_path
):
    broken = tmp_path / "<b>broken.png"
    broken.write_bytes(b"no picture")
    X = [str(broken), *data.data, str(tmp_path / "gone.png")]
    y = ["red", *data.target, "blue"]
    with pytest.warns(UserWarning, match="2 of 20 pictures cannot be read"):
        page = Page(make_report(colour_model, X, y).html)
    assert "2 pictures cannot be read" in page.sections["data"]
    assert "<b>broken.png: no image format" in page.sections["data"]
    assert "gone.png: no such file" in page.sections["data"]
    assert "of 18 pictures" in page.sections["accuracy"]


def test_an_embedder_that_gives_rows_of_nan_is_reported_on_alike(pixel_model):
    model, X = pixel_model(on_error="nan")
    y = model.predict(X)
    with pytest.warns(UserWarning, match=r"1 of 13 pictures.*no-such\.png"):
        page = Page(make_report(model, [*X, "no-such.png"], [*y, y[0]]).html)
    assert "12 of 12 pictures" in page.sections["accuracy"]
    assert "every picture was predicted right" in page.sections["mistakes"]
    assert model[0].on_error == "nan"


def test_if_no_picture_can_be_read_there_is_no_report(colour_model):
    with pytest.raises(UnreadableImageError, match=r"no-such\.png"):
        make_report(colour_model, ["no-such.png"], ["red"])


def test_classes_that_only_the_model_or_only_the_data_have_are_named(
    colour_model, data
):
    y = np.where(data.target == "green", "mauve", data.target)
    page = Page(make_report(colour_model, data.data, y).html)
    assert "does not know the class mauve" in page.sections["data"]
    assert "there is no picture of green" in page.sections["data"]
    rows = {row[0]: row[1:] for row in page.tables["classes"][0]}
    assert rows["mauve"][1] == "0.000"
    assert rows["green"][1] == "\N{EN DASH}"
    assert "(unknown to the model)" in page.sections["mistakes"]


def test_a_search_is_reported_on_by_its_best_estimator(pixel_model):
    model, X = pixel_model()
    y = model.predict(X)
    grid = {"gaussiannb__var_smoothing": [1e-9, 1e-6]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert (
        make_report(search, X, y).html == make_report(search.best_estimator_, X, y).html
    )


def test_it_stays_small_with_large_noisy_pictures(pixel_model):
    model, _ = pixel_model(n_classes=12)
    noise = np.random.default_rng(0).integers(0, 256, (60, 500, 500, 3), np.uint8)
    y = np.resize(model.classes_, 60)
    report = make_report(model, list(noise), y)
    assert report.html.count("<img") == 84
    assert len(report.html.encode()) < 2_000_000


def test_no_figure_is_left_and_no_style_changed(report, colour_model, data):
    figures = plt.get_fignums()
    with mpl.rc_context({"text.usetex": True, "axes.facecolor": "black"}):
        style = dict(mpl.rcParams)
        again = make_report(colour_model, data.data, data.target, title="Colours")
        assert dict(mpl.rcParams) == style
    assert plt.get_fignums() == figures
    assert again.html == report.html


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_without_a_package_it_says_how_to_install_it(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"make_report.*pip install {package}"):
        make_report(None, None, None)


def test_grey_pictures_and_pil_images_are_welcome(pixel_model):
    model, X = pixel_model()
    y = model.predict(X)
    pictures = [Image.fromarray(x) for x in X[:6]] + [x[..., 0] for x in X[6:]]
    page = Page(make_report(model, pictures, y).html)
    assert len(page.all("img")) >= 12


def test_many_classes_and_failures_are_cut_short_and_counted(pixel_model, tmp_path):
    model, X = pixel_model(n_classes=62, n_pictures=2)
    y = model.predict(X)
    gone = [tmp_path / f"{index}.png" for index in range(53)]
    with pytest.warns(UserWarning, match="53 of 177 pictures"):
        page = Page(make_report(model, [*X, *gone], [*y, *y[:53]]).html)
    assert "53 pictures cannot be read" in page.sections["data"]
    assert "and 3 more" in page.sections["data"]
    assert page.sections["data"].count("no such file") == 50
    of_classes = [img for img in page.all("img") if "predicted" not in img["alt"]]
    assert len(of_classes) == 60
    assert len({img["alt"] for img in of_classes}) == 60


def test_classes_may_be_numbers(pixel_model):
    model, X = pixel_model(names=[3, 1, 2])
    y = np.roll(model.predict(X), 4)
    page = Page(make_report(model, X, y).html)
    assert [row[0] for row in page.tables["classes"][0][1:4]] == ["1", "2", "3"]
    assert "12 of 12 mistakes" in page.sections["mistakes"]


def test_probabilities_that_rounding_puts_above_one_are_drawn(pixel_model):
    model, X = pixel_model(n_classes=2)
    y = model.predict(X)
    above = (y[:, None] == model.classes_) * np.float32(1.0000001)
    predictions = Predictions.from_probabilities(X, y, above, model.classes_)
    page = Page(report_on(model, predictions).html)
    assert ["100.0%", "100.0%", "8"] in page.tables["reliability"][0]


@pytest.mark.parametrize(
    "wrong", [{"n_mistakes": -1}, {"random_state": "a"}, {"title": 1}]
)
def test_wrong_values_are_told_before_a_picture_is_opened(colour_model, wrong):
    with pytest.raises(ValueError, match=f"'{next(iter(wrong))}'"):
        make_report(colour_model, ["gone.png"], ["red"], **wrong)

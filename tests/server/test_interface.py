"""What programs get for their pictures."""

import json
from base64 import b64decode, b64encode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from skresnet import class_activation_maps, load_image_folder
from skresnet.reading import Resizing


@pytest.fixture(scope="module")
def pictures(colour_folder):
    return sorted((colour_folder / "test").glob("*/*.png"))


@pytest.fixture(scope="module")
def red(colour_folder):
    return colour_folder / "test" / "red" / "00.png"


@pytest.fixture(scope="module")
def novel():
    """What is unlike the noisy pictures of one colour: stripes."""
    pixels = np.zeros((40, 48, 3), np.uint8)
    pixels[::4] = 255
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def image_in(address):
    kind, _, data = address.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(BytesIO(b64decode(data)))


def encoded(path):
    return b64encode(path.read_bytes()).decode()


def test_files_get_the_probabilities_of_predict_proba(server, pictures, colour_model):
    answer = server.predict(*pictures)
    assert answer.status == 200
    answers = answer.json["pictures"]
    assert [each["name"] for each in answers] == [path.name for path in pictures]
    expected = colour_model.predict_proba([str(path) for path in pictures])
    for each, row in zip(answers, expected, strict=True):
        found = {p["class"]: p["probability"] for p in each["predictions"]}
        ordered = [p["probability"] for p in each["predictions"]]
        assert ordered == sorted(ordered, reverse=True)
        np.testing.assert_allclose(
            [found[name] for name in colour_model.classes_], row, atol=1e-6
        )


def test_base64_in_json_is_as_good(server, pictures):
    sent = [{"name": path.name, "content": encoded(path)} for path in pictures]
    answer = server.predict_json({"pictures": sent})
    assert answer.status == 200
    assert answer.json == server.predict(*pictures).json


def test_base64_may_be_in_lines_and_names_may_be_left_out(server, red):
    text = encoded(red)
    lines = "\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    answer = server.predict_json({"pictures": [{"content": lines}]})
    assert answer.json["pictures"][0]["name"] == "picture 1"
    assert answer.json["pictures"][0]["predictions"][0]["class"] == "red"


def test_novelty_is_that_of_the_model(server, red, novel, colour_model):
    answers = server.predict(red, ("stripes.png", novel)).json["pictures"]
    expected = colour_model.novelty([str(red), novel])
    assert [each["novelty"] for each in answers] == pytest.approx(expected, abs=1e-5)
    assert [each["is_novel"] for each in answers] == [False, True]


def test_top_limits_the_classes(server, red):
    answer = server.predict(red, query="?top=2").json["pictures"][0]
    assert [p["class"] for p in answer["predictions"]][:1] == ["red"]
    assert len(answer["predictions"]) == 2


@pytest.mark.parametrize("query", ["?top=0", "?top=many", "?top=-1", "?thumbnail=1"])
def test_parameters_have_their_values_or_are_refused_by_name(server, red, query):
    answer = server.predict(red, query=query)
    assert answer.status == 422
    assert query[1:].partition("=")[0] in answer.json["error"]


def test_a_thumbnail_is_the_upright_picture(server):
    image = Image.new("RGB", (1000, 500), "red")
    image.paste("blue", (0, 0, 500, 500))
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6  # held upright: to be turned by a quarter
    image.save(file, "JPEG", exif=exif)
    answer = server.predict(("a.jpg", file.getvalue()), query="?thumbnail=true")
    shown = image_in(answer.json["pictures"][0]["thumbnail"])
    assert shown.size == (256, 512)
    assert shown.getpixel((128, 50))[2] > 200  # blue above


def test_an_activation_is_the_map_of_the_predicted_class(server, red, colour_model):
    query = "?thumbnail=true&activation=true&top=1"
    (answer,) = server.predict(red, query=query).json["pictures"]
    found = class_activation_maps(colour_model, [str(red)])
    assert answer["predictions"][0]["class"] == found.target[0]
    activation = image_in(answer["activation"])
    assert activation.size == image_in(answer["thumbnail"]).size
    seen = np.asarray(activation.resize((32, 32), Image.Resampling.BOX), float)
    expected = found.maps[0] / found.maps[0].max()
    assert np.abs(seen / 255 - expected).mean() < 0.05
    assert np.corrcoef(seen.ravel(), expected.ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    ("aspect", "size", "box"),
    [
        ("stretch", (60, 30), (0, 0, 60, 30)),
        ("crop", (60, 30), (15, 0, 45, 30)),
        ("crop", (30, 60), (0, 15, 30, 45)),
        ("pad", (60, 30), (0, 0, 60, 30)),
        ("pad", (30, 60), (0, 0, 30, 60)),
    ],
)
def test_an_activation_lies_where_the_network_saw_the_picture(aspect, size, box):
    from skresnet.server.predictor import _placed

    # A mark on each side of what the network sees, of a map that falls to the right.
    activation = np.linspace(1, 0.5, 32, dtype=np.float32) * np.ones((32, 1))
    placed = np.asarray(_placed(activation, size, Resizing((32, 32), aspect=aspect)))
    assert placed.shape == size[::-1]
    left, top, right, bottom = box
    part = placed[top:bottom, left:right].astype(float)
    assert part.min() > 100
    assert placed.sum() == part.sum()
    assert (np.diff(part.mean(axis=0)) <= 0).all()
    if aspect != "pad" or size == (60, 30):
        assert part[:, 0].mean() > 240
        assert part[:, -1].mean() < 140
    else:  # only the middle half of the map is about the picture
        assert part[:, 0].mean() == pytest.approx(255 * 0.87, abs=6)
        assert part[:, -1].mean() == pytest.approx(255 * 0.63, abs=6)


def test_what_cannot_be_read_is_told_by_name_beside_the_others(server, red):
    secret = b"my password is swordfish"
    cut = red.read_bytes()[:-200]
    answer = server.predict(("notes.txt", secret), red, ("cut.png", cut), ("none", b""))
    assert answer.status == 200
    notes, whole, damaged, empty = answer.json["pictures"]
    assert notes["name"] == "notes.txt"
    assert "no image format" in notes["error"]
    assert whole["predictions"][0]["class"] == "red"
    assert "ends early" in damaged["error"]
    assert "zero bytes" in empty["error"]
    assert b"swordfish" not in answer.content


def test_suspicious_pictures_have_a_warning_of_their_own(server, red):
    grey = Image.fromarray(np.arange(48 * 40, dtype=np.uint16).reshape(40, 48))
    file = BytesIO()
    grey.save(file, "PNG")
    answers = server.predict(("xray.png", file.getvalue()), red).json["pictures"]
    assert "16" in answers[0]["warning"]
    assert "warning" not in answers[1]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("C:\\Users\\me\\a.png", "a.png"),
        ("/home/me/a.png", "a.png"),
        ("\u202egnp.a", "\\u202egnp.a"),
        ("ä" * 300 + ".png", "ä" * 255),
    ],
)
def test_names_are_the_last_part_and_hide_nothing(server, red, sent, told):
    picture = {"name": sent, "content": encoded(red)}
    answer = server.predict_json({"pictures": [picture]})
    assert answer.json["pictures"][0]["name"] == told


def test_health_and_model_tell_what_is_there(server, colour_model):
    assert server.get("/health").json["status"] == "ok"
    model = server.get("/model").json
    assert model["name"] == "colours"
    assert model["classes"] == list(colour_model.classes_)
    assert model["network"] == "resnet50"
    assert model["input_size"] == [32, 32]
    assert model["has_novelty"]
    assert model["limits"]["max_bytes"] == 4 * 2**20


def test_errors_are_json_at_every_address(server):
    nothing = server.get("/etc/passwd")
    assert (nothing.status, "/openapi.json" in nothing.json["error"]) == (404, True)
    assert server.get("/../../etc/passwd").status == 404
    wrong = server.get("/predict")
    assert (wrong.status, "method" in wrong.json["error"]) == (405, True)


def test_the_model_that_is_served_is_left_as_it_is(colour_model, colour_folder):
    from skresnet.server import make_app

    before = json.dumps(colour_model.get_params(), default=repr)
    make_app(colour_model)
    assert json.dumps(colour_model.get_params(), default=repr) == before
    data = load_image_folder(colour_folder / "test")
    assert colour_model.score(data.data, data.target) > 0.9


def test_a_model_of_another_kind_is_an_error():
    from sklearn.linear_model import LogisticRegression

    from skresnet.server import make_app

    with pytest.raises(TypeError, match="LogisticRegression cannot be served"):
        make_app(LogisticRegression())

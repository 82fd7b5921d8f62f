"""Copies within a data set and between training and test pictures."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from skresnet import find_duplicates, find_leakage

ALLOWED = 0.05  # of false alarms: these pictures vary less than photographs


def scene(generator):
    """A picture with much of the coarse and little of the fine, as photographs are."""
    pixels = np.full((120, 160, 3), 128.0)
    for side in (2, 4, 8, 16, 32):
        for channel in range(3):
            grid = generator.normal(0, 80 / np.sqrt(side), (side, side))
            image = Image.fromarray(grid.astype(np.float32))
            image = image.resize((160, 120), Image.Resampling.BICUBIC)
            pixels[..., channel] += np.asarray(image)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def scenes():
    generator = np.random.default_rng(0)
    return [scene(generator) for _ in range(200)]


def recompressed(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=30)
    return Image.open(file)


ALTERATIONS = {
    "recompressed": recompressed,
    "halved": lambda image: image.resize((80, 60)),
    "cropped": lambda image: image.crop((16, 12, 144, 108)),
    "cropped at a corner": lambda image: image.crop((0, 0, 140, 105)),
    "mirrored": ImageOps.mirror,
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_an_altered_copy_is_found_and_little_else(scenes, alteration):
    copy = ALTERATIONS[alteration](scenes[20])
    found = find_duplicates([*scenes, copy])
    assert found[0][:3] == (20, len(scenes), "near")
    assert 0 <= found[0].distance < 0.1
    assert len(found) <= 1 + ALLOWED * len(scenes)


def test_the_same_bytes_are_exact_copies_whatever_the_file_is_called(scenes, tmp_path):
    paths = [tmp_path / f"{index}.png" for index in range(30)]
    for path, image in zip(paths, scenes, strict=False):
        image.save(path)
    for name in ("again.png", "and again.jpg"):
        paths.append(shutil.copy(paths[4], tmp_path / name))
    found = [pair for pair in find_duplicates(paths) if pair.kind == "exact"]
    assert found == [(4, 30, "exact", 0.0), (4, 31, "exact", 0.0)]


def test_near_copies_come_after_exact_ones_the_closest_first(scenes):
    pictures = [
        *scenes,
        ALTERATIONS["cropped"](scenes[5]),
        ALTERATIONS["mirrored"](scenes[2]),
        scenes[3].copy(),
    ]
    found = find_duplicates(pictures)
    assert [pair[:3] for pair in found[:3]] == [
        (3, 202, "exact"),
        (2, 201, "near"),
        (5, 200, "near"),
    ]
    assert found[1].distance < found[2].distance


def test_many_copies_do_not_hide_each_other(scenes):
    copies = [recompressed(image) for image in scenes[:60]]
    found = find_duplicates([*scenes, *copies])
    assert {pair[:2] for pair in found[:60]} == {(row, 200 + row) for row in range(60)}


def test_few_pictures_are_compared_by_their_bytes_alone(scenes):
    few = [*scenes[:5], scenes[0].copy(), ImageOps.mirror(scenes[1])]
    assert [pair[:3] for pair in find_duplicates(few)] == [(0, 5, "exact")]


def test_a_higher_false_alarm_rate_lists_more(scenes):
    few, many = (
        len(find_duplicates(scenes, false_alarm_rate=rate)) for rate in (0.001, 0.3)
    )
    assert few <= ALLOWED * len(scenes)
    assert many > 0.1 * len(scenes)


def test_pictures_of_one_colour_are_not_near_each_other(scenes):
    plain = [Image.new("RGB", (20, 20), (shade,) * 3) for shade in (0, 90, 255)]
    pictures = [*scenes, *plain]
    assert not [pair for pair in find_duplicates(pictures) if pair.second >= 200]


def test_leakage_names_each_test_picture_with_its_training_picture(scenes):
    train, test = scenes[:150], scenes[150:170]
    leaked = [*test, train[7].copy(), ALTERATIONS["halved"](train[9]), train[7].copy()]
    found = find_leakage(train, leaked)
    assert [pair[:3] for pair in found] == [
        (7, 20, "exact"),
        (7, 22, "exact"),
        (9, 21, "near"),
    ]
    assert find_leakage(train, test) == []


def test_copies_within_one_side_are_no_leakage(scenes):
    train = [*scenes[:150], scenes[0].copy()]
    assert find_leakage(train, [*scenes[150:170], scenes[151].copy()]) == []


def test_pictures_that_cannot_be_read_are_counted_and_left_out(scenes, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    pictures = [str(broken), *scenes[:10], scenes[3].copy()]
    with pytest.warns(UserWarning, match=r"1 of 12 pictures of X .*broken\.jpg"):
        found = find_duplicates(pictures)
    assert [pair[:2] for pair in found] == [(4, 11)]


def test_several_threads_find_the_same(scenes):
    pictures = [*scenes, ALTERATIONS["cropped"](scenes[1]), scenes[3].copy()]
    assert find_duplicates(pictures, n_jobs=3) == find_duplicates(pictures)


@pytest.mark.parametrize("rate", [0, 0.5, "few"])
def test_a_rate_that_is_none_is_refused_by_its_name(scenes, rate):
    with pytest.raises(ValueError, match="false_alarm_rate"):
        find_duplicates(scenes, false_alarm_rate=rate)

from io import BytesIO

import numpy as np
import pytest
from bad_pictures import encoded, noise
from PIL import Image

from skresnet.reading import ASPECTS, INTERPOLATIONS, Resizing, as_pictures


def pixels_of(path, **resizing):
    (picture,) = as_pictures([path])
    return picture.load().pixels(Resizing(**resizing))


def smooth(height, width):
    """A picture on which a smaller scale of decoding makes little difference."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return Image.fromarray((np.stack([x, y, x * y], axis=-1) * 255).astype(np.uint8))


def file_of(folder, image, format_="JPEG"):
    path = folder / "picture"
    path.write_bytes(encoded(image, format_))
    return path


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_a_picture_is_resized_as_keras_load_img_resizes_it(
    tmp_path, format_, interpolation
):
    path = file_of(tmp_path, noise(375, 500), format_)
    image = Image.open(BytesIO(path.read_bytes()))
    filter_ = Image.Resampling[interpolation.upper()]
    expected = np.asarray(image.resize((224, 200), filter_))
    pixels = pixels_of(path, input_size=(200, 224), interpolation=interpolation)
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    ("height", "width", "box"),
    [
        (375, 500, (62, 0, 437, 375)),
        (500, 375, (0, 62, 375, 437)),
        (300, 300, (0, 0, 300, 300)),
    ],
)
def test_crop_takes_the_largest_centred_part(tmp_path, height, width, box):
    image = noise(height, width)
    expected = image.resize((224, 224), Image.Resampling.BILINEAR, box=box)
    pixels = pixels_of(file_of(tmp_path, image, "PNG"), aspect="crop")
    np.testing.assert_array_equal(pixels, np.asarray(expected))


@pytest.mark.parametrize(
    ("height", "width", "inside"),
    [
        (40, 80, np.s_[10:30, :]),
        (80, 40, np.s_[:, 10:30]),
        (1, 5000, np.s_[19:20, :]),
    ],
)
def test_pad_centres_the_whole_picture_on_black(tmp_path, height, width, inside):
    path = file_of(tmp_path, Image.new("RGB", (width, height), "white"), "PNG")
    pixels = pixels_of(path, input_size=(40, 40), aspect="pad")
    expected = np.zeros((40, 40, 3), np.uint8)
    expected[inside] = 255
    np.testing.assert_array_equal(pixels, expected)


def test_a_float_array_is_padded_with_black_too():
    array = np.full((40, 80, 3), 200.5)
    (picture,) = as_pictures([array])
    pixels = picture.load().pixels(Resizing(input_size=(40, 40), aspect="pad"))
    assert (pixels[10:30] == 200.5).all()
    assert (pixels[:10] == 0).all()


@pytest.mark.parametrize("aspect", ASPECTS)
def test_extreme_shapes_reach_the_size(tmp_path, aspect):
    for size in [(1, 5000), (5000, 1), (1, 1)]:
        path = file_of(tmp_path, Image.new("RGB", size, "red"), "PNG")
        pixels = pixels_of(path, input_size=(11, 31), aspect=aspect)
        assert pixels.shape == (11, 31, 3)
        assert tuple(pixels[5, 15]) == (255, 0, 0)


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_scaled_decoding_gives_nearly_the_same_pixels(tmp_path, mode, aspect):
    path = file_of(tmp_path, smooth(900, 1300).convert(mode))
    scaled = pixels_of(path, aspect=aspect).astype(int)
    full = pixels_of(path, aspect=aspect, scaled_decoding=False).astype(int)
    assert (scaled != full).any()
    assert abs(scaled - full).mean() < 1
    assert abs(scaled - full).max() < 12


@pytest.mark.parametrize(
    ("size", "aspect", "scale"),
    [
        ((1792, 1792), "stretch", 8),
        ((1791, 1792), "stretch", 4),
        ((447, 4000), "stretch", 1),
        ((1000, 448), "crop", 2),
        ((1000, 447), "crop", 1),
        ((896, 100), "pad", 4),
    ],
)
def test_a_jpeg_is_decoded_at_the_smallest_scale_that_covers(
    tmp_path, size, aspect, scale
):
    path = file_of(tmp_path, smooth(size[1], size[0]))
    image = Image.open(BytesIO(path.read_bytes()))
    image.draft(None, (size[0] // scale, size[1] // scale))
    assert image.size == tuple(-(-side // scale) for side in size)
    scaled = tmp_path / "scaled.png"
    image.save(scaled)
    expected = pixels_of(scaled, aspect=aspect)
    np.testing.assert_array_equal(pixels_of(path, aspect=aspect), expected)


def test_nearest_interpolation_never_decodes_at_a_smaller_scale(tmp_path):
    path = file_of(tmp_path, noise(900, 900))
    expected = Image.open(path).resize((224, 224), Image.Resampling.NEAREST)
    pixels = pixels_of(path, interpolation="nearest")
    np.testing.assert_array_equal(pixels, np.asarray(expected))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"input_size": (224, 0)}, r"input_size is \(224, 0\)"),
        ({"input_size": (224, 224, 3)}, "two positive integers"),
        ({"interpolation": "linear"}, "'linear'; expected one of nearest, bilinear"),
        ({"aspect": "squash"}, "'squash'; expected one of stretch, crop, pad"),
    ],
)
def test_a_resizing_says_which_parameter_is_wrong(parameters, words):
    with pytest.raises(ValueError, match=words):
        Resizing(**parameters)

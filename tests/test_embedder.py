"""ResNet50Embedder: the same features as Keras, from everything that X may be."""

import pickle
import tempfile
import threading
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_sample_images
from sklearn.exceptions import NotFittedError

from skresnet import ResNet50Embedder

SIZE = (64, 48)


def small(**params):
    defaults = {"weights": None, "random_state": 0, "input_size": SIZE}
    return ResNet50Embedder(**{**defaults, **params})


def relative_difference(found, expected):
    return (np.abs(found - expected).max(axis=1) / np.abs(expected).max(axis=1)).max()


@pytest.fixture(scope="module")
def photographs():
    """Five cuts of real photographs, uint8 of shape (5, 80, 100, 3)."""
    china, flower = load_sample_images().images
    cuts = [china[:80, :100], china[200:280, 300:400], china[340:420, 500:600]]
    return np.stack([*cuts, flower[150:230, 250:350], flower[:80, 500:600]])


@pytest.fixture(scope="module")
def files(photographs, tmp_path_factory):
    """The photographs as files, alternately JPEG and PNG."""
    folder = tmp_path_factory.mktemp("photographs")
    paths = []
    for index, pixels in enumerate(photographs):
        paths.append(str(folder / f"{index}.{('jpg', 'png')[index % 2]}"))
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def weights_file():
    """Keras' ResNet50 with weights and statistics that are all non-trivial."""
    model = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg")
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights(
                [
                    generator.uniform(0.5, 1.5, shape),
                    generator.normal(0, 0.2, shape),
                    generator.normal(0, 0.2, shape),
                    generator.uniform(0.5, 1.5, shape),
                ]
            )
    with tempfile.TemporaryDirectory() as folder:  # 95 MB, not to be kept
        path = Path(folder) / "resnet50.weights.h5"
        model.save_weights(path)
        yield path


def keras_features(model, images):
    """What Keras computes, with images loaded and prepared by Keras itself."""
    height, width = SIZE
    batch = np.stack(
        [
            keras.utils.img_to_array(
                keras.utils.load_img(
                    path, target_size=(height, width), interpolation="bilinear"
                )
            )
            for path in images
        ]
    )
    prepared = keras.applications.resnet.preprocess_input(batch)
    return model.predict(prepared, verbose=0)


@pytest.mark.parametrize("layer", ["avg_pool", "conv3_block2_out"])
@pytest.mark.parametrize("source", ["random weights", "weights file"])
def test_features_of_files_equal_those_of_keras(layer, source, files, weights_file):
    weights = None if source == "random weights" else weights_file
    embedder = small(weights=weights, layer=layer).fit(files)
    if weights is None:
        model = embedder.keras_model()
    else:
        whole = keras.applications.ResNet50(
            weights=None, include_top=False, pooling="avg", input_shape=(*SIZE, 3)
        )
        whole.load_weights(weights)
        model = keras.Model(whole.input, whole.get_layer(layer).output)
    expected = keras_features(model, files)
    if expected.ndim == 4:
        expected = expected.mean(axis=(1, 2))
    found = embedder.transform(files)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert relative_difference(found, expected) < 1e-4


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_features_of_arrays_equal_those_of_keras(dtype, photographs):
    pixels = photographs[:, : SIZE[0], : SIZE[1]].astype(dtype)
    if dtype != np.uint8:
        pixels = pixels * dtype(0.99)  # not whole numbers any more
    embedder = small().fit(pixels)
    prepared = keras.applications.resnet.preprocess_input(pixels.astype(np.float32))
    expected = embedder.keras_model().predict(prepared, verbose=0)
    assert relative_difference(embedder.transform(pixels), expected) < 1e-4


def test_the_way_of_the_original_notebook_is_a_parameter_each(files):
    embedder = small(preprocessing=None, interpolation="nearest").fit(files)
    batch = np.stack(
        [
            keras.utils.img_to_array(
                keras.utils.load_img(path, target_size=SIZE, interpolation="nearest")
            )
            for path in files
        ]
    )
    expected = embedder.keras_model().predict(batch, verbose=0)
    assert relative_difference(embedder.transform(files), expected) < 1e-4


@pytest.mark.parametrize("pooling", ["avg", "max", "flatten"])
def test_an_inner_layer_is_pooled_or_flattened(pooling, files):
    embedder = small(layer="conv4_block1_out", pooling=pooling).fit(files)
    maps = keras_features(embedder.keras_model(), files)
    expected = {
        "avg": maps.mean(axis=(1, 2)),
        "max": maps.max(axis=(1, 2)),
        "flatten": maps.reshape(len(maps), -1),
    }[pooling]
    found = embedder.transform(files)
    assert relative_difference(found, expected) < 1e-4
    assert len(embedder.get_feature_names_out()) == expected.shape[1]


def test_everything_that_x_may_be_gives_the_same_features(photographs, tmp_path):
    paths = []
    for index, pixels in enumerate(photographs):
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray(pixels).save(paths[-1])
    names = [str(path) for path in paths]
    images = [Image.fromarray(pixels) for pixels in photographs]
    embedder = small().fit(names)
    expected = embedder.transform(names)
    for X in (
        paths,
        np.array(names),
        np.array(names, dtype=object),
        pd.Series(names),
        pl.Series(names),
        photographs,
        list(photographs),
        images,
        [names[0], photographs[1], images[2], paths[3], photographs[4]],
    ):
        np.testing.assert_array_equal(embedder.transform(X), expected)


def test_grey_arrays_equal_their_colour_version(photographs):
    grey = photographs[..., 0]
    embedder = small().fit(grey)
    colour = np.repeat(grey[..., None], 3, axis=-1)
    np.testing.assert_array_equal(embedder.transform(grey), embedder.transform(colour))


def test_arrays_of_different_sizes_go_together(photographs):
    X = [photographs[0], photographs[1][:70, :60], photographs[2][:, :90]]
    embedder = small().fit(X)
    alone = [embedder.transform([picture]) for picture in X]
    np.testing.assert_allclose(
        embedder.transform(X), np.concatenate(alone), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    "params", [{"batch_size": 2}, {"n_jobs": 2}, {"batch_size": 5}]
)
def test_batches_and_threads_do_not_change_order_or_values(files, params):
    X = files * 3
    np.testing.assert_allclose(
        small(**params).fit_transform(X),
        small().fit_transform(X),
        rtol=1e-4,
        atol=1e-5,
    )


def test_fit_transform_equals_fit_then_transform(files):
    together = small().fit_transform(files)
    np.testing.assert_array_equal(small().fit(files).transform(files), together)


def test_random_weights_are_fixed_by_random_state(files):
    first, again, other = (
        small(random_state=state).fit_transform(files) for state in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_clones_share_one_network(files):
    from skresnet.backbone import load_backbone

    embedder = small().fit(files)
    backbones = {
        id(load_backbone(e._backbone)) for e in (embedder, clone(embedder).fit(files))
    }
    assert len(backbones) == 1


def test_the_network_is_no_part_of_a_pickle(files):
    embedder = small()
    expected = embedder.fit_transform(files)
    text = pickle.dumps(embedder)
    assert len(text) < 250_000  # what it keeps of the pictures; the network has 31 MB
    assert len(pickle.dumps(small().fit(files))) < 5000
    np.testing.assert_array_equal(pickle.loads(text).transform(files), expected)


def test_feature_names_and_set_output(files):
    embedder = small().fit(files)
    names = embedder.get_feature_names_out()
    assert names[0] == "resnet50embedder0"
    assert len(names) == 2048
    frame = small().set_output(transform="pandas").fit_transform(files)
    assert frame.shape == (5, 2048)
    assert frame.columns.tolist() == names.tolist()


def test_summary_shows_the_architecture_before_any_fit():
    lines = []
    ResNet50Embedder().summary(print_fn=lambda text, **_: lines.append(text))
    text = "\n".join(lines)
    assert "conv5_block3_out" in text
    assert "avg_pool" in text


def test_verbose_shows_progress_and_where_rows_came_from(files, capsys):
    small(verbose=1).fit_transform([*files, files[0]])
    captured = capsys.readouterr()
    assert "6 pictures: 0 from the cache, 5 computed, 1 duplicates." in captured.out
    assert "picture/s" in captured.err


def test_transform_before_fit_is_named():
    with pytest.raises(NotFittedError):
        small().transform(["any.png"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"layer": "avgpool"}, "avg_pool"),
        ({"pooling": "mean"}, "pooling"),
        ({"input_size": (16, 16)}, "input_size"),
        ({"input_size": (224,)}, "input_size"),
        ({"interpolation": "linear"}, "interpolation"),
        ({"aspect": "keep"}, "aspect"),
        ({"preprocessing": "tf"}, "preprocessing"),
        ({"precision": "float16"}, "precision"),
        ({"batch_size": 0}, "batch_size"),
        ({"on_error": "ignore"}, "on_error"),
        ({"weights": "no/such.weights.h5"}, r"no/such\.weights\.h5"),
    ],
)
def test_a_bad_parameter_is_named_by_fit(params, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        small(**params).fit(["any.png"])


def test_a_failed_fit_leaves_the_previous_one(files):
    embedder = small()
    expected = embedder.fit_transform(files)
    with pytest.raises(ValueError, match="layer"):
        embedder.set_params(layer="none").fit(files)
    np.testing.assert_array_equal(embedder.transform(files), expected)


def test_two_threads_on_one_embedder_get_the_right_rows(files, photographs):
    embedder = small().fit(files)
    expected = embedder.transform(files), embedder.transform(photographs[::-1])
    found = {}

    def work(name, X):
        found[name] = [embedder.transform(X) for _ in range(3)]

    threads = [
        threading.Thread(target=work, args=args)
        for args in (("files", files), ("arrays", photographs[::-1]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, rows in zip(("files", "arrays"), expected, strict=True):
        for again in found[name]:
            np.testing.assert_array_equal(again, rows)


def test_real_photographs_all_get_a_row(shared_data):
    from skresnet import load_image_folder

    pictures = load_image_folder(shared_data / "cats-dogs" / "val")
    rows = small(layer="conv2_block1_out").fit_transform(pictures.data)
    assert rows.shape == (80, 256)
    assert np.isfinite(rows).all()
    assert Path(pictures.data[0]).is_file()

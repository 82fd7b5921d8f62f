"""What users see of pictures that cannot be read, at every public door."""

import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image, ImageFile
from small import noise, small_embedder, small_pipeline

from skresnet import UnreadableImageError, load_image_folder

READING_TESTS = str(Path(__file__).parents[1] / "reading")


@pytest.fixture
def paths(tmp_path):
    """Six pictures and, behind each of them, a file that is none."""
    paths = []
    for index, pixels in enumerate(noise(6)):
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
        (tmp_path / f"{index}.jpg").write_text("not a picture")
        paths += [str(tmp_path / f"{index}.png"), str(tmp_path / f"{index}.jpg")]
    return paths


def test_the_error_shows_twenty_and_holds_all_of_them(paths, tmp_path):
    missing = [str(tmp_path / f"missing {i}.png") for i in range(24)]
    embedder = small_embedder().fit(paths)
    with pytest.raises(UnreadableImageError, match="30 pictures cannot") as caught:
        embedder.transform(paths + missing)
    positions = [failure.position for failure in caught.value.failures]
    assert positions == [*range(1, 12, 2), *range(12, 36)]
    lines = str(caught.value).splitlines()
    assert lines[1].startswith(f"  X[1] ({paths[1]!r}): no image format recognised")
    assert lines[21] == "  ... and 10 more"
    assert 'on_error="nan"' in lines[22]


def test_the_error_comes_whole_out_of_a_worker_process(paths):
    embedder = small_embedder().fit(paths)
    with pytest.raises(UnreadableImageError) as caught:
        joblib.Parallel(2)(joblib.delayed(embedder.transform)(x) for x in [paths] * 2)
    assert [failure.path for failure in caught.value.failures] == paths[1::2]


def test_in_their_stead_stand_rows_of_nan_and_one_warning(paths):
    embedder = small_embedder(on_error="nan").fit(paths)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rows = embedder.transform(paths)
    assert np.isnan(rows[1::2]).all()
    np.testing.assert_array_equal(rows[::2], embedder.transform(paths[::2]))
    (warning,) = caught
    assert warning.filename == __file__
    text = str(warning.message)
    assert "6 pictures" in text
    assert f"X[1] ({paths[1]!r}): no image format" in text
    assert text.endswith("and 3 more.")


def test_a_classifier_says_what_rows_of_nan_are(paths):
    labels = ["a", "b"] * 6
    with (
        pytest.warns(UserWarning, match="row of NaN stands for 6 pictures"),
        pytest.raises(ValueError, match="row 1, 3, 5, 7, 9 and 1 more") as caught,
    ):
        small_pipeline(embedder__on_error="nan").fit(paths, labels)
    text = str(caught.value)
    assert "NaN in 6 of 12 rows" in text
    assert "ResNet50Embedder(on_error='nan') could not read" in text
    assert "leave them out of the pictures and the labels" in text


def test_rows_with_some_nan_are_not_blamed_on_pictures(features):
    X, y = features
    X = X.copy()
    X[7, 3] = np.nan
    with pytest.raises(ValueError, match="NaN in 1 of 240 rows: row 7") as caught:
        small_pipeline()["classifier"].fit(X, y)
    assert "ResNet50Embedder" not in str(caught.value)


def test_a_pipeline_fits_once_the_pictures_are_left_out(paths):
    labels = np.array(["a", "b", "b", "a"] * 3)
    model = small_pipeline()
    with pytest.raises(UnreadableImageError) as caught:
        model.fit(paths, labels)
    bad = [failure.position for failure in caught.value.failures]
    model.fit(np.delete(paths, bad), np.delete(labels, bad))
    assert set(model.predict(paths[::2])) <= {"a", "b"}


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("https://example.org/cat.jpg", "pass upath.UPath(address)"),
        ("~/cat.jpg", "os.path.expanduser"),
    ],
)
def test_what_is_no_path_of_a_file_is_told_with_a_hint(path, hint):
    with pytest.raises(UnreadableImageError, match="no such file") as caught:
        small_embedder().fit_transform([path])
    assert hint in str(caught.value)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
def test_a_verified_folder_leaves_out_what_the_embedder_would_refuse(
    tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(READING_TESTS)
    from bad_cases import ONE_COLOUR, UNREADABLE

    cases = {**ONE_COLOUR, **UNREADABLE}
    (tmp_path / "cats").mkdir()
    for index, (data, _) in enumerate(cases.values()):
        (tmp_path / "cats" / f"{index:03}.jpg").write_bytes(data)
    verified = load_image_folder(tmp_path, verify=True)
    everything = load_image_folder(tmp_path).data
    assert sorted([*verified.data, *dict(verified.unreadable)]) == list(everything)

    embedder = small_embedder().fit(everything)
    with pytest.raises(UnreadableImageError) as caught:
        embedder.transform(everything)
    refused = {failure.path: failure.cause for failure in caught.value.failures}
    assert len(refused) == len(UNREADABLE)
    assert dict(verified.unreadable).items() <= refused.items()
    # What only decoding shows, the cut files, is still there.
    assert set(refused) - set(dict(verified.unreadable)) <= set(verified.data)
    assert len(verified.unreadable) >= 10


def test_the_error_survives_a_pickle_with_its_text(paths):
    with pytest.raises(UnreadableImageError) as caught:
        small_embedder().fit_transform(paths)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.failures == caught.value.failures
    assert str(copy) == str(caught.value)


def test_a_model_for_strangers_opens_no_file_that_they_name(tmp_path):
    X = noise(8)
    model = small_pipeline(embedder__allow_paths=False).fit(X, ["a", "b"] * 4)
    secret = tmp_path / "secret.txt"
    secret.write_text("the content of a file")
    for served in ([str(secret)], [secret], [X[0], {"bytes": None, "path": "a"}]):
        for method in (model.predict, model.predict_proba, model[0].fit_transform):
            with pytest.raises(ValueError, match="paths are not allowed") as caught:
                method(served)
            assert "content" not in str(caught.value).replace(
                "content of the files", ""
            )
    content = secret.read_bytes()
    with pytest.raises(UnreadableImageError, match="no image format") as caught:
        model.predict([content])
    assert "the content of a file" not in str(caught.value)


def test_pictures_and_the_content_of_their_files_have_the_same_rows(tmp_path):
    paths = []
    for index, pixels in enumerate(noise(5)):
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
        paths.append(tmp_path / f"{index}.png")
    content = [path.read_bytes() for path in paths]
    cache = tmp_path / "cache"
    embedder = small_embedder(cache=cache).fit(paths)
    rows = embedder.transform(paths)
    np.testing.assert_array_equal(embedder.transform(content), rows)
    embedded = embedder._embed(embedder._as_pictures(content))
    assert embedded.n_cached == 5


def test_sixteen_bits_of_which_few_are_used_are_one_warning_a_call(tmp_path):
    paths = []
    for index in range(5):
        values = np.linspace(0, 1023 - index, 400).reshape(20, 20).astype(np.uint16)
        Image.fromarray(values).save(tmp_path / f"{index}.png")
        paths.append(str(tmp_path / f"{index}.png"))
    embedder = small_embedder(cache=tmp_path / "cache").fit(paths)
    for _ in range(2):  # the second time from the cache
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            embedder.transform(paths)
        (warning,) = caught
        text = str(warning.message)
        assert "5 pictures" in text
        assert f"X[0] ({paths[0]!r}): its 16-bit values do not exceed 1023" in text
        assert "multiply them by 64" in text


def test_rows_read_under_a_switch_of_pillow_stay_by_themselves(tmp_path, monkeypatch):
    whole = noise(1)[0]
    Image.fromarray(whole).save(tmp_path / "a.gif")
    data = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "a.gif").write_bytes(data[: len(data) * 9 // 10])
    path = [str(tmp_path / "a.gif")]
    embedder = small_embedder(cache=tmp_path / "cache").fit(path)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.warns(UserWarning, match=r"a\.gif.*LOAD_TRUNCATED_IMAGES"):
        assert np.isfinite(embedder.transform(path)).all()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    with pytest.raises(UnreadableImageError, match="ends early"):
        embedder.transform(path)

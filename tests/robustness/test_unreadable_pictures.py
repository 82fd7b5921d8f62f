"""What users see of pictures that cannot be read, at every public door."""

import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image
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
        ("https://example.org/cat.jpg", "download it first"),
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

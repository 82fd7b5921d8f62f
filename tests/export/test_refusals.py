"""What differs, or cannot be written, is refused, and nothing is left of it."""

import numpy as np
import pytest
from runtimes import run
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skresnet import ExportMismatchError, UnreadableImageError, export_model
from skresnet.backbone import check_precision
from skresnet.export import formats

NAMES = ("model.onnx", "model.xml", "model.keras", "model.tflite", "model")


@pytest.fixture
def lost_preprocessing(monkeypatch):
    """Let conversions lose the preprocessing, as others have."""
    for name in ("onnx_model", "whole_keras_model"):
        whole = getattr(formats, name)

        def without(settings, *args, whole=whole, **kwargs):
            from dataclasses import replace

            return whole(replace(settings, preprocessing=None), *args, **kwargs)

        monkeypatch.setattr(formats, name, without)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_lost_its_preprocessing_is_not_written(
    name, dense_model, tmp_path, lost_preprocessing
):
    with pytest.raises(ExportMismatchError, match=r"was not written.*0\.0001 is allo"):
        export_model(dense_model, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_survives_a_file_that_differs(
    dense_model, tmp_path, lost_preprocessing
):
    (tmp_path / "model.onnx").write_text("of yesterday")
    with pytest.raises(ExportMismatchError):
        export_model(dense_model, tmp_path / "model.onnx", overwrite=True)
    assert (tmp_path / "model.onnx").read_text() == "of yesterday"


def test_a_difference_can_be_allowed(dense_model, tmp_path, lost_preprocessing):
    check = export_model(dense_model, tmp_path / "model.onnx", tolerance=1)
    assert check.max_difference > 1e-4


def test_probabilities_of_other_classes_are_not_compared_by_accident(
    dense_model, tmp_path, monkeypatch
):
    chosen = formats.FORMATS[".onnx"]
    short = formats.Format(
        chosen.title,
        chosen.write,
        lambda path: lambda pixels: chosen.read(path)(pixels)[:, :1],
        chosen.runtime,
    )
    monkeypatch.setitem(formats.FORMATS, ".onnx", short)
    with pytest.raises(ExportMismatchError, match="at most inf"):
        export_model(dense_model, tmp_path / "model.onnx", tolerance=1)


def test_the_caller_says_on_which_pictures(dense_model, tmp_path, colour_folder):
    pictures = sorted(map(str, (colour_folder / "test" / "red").iterdir()))
    check = export_model(dense_model, tmp_path / "model.onnx", sample=pictures)
    assert check.n_pictures == len(pictures)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UnreadableImageError, match=r"text\.png"):
        export_model(dense_model, tmp_path / "b.onnx", sample=[tmp_path / "text.png"])
    with pytest.raises(ValueError, match="holds no picture"):
        export_model(dense_model, tmp_path / "b.onnx", sample=[])


def test_a_model_that_is_sure_of_all_pictures_is_told(fitted, tmp_path):
    model = fitted(make_pipeline(StandardScaler(), LogisticRegression()))
    model[-1][-1].coef_ *= 1e4
    with pytest.warns(UserWarning, match="sure of each of the 14 pictures"):
        export_model(model, tmp_path / "model.onnx")


def test_a_model_that_rounds_otherwise_is_told_why(fitted, tmp_path):
    try:
        check_precision("bfloat16")
    except ValueError:
        pytest.skip("this processor is slow at bfloat16")
    model = fitted(embedder__precision="bfloat16")
    with pytest.raises(ExportMismatchError, match="computes in bfloat16"):
        export_model(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_files_are_replaced_only_when_told(dense_model, tmp_path, pixels):
    for name in ("model.xml", "model"):
        path = tmp_path / name
        export_model(dense_model, path)
        with pytest.raises(FileExistsError, match="overwrite=True"):
            export_model(dense_model, path)
        export_model(dense_model, path, overwrite=True)
        np.testing.assert_allclose(
            run(path, pixels), dense_model.predict_proba(list(pixels)), atol=2e-5
        )
    assert len(list(tmp_path.iterdir())) == 3


def test_a_weights_file_of_another_model_is_not_replaced(dense_model, tmp_path):
    (tmp_path / "model.bin").touch()
    with pytest.raises(FileExistsError, match=r"model\.bin exists"):
        export_model(dense_model, tmp_path / "model.xml")


def test_a_folder_of_something_else_is_never_replaced(dense_model, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(FileExistsError, match="no SavedModel"):
        export_model(dense_model, tmp_path / "photos", overwrite=True)
    (tmp_path / "photos.onnx").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        export_model(dense_model, tmp_path / "photos.onnx", overwrite=True)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        export_model(dense_model, tmp_path / "none" / "model.onnx")


def test_an_ending_that_says_no_format_is_refused(dense_model, tmp_path):
    with pytest.raises(ValueError, match=r"ends in '\.h5'.*\.onnx.*\.keras"):
        export_model(dense_model, tmp_path / "model.h5")


def test_what_is_no_pipeline_from_pictures_is_refused(dense_model, tmp_path):
    for other in (
        dense_model[-1],
        make_pipeline(LogisticRegression()),
        dense_model[:1],
    ):
        with pytest.raises(TypeError, match="expected a Pipeline whose"):
            export_model(other, tmp_path / "model.onnx")


def test_a_missing_package_is_named(dense_model, tmp_path, monkeypatch):
    from skresnet.export import exporting

    monkeypatch.setattr(
        exporting, "find_spec", lambda name: None if name == "onnxruntime" else name
    )
    with pytest.raises(ImportError, match=r"onnxruntime.*skresnet\[export\]"):
        export_model(dense_model, tmp_path / "model.onnx")


def test_the_cache_keeps_nothing_of_the_check(fitted, colour_folder, tmp_path):
    from skresnet import EmbeddingCache

    with EmbeddingCache(tmp_path / "cache") as cache:
        model = fitted(embedder__cache=cache)
        before = cache.info().entries
        export_model(model, tmp_path / "model.onnx")
        assert cache.info().entries == before
    assert model[0].cache is cache

"""The two lines for MLflow, as the documentation has them, where it is installed."""

import re
from pathlib import Path

import numpy as np
import pytest
from colour_pipelines import colour_pipeline

from skresnet import TRUSTED_TYPES, load_image_folder

mlflow = pytest.importorskip("mlflow")

PAGE = Path(__file__).parents[2] / "docs" / "persistence.md"


@pytest.fixture
def tracking(tmp_path, monkeypatch):
    """A store of MLflow of its own."""
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    yield
    mlflow.set_tracking_uri(before)


def test_the_lines_of_the_page_log_a_model_that_mlflow_loads(colour_folder, tracking):
    data = load_image_folder(colour_folder / "train")
    model = colour_pipeline().fit(data.data, data.target)
    (lines,) = re.findall(r"^```py\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert len(lines.splitlines()) == 2
    names = {"mlflow": mlflow, "model": model, "TRUSTED_TYPES": TRUSTED_TYPES}
    exec(lines, names)
    info, loaded = names["info"], names["same"]
    assert info.flavors["sklearn"]["serialization_format"] == "skops"
    pictures = load_image_folder(colour_folder / "test").data
    np.testing.assert_array_equal(
        loaded.predict_proba(pictures), model.predict_proba(pictures)
    )
    # By the flavour that MLflow serves.
    served = mlflow.pyfunc.load_model(info.model_uri).predict(pictures)
    np.testing.assert_array_equal(served, model.predict(pictures))

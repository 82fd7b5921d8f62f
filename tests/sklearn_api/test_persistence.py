"""A fitted pipeline on disk and in another process."""

import pickle

import cloudpickle
import joblib
import numpy as np
import pytest
from small_models import small_pipeline
from surroundings import run_python

from skresnet import make_image_classifier

# Predicts with each file and says whether loading it took TensorFlow.
PREDICT = """
import pathlib, pickle, sys
import joblib, numpy as np
folder = pathlib.Path(sys.argv[1])
models = {}
for path in sorted(folder.glob("model.*")):
    if path.name.startswith("model.joblib"):
        models[path.name] = joblib.load(path)
    else:
        models[path.name] = pickle.loads(path.read_bytes())
    assert "tensorflow" not in sys.modules and "keras" not in sys.modules, path
for name, model in models.items():
    np.save(folder / f"{name}.npy", model.predict_proba(sys.argv[2:]))
print(*models)
"""


def test_predictions_survive_every_kind_of_pickle_to_the_bit(data, tmp_path):
    model = small_pipeline().fit(data.train.data, data.train.target)
    expected = model.predict_proba(data.test.data)
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    (tmp_path / "model.cloudpickle").write_bytes(cloudpickle.dumps(model))
    joblib.dump(model, tmp_path / "model.joblib")
    joblib.dump(model, tmp_path / "model.joblib.xz", compress=3)
    names = run_python(PREDICT, tmp_path, *data.test.data).splitlines()[-1].split()
    assert len(names) == 4
    for name in names:
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), expected)


@pytest.mark.parametrize("protocol", [pickle.DEFAULT_PROTOCOL, pickle.HIGHEST_PROTOCOL])
def test_a_loaded_pipeline_is_fitted_and_can_be_fitted_again(data, protocol):
    X, y = data.train.data, data.train.target
    model = small_pipeline().fit(X, y)
    loaded = pickle.loads(pickle.dumps(model, protocol))
    assert loaded["classifier"].history_ == model["classifier"].history_
    again = pickle.loads(pickle.dumps(loaded.fit(X, y), protocol))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_a_file_with_the_default_head_is_smaller_than_6_mb(data, tmp_path):
    model = make_image_classifier(
        weights=None, random_state=0, embedder__input_size=32, classifier__epochs=1
    )
    model.fit(data.test.data, data.test.target)
    assert model["classifier"].n_features_in_ == 2048
    joblib.dump(model, tmp_path / "model.joblib")
    assert (tmp_path / "model.joblib").stat().st_size < 6e6

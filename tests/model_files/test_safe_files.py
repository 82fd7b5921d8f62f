"""Models in files of skops: what goes in and comes out, and what is refused."""

import json
import os
import pickle
import zipfile

import joblib
import keras
import numpy as np
import pytest
import scipy.stats
from colour_pipelines import colour_pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from surroundings import run_python

from skresnet import (
    TRUSTED_TYPES,
    DenseSGDClassifier,
    EmbeddingCache,
    NoveltyDetector,
    UnsafeModelError,
    load_image_folder,
    load_model,
    save_model,
)

pytest.importorskip("skops")

LOADED = """
import sys
import numpy as np
from skresnet import load_model
model = load_model(sys.argv[1])
model.set_params(embedder__engine="auto")
assert not {"tensorflow", "keras"} & set(sys.modules)
np.save(sys.argv[2], model.predict_proba(sys.argv[3:]))
"""


def small(**params):
    defaults = {"hidden_layer_sizes": (16,), "epochs": 2, "random_state": 0}
    return DenseSGDClassifier(**defaults | params)


def types_in(path):
    """List the types that a file names."""
    found, waiting = set(), [json.loads(zipfile.ZipFile(path).read("schema.json"))]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "__class__" in part:
                found.add(f"{part['__module__']}.{part['__class__']}")
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return found


def rewritten(path, change):
    """Change what a file says that it holds."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(content["schema.json"])
    change(schema)
    content["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


@pytest.fixture(scope="module")
def trained(colour_folder, tmp_path_factory):
    """A Pipeline, and the file that it was written to."""
    data = load_image_folder(colour_folder / "train")
    model = colour_pipeline().fit(data.data, data.target)
    path = tmp_path_factory.mktemp("models") / "m.skops"
    save_model(model, path)
    return model, path


def test_a_pipeline_comes_back_whole_in_a_process_without_keras(
    trained, colour_folder, tmp_path
):
    model, path = trained
    pictures = load_image_folder(colour_folder / "test").data.tolist()
    expected = model.predict_proba(pictures)
    run_python(LOADED, path, tmp_path / "p.npy", *pictures)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), expected)

    loaded = load_model(path)
    assert loaded.get_params().keys() == model.get_params().keys()
    assert loaded["classifier"].history_ == model["classifier"].history_
    assert loaded["embedder"].weights_ == model["embedder"].weights_
    np.testing.assert_array_equal(loaded.novelty(pictures), model.novelty(pictures))
    assert loaded.evaluate(pictures[:2], ["blue", "blue"])["accuracy"] == 1


def test_a_file_names_no_type_of_ours_but_public_ones(trained):
    ours = {name for name in types_in(trained[1]) if name.startswith("skresnet")}
    assert ours == {
        "skresnet.DenseSGDClassifier",
        "skresnet.ImageClassifierPipeline",
        "skresnet.NoveltyDetector",
        "skresnet.ResNet50Embedder",
    }
    assert ours <= set(TRUSTED_TYPES)


def test_the_trusted_types_are_public_names_and_few():
    import skresnet

    names = [name.removeprefix("skresnet.") for name in TRUSTED_TYPES]
    assert sorted(names) == names
    assert set(names) <= set(skresnet.__all__)
    for name in names:
        kind = getattr(skresnet, name)
        # By this name pickles find it too.
        assert (kind.__module__, kind.__qualname__) == ("skresnet", name)
    assert len(names) == 5


@pytest.mark.parametrize(
    "head",
    [
        small(activation="gelu", hidden_layer_sizes=(8, 4)),
        LogisticRegression(),
        CalibratedClassifierCV(small(), cv=2),
        CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2),
        CalibratedClassifierCV(small(), method="temperature", cv=2),
        GridSearchCV(small(), {"learning_rate": np.array([0.01, 0.1])}, cv=2),
        GridSearchCV(
            LogisticRegression(),
            {"C": [0.1, 1]},
            cv=StratifiedKFold(2, shuffle=True, random_state=0),
            scoring=["accuracy", "neg_log_loss"],
            refit="accuracy",
        ),
        SVC(),
        MLPClassifier((8,), max_iter=5),
        RandomForestClassifier(5, max_depth=3),
        HistGradientBoostingClassifier(max_iter=3),
        StackingClassifier([("a", LogisticRegression()), ("b", small())], cv=2),
    ],
    ids=lambda head: type(head).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_any_head_comes_back_and_predicts_the_same(head, features, tmp_path):
    X, y = features
    head.fit(X, y)
    save_model(head, tmp_path / "m.skops")
    loaded = load_model(tmp_path / "m.skops")
    assert repr(loaded) == repr(head)
    for method in ("predict", "predict_proba"):
        if hasattr(head, method):
            expected = getattr(head, method)(X)
            np.testing.assert_array_equal(getattr(loaded, method)(X), expected)
    assert loaded.score(X, y) == head.score(X, y)
    if hasattr(head, "best_params_"):
        assert loaded.best_params_ == head.best_params_
        assert loaded.cv_results_.keys() == head.cv_results_.keys()


def test_a_loaded_classifier_goes_on_training_as_the_saved_one(features, tmp_path):
    X, y = features
    classifier = small(random_state=np.random.RandomState(3))
    classifier.partial_fit(X, y)
    save_model(classifier, tmp_path / "m.skops")
    loaded = load_model(tmp_path / "m.skops")
    for one in (classifier, loaded):
        one.partial_fit(X, y)
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    np.testing.assert_array_equal(
        loaded.model_.predict(X, verbose=0), classifier.model_.predict(X, verbose=0)
    )


def test_a_novelty_detector_with_a_projection_comes_back(tmp_path):
    rows = np.random.default_rng(0).normal(size=(40, 900))
    detector = NoveltyDetector().fit(rows)
    save_model(detector, tmp_path / "m.skops")
    loaded = load_model(tmp_path / "m.skops")
    np.testing.assert_array_equal(
        loaded.score_samples(rows + 1), detector.score_samples(rows + 1)
    )


def test_a_cache_stays_with_its_owner(trained, tmp_path):
    model, _ = trained
    cache = EmbeddingCache(tmp_path / "cache")
    model["embedder"].cache = cache
    try:
        save_model(model, tmp_path / "m.skops")
        assert model["embedder"].cache is cache
    finally:
        model["embedder"].cache = None
    rewritten(
        tmp_path / "m.skops",
        lambda schema: json.dumps(schema).index("embedder"),  # which it has
    )
    assert b"cache/" not in (tmp_path / "m.skops").read_bytes()
    assert load_model(tmp_path / "m.skops")["embedder"].cache is None


def test_a_file_cannot_choose_a_folder_for_a_cache(trained, tmp_path):
    _, path = trained
    copy = tmp_path / "m.skops"
    copy.write_bytes(path.read_bytes())

    def name_a_folder(schema):
        steps = schema["content"]["content"]["steps"]
        embedder = steps["content"][0]["content"][1]
        cache = embedder["content"]["content"]["cache"]
        assert cache["content"] == "null"
        cache["content"] = json.dumps(str(tmp_path / "elsewhere"))

    rewritten(copy, name_a_folder)
    assert load_model(copy)["embedder"].cache is None


# What a file may try: each is a state as skops writes it, of something that runs.
def calls(path):
    return {
        "__class__": "partial",
        "__module__": "functools",
        "__loader__": "PartialNode",
        "content": {
            "func": {
                "__class__": "system",
                "__module__": "os",
                "__loader__": "FunctionNode",
            },
            "args": _plain(["touch " + str(path)]),
            "kwds": _plain({}),
            "namespace": _plain(None),
        },
    }


def reduces(path):
    return {
        "__class__": "Popen",
        "__module__": "subprocess",
        "__loader__": "ConstructorFromReduceNode",
        "content": _plain([f"touch {path}", -1, None, None, None, None, None, True]),
    }


def imports(path):
    return {"__class__": "x", "__module__": "evil", "__loader__": "TypeNode"}


def _plain(value):
    return {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(value),
        "is_json": True,
    }


@pytest.mark.parametrize("trap", [calls, reduces, imports])
def test_nothing_of_a_file_that_tries_is_run_and_the_error_names_it(
    trained, tmp_path, monkeypatch, trap
):
    sprung = tmp_path / "sprung"
    (tmp_path / "evil.py").write_text(f"open({str(sprung)!r}, 'w')\nx = int")
    monkeypatch.syspath_prepend(tmp_path)
    copy = tmp_path / "m.skops"
    copy.write_bytes(trained[1].read_bytes())
    state = trap(sprung)

    def set_it(schema):
        schema["content"]["content"]["memory"] = state

    rewritten(copy, set_it)
    with pytest.raises(UnsafeModelError) as caught:
        load_model(copy)
    assert not sprung.exists()
    assert str(copy) in str(caught.value)
    named = state["content"]["func"] if trap is calls else state
    assert f"{named['__module__']}.{named['__class__']}" in str(caught.value)


class _Runs:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("dump", [pickle.dump, joblib.dump])
def test_a_pickle_by_another_name_is_not_run(tmp_path, dump):
    path = tmp_path / "m.skops"
    with path.open("wb") as file:
        dump(_Runs(tmp_path / "sprung"), file)
    with pytest.raises(ValueError, match=r"m\.skops' is not a file that save_model"):
        load_model(path)
    assert not (tmp_path / "sprung").exists()


def test_an_array_of_pickled_objects_is_not_run(trained, tmp_path):
    copy = tmp_path / "m.skops"
    trap = np.array([_Runs(tmp_path / "sprung")], dtype=object)
    with zipfile.ZipFile(trained[1]) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(copy, "w") as archive:
        for name, data in content.items():
            if name.endswith(".npy"):
                with archive.open(name, "w") as file:
                    np.save(file, trap, allow_pickle=True)
            else:
                archive.writestr(name, data)
    with pytest.raises(ValueError, match="cannot be loaded as a model"):
        load_model(copy)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("kept", [0, 100, 0.5, -1])
def test_a_damaged_file_is_an_error_that_names_it(trained, tmp_path, kept):
    content = trained[1].read_bytes()
    kept = int(kept * len(content)) if isinstance(kept, float) else kept
    (tmp_path / "cut.skops").write_bytes(content[:kept])
    with pytest.raises(ValueError, match=r"cut\.skops"):
        load_model(tmp_path / "cut.skops")


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "m.skops")


def own_score(y, predicted):
    return 1.0


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (small(callbacks=[keras.callbacks.EarlyStopping()]), "EarlyStopping"),
        (
            GridSearchCV(
                LogisticRegression(), {"C": [1]}, cv=2, scoring=make_scorer(own_score)
            ),
            "own_score",
        ),
        (
            # What these are made of runs text that it holds.
            RandomizedSearchCV(
                LogisticRegression(),
                {"C": scipy.stats.loguniform(0.1, 1)},
                n_iter=2,
                cv=2,
            ),
            "rv_continuous_frozen",
        ),
    ],
    ids=["callbacks", "a function", "a distribution"],
)
def test_what_would_not_be_loaded_is_not_saved(model, named, features, tmp_path):
    model.fit(*features)
    with pytest.raises(UnsafeModelError, match=named):
        save_model(model, tmp_path / "m.skops")
    assert list(tmp_path.iterdir()) == []


def test_layers_that_callbacks_have_changed_are_neither_saved_nor_loaded(
    features, tmp_path
):
    class Changes(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.layers[1].activation = keras.activations.tanh

    path = tmp_path / "m.skops"
    classifier = small(callbacks=[Changes()]).fit(*features).set_params(callbacks=None)
    with pytest.raises(UnsafeModelError, match="layers were changed"):
        save_model(classifier, path)

    save_model(small().fit(*features), path)

    def name_layers(schema):
        head = schema["content"]["content"]["_head"]["content"]
        head["layers"] = _plain({"name": "dense_head", "layers": []})

    rewritten(path, name_layers)
    with pytest.raises(UnsafeModelError, match="layers were changed"):
        load_model(path)


def test_another_ending_is_refused_and_says_why(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.skops"):
        save_model(LogisticRegression(), tmp_path / "m.joblib")


def test_without_skops_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skops", None)
    with pytest.raises(ImportError, match=r"skresnet\[skops\]"):
        save_model(LogisticRegression(), tmp_path / "m.skops")
    with pytest.raises(ImportError, match=r"skresnet\[skops\]"):
        load_model(tmp_path / "m.skops")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path='.*none/m\.skops': the folder"):
        save_model(LogisticRegression(), tmp_path / "none" / "m.skops")

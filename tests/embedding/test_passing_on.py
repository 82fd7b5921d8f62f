"""The cache in pipelines, clones, pickles and searches."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from counted import small_embedder
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from surroundings import run_python

from skresnet import EmbeddingCache, make_image_classifier

CLASSES = np.arange(60) % 2


def search(embedder, grid, n_jobs):
    pipeline = make_pipeline(embedder, KNeighborsClassifier())
    return GridSearchCV(pipeline, grid, cv=5, n_jobs=n_jobs, refit=False)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_grid_search_computes_each_picture_once(n_jobs, files, folder, computed):
    get_reusable_executor().shutdown(wait=True)  # new workers see the counter's file
    embedder = small_embedder(cache=folder, batch_size=8)
    grid = {"kneighborsclassifier__n_neighbors": [1, 3, 5, 7]}
    first = search(embedder, grid, n_jobs).fit(files, CLASSES)
    assert computed() == 60
    again = search(embedder, grid, n_jobs).fit(files, CLASSES)
    assert computed() == 0
    scores = "mean_test_score"
    assert np.array_equal(first.cv_results_[scores], again.cv_results_[scores])
    get_reusable_executor().shutdown(wait=True)


def test_those_who_embed_the_same_pictures_at_once_share_the_work(
    files, folder, computed
):
    # The whole network, so that one batch lasts while the other thread looks.
    slow = {"layer": "avg_pool", "batch_size": 4, "cache": folder}
    embedders = [small_embedder(**slow).fit(files) for _ in range(3)]
    embedders[0].transform(files[:1])
    with ThreadPoolExecutor(3) as pool:
        rows = list(pool.map(lambda embedder: embedder.transform(files), embedders))
    assert computed() == 60
    assert np.array_equal(rows[0], rows[1])
    assert np.array_equal(rows[0], rows[2])


def test_a_search_over_the_layer_computes_each_picture_once_a_layer(
    files, folder, computed
):
    embedder = small_embedder(cache=EmbeddingCache(folder))
    name = type(embedder).__name__.lower()
    grid = {f"{name}__layer": ["conv1_relu", "pool1_pool"]}
    search(embedder, grid, n_jobs=1).fit(files, CLASSES)
    assert computed() == 120
    assert EmbeddingCache(folder).info().entries == 120


def test_a_clone_and_a_pickle_use_the_same_folder(files, folder, computed):
    embedder = small_embedder(cache=EmbeddingCache(folder, max_bytes=10**8)).fit(files)
    first = embedder.transform(files)
    computed()
    for other in (clone(embedder).fit(files), pickle.loads(pickle.dumps(embedder))):
        assert other.cache.folder == folder
        assert other.cache.max_bytes == 10**8
        assert np.array_equal(other.transform(files), first)
    assert computed() == 0


def test_make_image_classifier_hands_its_cache_to_the_embedder(
    colour_folder, folder, computed
):
    pictures = sorted(str(path) for path in (colour_folder / "val").rglob("*.png"))
    model = make_image_classifier(
        weights=None,
        random_state=0,
        cache=folder,
        embedder__input_size=32,
        embedder__layer="pool1_pool",
        classifier__epochs=1,
    )
    model.fit(pictures, ["blue"] * 4 + ["green"] * 4 + ["red"] * 4)
    assert computed() == 12
    model.predict(pictures)
    assert computed() == 0


def test_without_anything_to_compute_tensorflow_is_not_imported(
    files, folder, tmp_path
):
    embedder = small_embedder(cache=folder).fit(files)
    (tmp_path / "embedder").write_bytes(pickle.dumps(embedder))
    np.save(tmp_path / "features.npy", embedder.transform(files))
    printed = run_python(
        "import pickle, sys; from pathlib import Path; import numpy as np\n"
        "folder, files = Path(sys.argv[1]), sys.argv[2:]\n"
        "embedder = pickle.loads((folder / 'embedder').read_bytes())\n"
        "rows = embedder.transform(files)\n"
        "assert np.array_equal(rows, np.load(folder / 'features.npy'))\n"
        "assert np.array_equal(embedder.fit_transform(files), rows)\n"
        "print(sorted({'tensorflow', 'keras', 'h5py'} & sys.modules.keys()))\n",
        tmp_path,
        *files,
    )
    assert printed == "[]"

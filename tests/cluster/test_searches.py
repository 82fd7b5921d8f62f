"""Searches whose fits run on the workers of a cluster: pictures are embedded once."""

import os
import sys

import joblib
import pytest
from counted import VARIABLE, n_through_network, small_embedder
from sklearn.model_selection import GridSearchCV

from skresnet import DenseSGDClassifier, ImageClassifierPipeline

distributed = pytest.importorskip("distributed")

GRID = {"learning_rate": [0.01, 0.03]}


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """The file in which client and workers count pictures."""
    file = tmp_path_factory.mktemp("counts") / "batches"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(file))
        yield file


@pytest.fixture(scope="module")
def client(counts):
    """Two workers, each a process."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = set(client.run(os.getpid).values())
        assert len(pids) == 2
        assert os.getpid() not in pids
        yield client


@pytest.fixture
def computed(counts):
    """Tell how many pictures went through a network since it was last asked."""
    n_through_network(counts)
    return lambda: n_through_network(counts)


@pytest.fixture(scope="module")
def pictures(colour_folder):
    paths = sorted((colour_folder / "train").glob("*/*.png"))
    return [str(path) for path in paths], [path.parent.name for path in paths]


def classifier():
    return DenseSGDClassifier(epochs=2, random_state=0)


def have_trained(client):
    return list(client.run(lambda: "skresnet.head.loop" in sys.modules).values())


def test_a_cache_that_all_workers_reach_has_each_picture_embedded_once(
    client, computed, pictures, tmp_path
):
    paths, classes = pictures
    model = ImageClassifierPipeline(
        [
            ("embedder", small_embedder(cache=tmp_path / "cache")),
            ("classifier", classifier()),
        ]
    )
    grid = {f"classifier__{name}": values for name, values in GRID.items()}
    search = GridSearchCV(model, grid, cv=3)
    with joblib.parallel_backend("dask"):
        search.fit(paths, classes)
    assert computed() == len(paths)
    assert have_trained(client) == [True, True]
    # Alone and without a cache, they are six fits and a seventh.
    alone = GridSearchCV(model.set_params(embedder__cache=None), grid, cv=3)
    alone.fit(paths, classes)
    assert computed() > 3 * len(paths)
    for name in ("mean_test_score", "params"):
        assert list(search.cv_results_[name]) == list(alone.cv_results_[name])


def test_rows_that_were_made_once_are_scattered_and_the_model_takes_pictures(
    client, computed, pictures
):
    paths, classes = pictures
    embedder = small_embedder()
    rows = embedder.fit_transform(paths)
    search = GridSearchCV(classifier(), GRID, cv=3)
    with joblib.parallel_backend("dask", scatter=[rows]):
        search.fit(rows, classes)
    assert computed() == len(paths)
    assert have_trained(client) == [True, True]
    model = ImageClassifierPipeline(
        [("embedder", embedder), ("classifier", search.best_estimator_)]
    )
    assert model.score(paths, classes) == search.score(rows, classes) > 0.5

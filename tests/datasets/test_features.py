"""Features in Parquet files, read lazily."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal

from skresnet import DenseSGDClassifier, load_features
from skresnet.head import blocks, rows

WIDTH = 8
SAID = {b"skresnet.embedder": json.dumps({"network": "resnet50"}).encode()}


def table(n_rows=20, seed=0, width=WIDTH, metadata=SAID, fixed=True, **columns):
    """Some rows; columns of text by their names."""
    X = np.random.RandomState(seed).rand(n_rows, width).astype(np.float32)
    kind = pa.list_(pa.float32(), width) if fixed else pa.list_(pa.float32())
    arrays = {name: pa.array(cells, pa.string()) for name, cells in columns.items()}
    arrays["features"] = pa.array(list(X), kind)
    return pa.table(arrays).replace_schema_metadata(metadata), X


def write(path, made, row_group_size=6):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(made[0], path, row_group_size=row_group_size)
    return made[1]


CLASSES = ["cat", "dog"] * 10


@pytest.fixture
def folder(tmp_path):
    """Two parts, one deeper, and what is none."""
    paths = [f"{number}.png" for number in range(20)]
    first = write(
        tmp_path / "a.parquet", table(path=paths, **{"class": CLASSES}, group=paths)
    )
    second = write(
        tmp_path / "b" / "0.parquet",
        table(seed=1, path=paths, **{"class": CLASSES}, group=paths),
    )
    write(tmp_path / "_bad" / "0.parquet", table(width=3))
    write(tmp_path / ".0.parquet", table(width=3))
    pq.write_table(pa.table({"path": ["x"]}), tmp_path / "unreadable.parquet")
    return tmp_path, np.concatenate([first, second])


def test_rows_come_in_the_order_of_the_files_with_what_is_known_of_each(folder):
    place, X = folder
    found = load_features(place)
    assert found.data.chunks == ((6, 6, 6, 2) * 2, (WIDTH,))
    assert found.data.dtype == np.float32
    assert_array_equal(found.data.compute(), X)
    assert_array_equal(found.target, CLASSES * 2)
    assert found.target_names == ["cat", "dog"]
    assert found.filenames[21] == "1.png"
    assert found.groups[3] == "3.png"
    assert json.loads(found.embedder) == {"network": "resnet50"}
    assert "40 rows of 8 features" in found.DESCR


def test_a_classifier_is_trained_on_them_block_by_block(tmp_path, monkeypatch):
    classes = np.repeat(["cat", "dog"], 200)
    made, X = table(400, **{"class": classes})
    X[:, 0] += 2 * (classes == "dog")
    made = made.set_column(1, "features", pa.array(list(X), pa.list_(pa.float32(), 8)))
    write(tmp_path / "f.parquet", (made, X))
    for module in (blocks, rows):
        monkeypatch.setattr(module, "BUFFER_BYTES", X.nbytes // 4)
    monkeypatch.setattr(rows, "LOADED_BYTES", X.nbytes // 8)
    found = load_features(tmp_path / "f.parquet")
    fitted = DenseSGDClassifier(epochs=5, random_state=0).fit(found.data, found.target)
    assert fitted.score(X, classes) > 0.95


def test_splits_are_kept_apart(tmp_path):
    splits = ["train"] * 9 + ["valid"] * 3 + ["train"] * 3 + ["test"] * 5
    X = write(tmp_path / "f.parquet", table(split=splits, **{"class": CLASSES}))
    found = load_features(tmp_path)
    assert list(found.train.data.chunks[0]) == [6, 3, 3]
    assert_array_equal(found.train.data.compute(), X[[*range(9), 12, 13, 14]])
    assert_array_equal(found.val.data.compute(), X[9:12])
    assert_array_equal(found.test.data.compute(), X[15:])
    assert_array_equal(found.test.target, CLASSES[15:])
    assert found.target_names == ["cat", "dog"]


def test_a_file_may_be_at_an_address(tmp_path):
    upath = pytest.importorskip("upath")
    made = table(**{"class": CLASSES})
    X = write(tmp_path / "f.parquet", made)
    memory = upath.UPath("memory://load-features/part/f.parquet")
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_bytes((tmp_path / "f.parquet").read_bytes())
    found = load_features("memory://load-features")
    assert_array_equal(found.data.compute(), X)


def test_lists_that_do_not_say_their_length_are_measured(tmp_path):
    X = write(tmp_path / "f.parquet", table(fixed=False, **{"class": CLASSES}))
    assert_array_equal(load_features(tmp_path).data.compute(), X)


def test_rows_without_classes_are_for_predicting(tmp_path):
    write(tmp_path / "f.parquet", table(**{"class": ["cat", None] * 10}))
    with pytest.raises(ValueError, match=r"10 of 20 rows in .* have no class"):
        load_features(tmp_path)
    found = load_features(tmp_path, labelled=False)
    assert found.target is None
    assert found.groups is None


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"metadata": {b"skresnet.embedder": b'{"network": "other"}'}}, "embedder"),
        ({"width": WIDTH + 1}, "number of features"),
    ],
)
def test_parts_that_do_not_belong_together_are_named(tmp_path, changed, what):
    write(tmp_path / "a.parquet", table(**{"class": CLASSES}))
    write(tmp_path / "b.parquet", table(**{"class": CLASSES}, **changed))
    with pytest.raises(ValueError, match=f"'a.parquet' and 'b.parquet' .* {what}"):
        load_features(tmp_path)


def test_a_file_that_is_written_anew_is_read_anew(tmp_path):
    file = tmp_path / "f.parquet"
    for seed in (0, 1):
        classes = [*CLASSES, *["cat"] * seed]
        X = write(file, table(20 + seed, seed, **{"class": classes}))
        assert_array_equal(load_features(file).data.compute(), X)


def test_what_holds_no_features_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="No file or folder"):
        load_features(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="No features in"):
        load_features(tmp_path)
    (tmp_path / "damaged.parquet").write_bytes(b"no table")
    with pytest.raises(ValueError, match="no Parquet file, or a damaged one"):
        load_features(tmp_path)


def test_a_split_of_another_name_is_refused(tmp_path):
    write(
        tmp_path / "f.parquet",
        table(split=["train", "spare"] * 10, **{"class": CLASSES}),
    )
    with pytest.raises(ValueError, match="has 'spare'; expected train"):
        load_features(tmp_path)

"""`skresnet embed`: features of a folder, in a file."""

import csv
import hashlib
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet
import pytest
from tiny import TINY_EMBEDDER as TINY

from skresnet import EmbeddingCache, ResNet50Embedder
from skresnet.stored_features import check_same_features, embedder_described


def features_of(paths):
    embedder = ResNet50Embedder(
        weights=None, random_state=0, input_size=32, layer="conv2_block1_out"
    )
    return embedder.fit_transform(list(paths))


@pytest.fixture(scope="module")
def parquet(run, colour_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("features") / "features.parquet"
    run("embed", colour_folder / "test", "--out", out, *TINY)
    return out


def test_parquet_has_path_class_digest_and_features(parquet, colour_folder):
    table = pd.read_parquet(parquet)
    assert list(table) == ["path", "class", "split", "group", "digest", "features"]
    assert table[["split", "group"]].isna().all(axis=None)
    content = (colour_folder / "test" / "blue" / "00.png").read_bytes()
    assert table["digest"][0] == hashlib.sha256(content).hexdigest()
    assert table["class"].tolist() == ["blue"] * 6 + ["green"] * 6 + ["red"] * 6
    assert table["path"][0] == str(colour_folder / "test" / "blue" / "00.png")
    np.testing.assert_array_equal(
        np.stack(table["features"]), features_of(table["path"])
    )


def test_polars_reads_the_features_as_a_matrix(parquet):
    features = pl.read_parquet(parquet)["features"].to_numpy()
    assert features.shape == (18, 256)
    assert features.dtype == np.float32


def test_npy_has_the_rows_and_a_list_of_pictures_beside_it(
    run, colour_folder, tmp_path, parquet
):
    out = tmp_path / "features.npy"
    run("embed", colour_folder / "test", "--out", out, *TINY)
    rows = np.load(out, mmap_mode="r")
    table = pd.read_parquet(parquet)
    np.testing.assert_array_equal(rows, np.stack(table["features"]))
    with (tmp_path / "features.paths.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert [row["path"] for row in listed] == table["path"].tolist()
    assert [row["class"] for row in listed] == table["class"].tolist()


@pytest.mark.parametrize(
    ("ending", "expected"), [("npy", "(18, 256)"), ("parquet", "features: fixed_size")]
)
def test_the_next_step_can_be_pasted(run, colour_folder, tmp_path, ending, expected):
    out = tmp_path / f"it's mine.{ending}"
    result = run("embed", colour_folder / "test", "--out", out, *TINY)
    line = result.stderr.split("Next:\n")[1]
    done = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert expected in done.stdout


def test_splits_are_embedded_with_their_classes(run, colour_folder, tmp_path):
    out = tmp_path / "features.parquet"
    run("embed", colour_folder, "--out", out, *TINY)
    table = pd.read_parquet(out)
    assert table["split"].value_counts().to_dict() == {
        **{"train": 36, "val": 12, "test": 18},
    }
    assert set(table["class"]) == {"blue", "green", "red"}


def test_groups_are_told_by_the_names_or_by_a_table(run, colour_folder, tmp_path):
    out = tmp_path / "features.parquet"
    pattern = r"(\d)\.png"
    run("embed", colour_folder / "val", "--out", out, *TINY, "--group-by", pattern)
    table = pd.read_parquet(out)
    assert table["group"].tolist() == ["0", "1", "2", "3"] * 3
    table[["path", "class", "group"]].to_csv(tmp_path / "table.csv", index=False)
    run("embed", tmp_path / "table.csv", "--out", out, *TINY, "--force")
    pd.testing.assert_frame_equal(pd.read_parquet(out), table)


def test_parquet_is_a_table_of_pictures_for_the_other_commands(
    run, parquet, colour_folder, tmp_path
):
    out = tmp_path / "again.parquet"
    run("embed", parquet, "--out", out, *TINY)  # nothing is known of its splits
    pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(parquet))
    with_splits = tmp_path / "splits.parquet"
    run("embed", colour_folder, "--out", with_splits, *TINY)
    run("embed", with_splits, "--out", out, *TINY, "--force")
    splits = pd.read_parquet(out)["split"].value_counts().to_dict()
    assert splits == {"train": 36, "val": 12, "test": 18}


def test_parquet_tells_of_its_embedder(parquet, colour_folder):
    text = pyarrow.parquet.read_schema(parquet).metadata[b"skresnet.embedder"].decode()
    embedder = embedder_described(text)
    pictures = [colour_folder / "test" / "blue" / "00.png"]
    np.testing.assert_array_equal(
        embedder.fit_transform(pictures)[0], pd.read_parquet(parquet)["features"][0]
    )
    check_same_features(text, embedder, "here")
    with pytest.raises(ValueError, match=r"layer: 'conv2_block1_out' there, 'conv2_b"):
        check_same_features(
            text, embedder.set_params(layer="conv2_block2_out").fit(pictures), "here"
        )
    other = embedder_described(text).set_params(random_state=1).fit(pictures)
    with pytest.raises(ValueError, match="weights: 'random:"):
        check_same_features(text, other, "here")


def test_pictures_outside_a_class_have_none(run, colour_folder, tmp_path):
    out = tmp_path / "features.parquet"
    run("embed", colour_folder / "test" / "red", "--out", out, *TINY)
    assert pd.read_parquet(out)["class"].isna().all()


def test_more_pictures_than_one_chunk_stay_in_order(run, colour_folder, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    sources = sorted(colour_folder.glob("train/*/*.png"))
    for index in range(300):
        (many / f"{index:03}.png").symlink_to(sources[index % 36])
    run("embed", many, "--out", tmp_path / "f.npy", *TINY)
    rows = np.load(tmp_path / "f.npy")
    np.testing.assert_array_equal(rows, np.resize(features_of(sources), rows.shape))


def test_unreadable_pictures_are_all_named_and_nothing_is_written(
    run, damaged, tmp_path
):
    out = tmp_path / "features.npy"
    (damaged / "train" / "red" / "text.png").unlink()
    result = run("embed", damaged, "--out", out, *TINY, status=1)
    assert "cut.png: the file ends early" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]


def test_unreadable_headers_are_found_before_the_work(run, damaged, tmp_path):
    cache = tmp_path / "cache"
    result = run(
        *("embed", damaged, "--out", tmp_path / "f.npy", *TINY, "--cache", cache),
        status=1,
    )
    assert "text.png" in result.stderr
    assert not cache.exists()


def test_unreadable_pictures_are_left_out_where_that_is_asked_for(
    run, damaged, tmp_path
):
    out = tmp_path / "features.parquet"
    result = run("embed", damaged, "--out", out, *TINY, "--on-error", "skip")
    assert "Left out 2 of 50 pictures" in result.stderr
    table = pd.read_parquet(out)
    assert len(table) == 48
    assert np.isfinite(np.stack(table["features"])).all()


def test_rows_that_are_in_the_cache_are_not_computed_again(
    run, colour_folder, tmp_path
):
    arguments = ["embed", colour_folder / "val", *TINY, "--cache", tmp_path / "cache"]
    run(*arguments, "--out", tmp_path / "first.npy")
    cache = EmbeddingCache(tmp_path / "cache")
    [(settings, number)] = cache.info().settings.items()
    assert number == 12
    picture = colour_folder / "val" / "blue" / "00.png"
    digest = hashlib.sha256(picture.read_bytes()).digest()
    cache.put_many(settings, {digest: np.full(256, 7, np.float32)})
    run(*arguments, "--out", tmp_path / "second.npy")
    assert (np.load(tmp_path / "second.npy")[0] == 7).all()


def test_without_a_cache_none_is_made(run, colour_folder, tmp_path, cache_home):
    before = EmbeddingCache(cache_home / "skresnet").info().entries
    out = tmp_path / "features.npy"
    run(
        *("embed", colour_folder / "val", "--out", out, "--no-cache"),
        *(*TINY, "--random-state", 5),
    )
    assert np.load(out).shape == (12, 256)
    assert EmbeddingCache(cache_home / "skresnet").info().entries == before


def test_parquet_without_pyarrow_says_what_to_install(
    run, colour_folder, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    result = run("embed", colour_folder, "--out", tmp_path / "f.parquet", status=1)
    assert 'pip install "skresnet[parquet]"' in result.stderr


def test_a_file_of_an_unknown_kind_is_wrong_usage(run, colour_folder, tmp_path):
    result = run("embed", colour_folder, "--out", tmp_path / "f.txt", status=2)
    assert ".parquet or .npy" in result.stderr


def test_files_that_exist_are_not_replaced_unless_forced(run, colour_folder, tmp_path):
    arguments = ["embed", colour_folder / "val", *TINY, "--out", tmp_path / "f.npy"]
    (tmp_path / "f.paths.csv").write_text("precious")
    assert "--force" in run(*arguments, status=1).stderr
    run(*arguments, "--force")
    assert (tmp_path / "f.npy").exists()

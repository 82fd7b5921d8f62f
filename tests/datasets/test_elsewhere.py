"""Data sets in archives and at addresses, which are asked for by what is passed."""

import pickle
import shutil
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from image_trees import draw_image, draw_tree

from skresnet import (
    ResNet50Embedder,
    load_image_folder,
    load_image_splits,
    load_image_table,
)
from skresnet.reading.files import content_of

upath = pytest.importorskip("upath")

TREE = ("train/cats/tom_1.png", "train/cats/deep/kit_1.png", "train/dogs/rex_1.png")


def packed(folder, kind, ending, top=""):
    """Pack the tree, below a folder of a name if one is given."""
    draw_tree(folder / "tree" / top, *TREE, "test/cats/mog_2.png", "test/dogs/x_1.png")
    (folder / "tree" / top / "train" / "cats" / "@eaDir").mkdir()
    draw_image(folder / "tree" / top / "train" / "cats" / "@eaDir" / "thumb.png")
    made = shutil.make_archive(str(folder / "photos"), kind, folder / "tree")
    assert made == str(folder / f"photos{ending}")
    return made


def names(paths):
    return [path.name for path in paths]


@pytest.mark.parametrize("top", ["", "photos", "a-set"])
@pytest.mark.parametrize(
    ("kind", "ending"), [("zip", ".zip"), ("tar", ".tar"), ("gztar", ".tar.gz")]
)
def test_an_archive_of_splits_is_read_as_the_folder_would_be(
    tmp_path, recwarn, kind, ending, top
):
    splits = load_image_splits(packed(tmp_path, kind, ending, top))
    assert names(splits.train.data) == ["kit_1.png", "tom_1.png", "rex_1.png"]
    assert splits.train.target.tolist() == ["cats", "cats", "dogs"]
    assert names(splits.test.data) == ["mog_2.png", "x_1.png"]
    assert names(splits.train.skipped.thumbnail) == ["@eaDir"]
    assert list(recwarn) == []


def test_pictures_in_an_archive_are_embedded_as_those_on_the_disk_are(tmp_path):
    packed(tmp_path, "zip", ".zip")
    data = load_image_splits(tmp_path / "photos.zip").train.data
    disk = load_image_folder(tmp_path / "tree" / "train").data
    embedder = ResNet50Embedder(
        weights=None, random_state=0, layer="conv1_relu", input_size=32, n_jobs=2
    )
    expected = embedder.fit_transform(disk)
    assert np.array_equal(embedder.transform(data), expected)
    assert np.array_equal(
        embedder.transform(pickle.loads(pickle.dumps(data))), expected
    )


@pytest.fixture
def restless():
    """Let threads take turns all the time."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_threads_do_not_read_each_others_part_of_an_archive(tmp_path, restless, kind):
    contents = {f"{n}.bin": bytes([n]) * (2_000 + n) for n in range(200)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in contents:
            tar.add(tmp_path / name, name)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        for name in contents:
            zipped.write(tmp_path / name, name)
    inside = upath.UPath(f"{kind}://", fo=str(tmp_path / f"a.{kind}"))
    members = list(inside.iterdir())
    assert len({id(member.fs) for member in members}) == 1  # as of any listing
    with ThreadPoolExecutor(8) as threads:
        read = list(threads.map(content_of, members))
    assert read == [contents[member.name] for member in members]


def test_a_tar_whose_names_are_whole_is_read_too(tmp_path):
    draw_tree(tmp_path / "tree", *TREE)
    with tarfile.open(tmp_path / "photos.tgz", "w:gz") as tar:
        tar.add(tmp_path / "tree" / "train", "photos")
    photos = load_image_folder(tmp_path / "photos.tgz")
    assert photos.target.tolist() == ["cats", "cats", "dogs"]


def test_groups_and_headers_of_an_archive_are_found(tmp_path):
    (tmp_path / "tree" / "train" / "dogs").mkdir(parents=True)
    (tmp_path / "tree" / "train" / "dogs" / "bad_1.png").write_bytes(b"<html>")
    archive = packed(tmp_path, "zip", ".zip")
    photos = load_image_splits(archive, groups=r"^([a-z]+)_", verify=True)
    assert photos.train.groups.tolist() == ["kit", "tom", "rex"]
    ((path, cause),) = photos.train.unreadable
    assert path.name == "bad_1.png"
    assert "web page" in cause


@pytest.fixture
def address(tmp_path):
    """A folder of a file system that is not this disk."""
    place = upath.UPath(f"memory://{tmp_path.name}/photos")
    for name in ("cats/tom/1.png", "cats/kit/2.png", "dogs/rex/3.png"):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_image(tmp_path / name)
        path.write_bytes((tmp_path / name).read_bytes())
    return place


def test_an_address_that_is_asked_for_is_listed(address):
    photos = load_image_folder(address, groups="parent", verify=True)
    assert names(photos.data) == ["2.png", "1.png", "3.png"]
    assert photos.target.tolist() == ["cats", "cats", "dogs"]
    assert photos.groups.tolist() == ["kit", "tom", "rex"]
    with pytest.raises(FileNotFoundError, match="is no folder"):
        load_image_folder(address / "gone")


def test_a_table_may_lie_at_an_address_or_name_what_lies_there(address, tmp_path):
    text = "path,label\ncats/tom/1.png,cat\ndogs/rex/3.png,dog\n"
    (address / "labels.csv").write_text(text)
    (tmp_path / "labels.csv").write_text(text)
    for data in (
        load_image_table(address / "labels.csv"),
        load_image_table(tmp_path / "labels.csv", root=address),
    ):
        assert data.data.tolist() == [
            address / "cats/tom/1.png",
            address / "dogs/rex/3.png",
        ]
        assert data.target.tolist() == ["cat", "dog"]


@pytest.mark.parametrize(
    "load", [load_image_folder, load_image_splits, load_image_table]
)
def test_a_text_that_looks_like_an_address_reads_nothing(load):
    with pytest.raises(ValueError, match=r"looks like an address.*skresnet\[remote\]"):
        load("memory://somewhere/photos")


@pytest.mark.parametrize("name", ["photos.zip", "photos.tar", "photos.tar.gz"])
def test_a_damaged_archive_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK nonsense")
    with pytest.raises(ValueError, match=rf"archive .*{name}' cannot be read"):
        load_image_folder(tmp_path / name)


def test_without_universal_pathlib_an_archive_says_what_to_install(
    tmp_path, monkeypatch
):
    archive = packed(tmp_path, "zip", ".zip")
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(ImportError, match=r'pip install "skresnet\[remote\]"'):
        load_image_folder(archive)

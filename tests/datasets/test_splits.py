import pickle
from pathlib import Path

import pytest
from image_trees import draw_tree

from skresnet.datasets import load_image_folder, load_image_splits

CIFAR = Path(__file__).parents[3] / "shared" / "data" / "cifar10"


def draw_splits(root, *splits, classes=("cats", "dogs")):
    return draw_tree(root, *(f"{s}/{c}/{s}.png" for s in splits for c in classes))


def test_each_split_is_what_load_image_folder_gives(tmp_path):
    photos = load_image_splits(draw_splits(tmp_path, "train", "val", "test"))
    for split in ("train", "val", "test"):
        alone = load_image_folder(tmp_path / split)
        assert photos[split].data.tolist() == alone.data.tolist()
        assert photos[split].target.tolist() == ["cats", "dogs"]
    assert photos.target_names == ["cats", "dogs"]


@pytest.mark.parametrize(
    "names",
    [("Train", "VAL", "Test"), ("training", "valid", "test"), ("train", "Validation")],
)
def test_other_names_for_a_split_are_recognised(tmp_path, names):
    photos = load_image_splits(draw_splits(tmp_path, *names))
    for split, name in zip(("train", "val", "test"), names, strict=False):
        assert Path(photos[split].data[0]).name == f"{name}.png"


def test_a_missing_split_is_absent_and_says_so_when_asked_for(tmp_path):
    photos = load_image_splits(draw_splits(tmp_path, "train", "test"))
    assert not hasattr(photos, "val")
    assert "val" not in photos
    with pytest.raises(AttributeError, match="no folder named val or valid or valid"):
        _ = photos.val
    assert "val: missing" in photos.DESCR
    with pytest.raises(AttributeError):
        _ = photos.no_such_thing


def test_splits_survive_a_pickle(tmp_path):
    photos = load_image_splits(draw_splits(tmp_path, "train", "test"))
    again = pickle.loads(pickle.dumps(photos))
    assert again.test.data.tolist() == photos.test.data.tolist()
    with pytest.raises(AttributeError, match="no folder named val"):
        _ = again.val


def test_verify_reaches_every_split(tmp_path):
    draw_splits(tmp_path, "train", "test")
    (tmp_path / "test" / "cats" / "bad.png").write_bytes(b"")
    photos = load_image_splits(tmp_path, verify=True)
    assert photos.test.unreadable == [
        (str(tmp_path / "test" / "cats" / "bad.png"), "the file has zero bytes")
    ]
    assert photos.train.unreadable == []


def test_folders_that_are_no_splits_are_named(tmp_path):
    photos = load_image_splits(draw_splits(tmp_path, "train", "holdout"))
    assert "not read: 'holdout'" in photos.DESCR


def test_splits_of_different_classes_are_refused_by_name(tmp_path):
    draw_splits(tmp_path, "train", "val", "test")
    draw_tree(tmp_path, "train/birds/a.png", "val/birds/a.png", "test/fish/a.png")
    with pytest.raises(
        ValueError, match="test lacks 'birds'; test adds 'fish'"
    ) as error:
        load_image_splits(tmp_path)
    assert "val lacks" not in str(error.value)


def test_a_missing_train_split_shows_what_was_found(tmp_path):
    draw_splits(tmp_path, "val", "test")
    with pytest.raises(FileNotFoundError, match="found the folders 'test', 'val'"):
        load_image_splits(tmp_path)


def test_class_folders_instead_of_splits_point_to_load_image_folder(tmp_path):
    draw_tree(tmp_path, "cats/a.png", "dogs/b.png")
    with pytest.raises(FileNotFoundError, match=r"load_image_folder.*train_test_split"):
        load_image_splits(tmp_path)


@pytest.mark.parametrize("second", ["validation", "VAL"])
def test_two_folders_for_one_split_are_refused(tmp_path, second):
    draw_splits(tmp_path, "train", "val", second)
    with pytest.raises(ValueError, match=f"the val split: .*{second}"):
        load_image_splits(tmp_path)


def test_a_missing_root(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_image_splits(tmp_path / "nowhere")


@pytest.mark.skipif(not CIFAR.is_dir(), reason="needs ../shared/data")
def test_a_real_data_set_is_read_whole():
    images = load_image_splits(CIFAR, verify=True)
    for split in ("train", "val", "test"):
        files = [path for path in (CIFAR / split).rglob("*") if path.is_file()]
        assert len(images[split].data) == len(files)
        assert set(images[split].target) == set(images.target_names)

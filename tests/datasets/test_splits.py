import pickle
import unicodedata
from pathlib import Path

import pytest
from image_trees import draw_image, draw_tree

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


def test_classes_in_two_unicode_forms_are_the_same(tmp_path):
    for split, form in {"train": "NFC", "test": "NFD"}.items():
        draw_tree(tmp_path, f"{split}/{unicodedata.normalize(form, 'Café')}/a.png")
    splits = load_image_splits(tmp_path)
    assert splits.train.target_names == splits.test.target_names == ["Café"]


@pytest.mark.parametrize(
    "other",
    [
        "Cats",
        "cats ",
        "c\N{ZERO WIDTH SPACE}ats",
        "\N{FULLWIDTH LATIN SMALL LETTER C}ats",
    ],
)
def test_classes_that_look_alike_are_named_as_the_cause(tmp_path, other):
    draw_tree(tmp_path, "train/cats/a.png", f"test/{other}/a.png")
    with pytest.raises(ValueError, match="adds") as error:
        load_image_splits(tmp_path)
    assert "is like 'cats' but for upper and lower case" in str(error.value)


@pytest.mark.parametrize("inside", ["", "test/", "unknown/"])
def test_a_test_folder_without_classes_is_left_out_and_said(tmp_path, inside):
    draw_splits(tmp_path, "train", "val")
    draw_tree(tmp_path, f"test/{inside}1.png", f"test/{inside}2.png")
    with pytest.warns(UserWarning, match=r"no 'test' split: 2 images in .*test'"):
        photos = load_image_splits(tmp_path)
    assert sorted(set(photos) & {"train", "val", "test"}) == ["train", "val"]
    with pytest.raises(AttributeError, match="predict takes them"):
        _ = photos.test


def test_a_test_folder_of_some_classes_is_not_taken_for_flat(tmp_path):
    draw_splits(tmp_path, "train")
    draw_tree(tmp_path, "test/cats/1.png")
    with pytest.raises(ValueError, match="test lacks 'dogs'"):
        load_image_splits(tmp_path)


def test_images_that_are_in_two_splits_are_counted_and_listed(tmp_path):
    draw_splits(tmp_path, "train", "val", "test")
    for split, name in {"val": "1.png", "test": "2.png"}.items():
        draw_image(tmp_path / split / "dogs" / name, "red")
    draw_image(tmp_path / "train" / "cats" / "original.png", "red")
    with pytest.warns(UserWarning, match=r"2 images of one split are, byte for byte"):
        photos = load_image_splits(tmp_path)
    original = str(tmp_path / "train" / "cats" / "original.png")
    assert photos.copies == [
        (original, str(tmp_path / "val" / "dogs" / "1.png")),
        (original, str(tmp_path / "test" / "dogs" / "2.png")),
    ]


def test_copies_within_a_split_and_files_of_equal_size_are_none_across(
    tmp_path, recwarn
):
    draw_splits(tmp_path, "train", "test")
    for name in ("1.png", "2.png"):
        draw_image(tmp_path / "train" / "cats" / name, "red")
    (tmp_path / "train" / "cats" / "a.bmp").write_bytes(b"one")
    (tmp_path / "test" / "cats" / "b.bmp").write_bytes(b"two")
    assert load_image_splits(tmp_path).copies == []
    assert list(recwarn) == []


def test_groups_of_each_split_are_found_and_torn_ones_are_named(tmp_path):
    draw_tree(tmp_path, "train/cats/tom/1.png", "train/cats/kit/1.png")
    draw_tree(tmp_path, "test/cats/tom/2.png", "test/cats/mog/1.png")
    with pytest.warns(UserWarning, match="more than one split has .* 1 group: 'tom'"):
        photos = load_image_splits(tmp_path, groups="parent")
    assert photos.train.groups.tolist() == ["kit", "tom"]
    assert photos.test.groups.tolist() == ["mog", "tom"]


def test_groups_that_are_whole_give_no_warning(tmp_path, recwarn):
    draw_tree(tmp_path, "train/cats/tom/1.png", "test/cats/mog/1.png")
    load_image_splits(tmp_path, groups="parent")
    assert list(recwarn) == []


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


def test_classes_may_be_empty_where_that_is_allowed(tmp_path):
    draw_splits(tmp_path, "train", "test")
    for folder in ("train/birds", "test/cows"):
        (tmp_path / folder).mkdir()
    with pytest.raises(ValueError, match=r"birds' holds nothing"):
        load_image_splits(tmp_path)
    photos = load_image_splits(tmp_path, allow_empty=True)
    assert photos.target_names == ["birds", "cats", "cows", "dogs"]
    assert photos.train.target_names == ["birds", "cats", "dogs"]
    assert photos.train.target.tolist() == ["cats", "dogs"]
    assert "'birds': 0" in photos.train.DESCR


def test_a_split_without_any_image_is_never_allowed(tmp_path):
    (tmp_path / "cats").mkdir()
    with pytest.raises(ValueError, match=r"cats' holds nothing"):
        load_image_folder(tmp_path, allow_empty=True)

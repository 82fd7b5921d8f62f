import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from image_trees import draw_image, draw_tree
from PIL import Image
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from skresnet.datasets import load_image_folder


def names_in(folder):
    paths = load_image_folder(folder).data
    return [str(Path(path).relative_to(folder)) for path in paths]


def test_each_image_gets_the_name_of_its_folder_as_class(tmp_path):
    draw_tree(tmp_path, "dogs/b.png", "cats/z.png", "cats/a.png")
    photos = load_image_folder(tmp_path)
    assert names_in(tmp_path) == ["cats/a.png", "cats/z.png", "dogs/b.png"]
    assert photos.target.tolist() == ["cats", "cats", "dogs"]
    assert photos.target_names == ["cats", "dogs"]
    assert photos.filenames is photos.data
    assert photos.unreadable == []


def test_paths_open_as_they_are_and_divide_as_scikit_learn_divides(tmp_path):
    draw_tree(tmp_path, *(f"{c}/{i}.png" for c in ("a", "b") for i in range(4)))
    photos = load_image_folder(tmp_path)
    assert photos.data.dtype == object
    assert all(type(path) is str for path in photos.data)
    X_train, X_test, y_train, y_test = train_test_split(
        photos.data, photos.target, stratify=photos.target, random_state=0
    )
    assert set(X_train) | set(X_test) == set(photos.data)
    assert set(y_train) == set(y_test) == {"a", "b"}
    assert _safe_indexing(photos.data, np.array([3, 0])).tolist() == [
        photos.data[3],
        photos.data[0],
    ]
    with Image.open(X_test[0]) as image:
        assert image.size == (4, 3)


def test_images_in_nested_folders_belong_to_the_class_above(tmp_path):
    draw_tree(tmp_path, "cats/2020/may/x.png", "cats/a.png")
    assert names_in(tmp_path) == ["cats/2020/may/x.png", "cats/a.png"]
    assert load_image_folder(tmp_path).target.tolist() == ["cats", "cats"]


@pytest.mark.parametrize(
    "ending",
    ["jpg", "jpeg", "jpe", "jfif", "png", "bmp", "gif", "webp", "tif", "tiff", "JPG"],
)
def test_every_format_is_found_in_upper_and_lower_case(tmp_path, ending):
    draw_image(tmp_path / "cats" / f"x.{ending}")
    photos = load_image_folder(tmp_path, verify=True)
    assert photos.data.tolist() == [str(tmp_path / "cats" / f"x.{ending}")]


def test_what_is_no_image_is_left_out_and_counted(tmp_path):
    draw_tree(tmp_path, "cats/a.png", "cats/.a.png", ".thumbs/b.png", "loose.jpg")
    (tmp_path / "cats" / "notes.txt").write_text("tabby")
    (tmp_path / "cats" / "raw.heic").write_bytes(b"")
    (tmp_path / "labels.csv").write_text("")
    photos = load_image_folder(tmp_path)
    assert names_in(tmp_path) == ["cats/a.png"]
    left_out = {cause: len(paths) for cause, paths in photos.skipped.items() if paths}
    assert left_out == {"hidden": 2, "not_image": 3, "outside_class": 1}
    assert str(tmp_path / "cats" / "raw.heic") in photos.skipped.not_image
    assert "3 files that are no images (.csv 1, .heic 1, .txt 1)" in photos.DESCR
    assert "1 image outside a class" in photos.DESCR


def test_a_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    draw_tree(tmp_path, "photos/cats/a.png")
    expected = [str(tmp_path / "photos" / "cats" / "a.png")]
    assert load_image_folder("~/photos").data.tolist() == expected
    assert load_image_folder(Path("~/photos")).data.tolist() == expected


def test_a_relative_root_gives_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(draw_tree(tmp_path, "photos/cats/a.png"))
    assert load_image_folder("photos").data.tolist() == ["photos/cats/a.png"]


@pytest.mark.parametrize(
    "name", ["two words", "line\nbreak", "quo'te\"s", "😀", "café", b"caf\xe9"]
)
def test_any_name_that_the_file_system_takes_works(tmp_path, name):
    name = os.fsdecode(name)
    path = tmp_path / name / f"{name}.png"
    path.parent.mkdir()
    draw_image(path)
    photos = load_image_folder(tmp_path, verify=True)
    assert photos.data.tolist() == [str(path)]
    assert photos.target.tolist() == photos.target_names == [name]
    assert pickle.loads(pickle.dumps(photos)).target_names == [name]
    assert photos.DESCR.encode()


class TestLinks:
    def test_to_class_folders_and_images_are_followed(self, tmp_path):
        draw_tree(tmp_path, "elsewhere/a.png", "one.png", "photos/dogs/b.png")
        (tmp_path / "photos" / "cats").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "photos" / "dogs" / "c.png").symlink_to(tmp_path / "one.png")
        assert names_in(tmp_path / "photos") == [
            "cats/a.png",
            "dogs/b.png",
            "dogs/c.png",
        ]

    @pytest.mark.parametrize("target", ["cats", ".", "..", "cats/deep"])
    def test_in_a_circle_end(self, tmp_path, target):
        photos = draw_tree(tmp_path / "photos", "cats/deep/a.png", "dogs/b.png")
        link = photos / "cats" / "deep" / "round"
        link.symlink_to(photos / target)
        assert names_in(photos) == ["cats/deep/a.png", "dogs/b.png"]
        assert load_image_folder(photos).skipped.repeated_folder == [str(link)]

    @pytest.mark.parametrize("target", [".", ".."])
    def test_to_a_folder_above_are_no_class(self, tmp_path, target):
        photos = draw_tree(tmp_path / "photos", "cats/a.png")
        (photos / "all").symlink_to(photos / target)
        assert load_image_folder(photos).target_names == ["cats"]

    def test_to_each_other_list_an_image_once_in_a_class(self, tmp_path):
        draw_tree(tmp_path, "cats/one/a.png", "cats/two/b.png")
        (tmp_path / "cats" / "one" / "x").symlink_to(tmp_path / "cats" / "two")
        (tmp_path / "cats" / "two" / "x").symlink_to(tmp_path / "cats" / "one")
        names = [Path(path).name for path in names_in(tmp_path)]
        assert sorted(names) == ["a.png", "b.png"]

    def test_that_lead_nowhere_are_set_aside(self, tmp_path):
        draw_tree(tmp_path, "cats/a.png")
        (tmp_path / "cats" / "gone.png").symlink_to(tmp_path / "nowhere.png")
        (tmp_path / "cats" / "self.png").symlink_to("self.png")
        (tmp_path / "dogs").symlink_to(tmp_path / "no-dogs")
        photos = load_image_folder(tmp_path)
        assert names_in(tmp_path) == ["cats/a.png"]
        assert photos.skipped.broken_link == [
            str(tmp_path / "cats" / "gone.png"),
            str(tmp_path / "cats" / "self.png"),
            str(tmp_path / "dogs"),
        ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_are_left_out_and_never_opened(tmp_path):
    draw_tree(tmp_path, "cats/a.png")
    os.mkfifo(tmp_path / "cats" / "pipe.png")
    (tmp_path / "cats" / "link.png").symlink_to(tmp_path / "cats" / "pipe.png")
    # Opening a pipe that nobody writes to would wait for ever.
    photos = load_image_folder(tmp_path, verify=True)
    assert names_in(tmp_path) == ["cats/a.png"]
    assert len(photos.skipped.special_file) == 2


def test_the_two_picture_jpegs_of_phones_are_read(tmp_path):
    (tmp_path / "cats").mkdir()
    both = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    both[0].save(
        tmp_path / "cats" / "a.jpg", "MPO", save_all=True, append_images=both[1:]
    )
    assert len(load_image_folder(tmp_path, verify=True).data) == 1


class TestVerify:
    def test_takes_out_what_has_no_readable_header(self, tmp_path):
        draw_tree(tmp_path, "cats/a.png")
        (tmp_path / "cats" / "empty.jpg").write_bytes(b"")
        (tmp_path / "cats" / "page.jpg").write_text("<html>404</html>")
        (tmp_path / "cats" / "vector.png").write_text("%!PS-Adobe-3.0 EPSF-3.0")
        (tmp_path / "cats" / "cut.png").write_bytes(
            (tmp_path / "cats" / "a.png").read_bytes()[:20]
        )
        photos = load_image_folder(tmp_path, verify=True)
        assert photos.data.tolist() == [str(tmp_path / "cats" / "a.png")]
        assert photos.target.tolist() == ["cats"]
        causes = {Path(path).name: cause for path, cause in photos.unreadable}
        assert set(causes) == {"empty.jpg", "page.jpg", "vector.png", "cut.png"}
        assert causes["empty.jpg"] == "the file has zero bytes"
        assert "read are JPEG, PNG" in causes["page.jpg"]
        assert "empty.jpg': the file has zero bytes" in photos.DESCR

    def test_is_off_by_default_and_then_opens_nothing(self, tmp_path):
        draw_tree(tmp_path, "cats/a.png")
        (tmp_path / "cats" / "empty.jpg").write_bytes(b"")
        assert len(names_in(tmp_path)) == 2

    def test_names_a_class_of_which_nothing_is_left(self, tmp_path):
        draw_tree(tmp_path, "cats/a.png")
        (tmp_path / "dogs").mkdir()
        (tmp_path / "dogs" / "b.png").write_bytes(b"")
        with pytest.raises(
            ValueError, match=r"dogs.*1 image that cannot be read.*zero bytes"
        ):
            load_image_folder(tmp_path, verify=True)


class TestErrors:
    def test_a_missing_root_shows_what_does_exist(self, tmp_path):
        draw_tree(tmp_path, "photo/cats/a.png")
        with pytest.raises(FileNotFoundError) as caught:
            load_image_folder(tmp_path / "photos" / "mine")
        message = str(caught.value)
        assert repr(str(tmp_path / "photos" / "mine")) in message
        assert f"{str(tmp_path)!r}, with these folders: 'photo'" in message
        assert "├── cats/" in message

    def test_a_file_as_root(self, tmp_path):
        path = draw_image(tmp_path / "a.png")
        with pytest.raises(NotADirectoryError, match=r"a\.png' is a file"):
            load_image_folder(path)

    @pytest.mark.parametrize("root", [None, 3, ["photos"]])
    def test_a_root_that_is_no_path(self, root):
        with pytest.raises(TypeError, match=f"root must be.*{type(root).__name__}"):
            load_image_folder(root)

    def test_loose_images_instead_of_class_folders(self, tmp_path):
        draw_tree(tmp_path, "a.png", "b.png")
        with pytest.raises(
            ValueError, match=r"2 images directly in it \('a.png', 'b.pn"
        ):
            load_image_folder(tmp_path)

    def test_a_root_with_nothing_in_it(self, tmp_path):
        with pytest.raises(ValueError, match=r"No class folders in .*; found nothing"):
            load_image_folder(tmp_path)

    @pytest.mark.parametrize("names", [("train",), ("Train", "VAL", "extra")])
    def test_splits_instead_of_classes(self, tmp_path, names):
        draw_tree(tmp_path, *(f"{name}/cats/a.png" for name in names))
        with pytest.raises(ValueError, match="Use load_image_splits"):
            load_image_folder(tmp_path)

    def test_a_class_of_trains_is_no_split(self, tmp_path):
        draw_tree(tmp_path, "bus/a.png", "train/a.png")
        assert load_image_folder(tmp_path).target_names == ["bus", "train"]

    def test_empty_class_folders_are_named_with_what_is_in_them(self, tmp_path):
        draw_tree(tmp_path, "cats/a.png")
        (tmp_path / "birds").mkdir()
        (tmp_path / "dogs").mkdir()
        (tmp_path / "dogs" / "raw.heic").write_bytes(b"")
        with pytest.raises(ValueError, match="at least one image") as caught:
            load_image_folder(tmp_path)
        message = str(caught.value)
        assert "birds' holds nothing" in message
        assert "dogs' holds 1 file that is no image ('raw.heic')" in message

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all"
    )
    @pytest.mark.parametrize("locked", [".", "cats", "cats/deep"])
    def test_a_folder_that_may_not_be_read(self, tmp_path, locked):
        folder = draw_tree(tmp_path / "photos", "cats/deep/a.png") / locked
        folder.chmod(0)
        try:
            with pytest.raises(PermissionError, match=r"cannot be read.*chmod u\+rx"):
                load_image_folder(tmp_path / "photos")
        finally:
            folder.chmod(0o700)


def test_loading_needs_neither_tensorflow_nor_matplotlib():
    code = (
        "import sys, skresnet.datasets;"
        "print([m for m in ('tensorflow', 'keras', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

import os
import pickle
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from image_trees import draw_image, draw_tree
from PIL import Image
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from skresnet.datasets import load_image_folder, load_image_splits


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
    (tmp_path / "cats" / "raw.cr2").write_bytes(b"")
    (tmp_path / "labels.csv").write_text("")
    photos = load_image_folder(tmp_path)
    assert names_in(tmp_path) == ["cats/a.png"]
    left_out = {cause: len(paths) for cause, paths in photos.skipped.items() if paths}
    assert left_out == {"hidden": 2, "not_image": 3, "outside_class": 1}
    assert str(tmp_path / "cats" / "raw.cr2") in photos.skipped.not_image
    assert "3 files that are no images (.cr2 1, .csv 1, .txt 1)" in photos.DESCR
    assert "1 image outside a class" in photos.DESCR


@pytest.mark.parametrize(
    "name",
    [
        *(
            "cats/@eaDir/a.png/SYNOFILE_THUMB_M.jpg",
            "@eaDir/b.png",
            "cats/SYNOFILE_THUMB_M.png",
        ),
        *("__MACOSX/cats/a.png", "cats/#recycle/old.png", "cats/Thumbs.db/a.png"),
        *("cats/@__thumb/a.png", "$RECYCLE.BIN/a.png"),
    ],
)
def test_thumbnails_of_network_drives_and_their_kind_are_left_out(tmp_path, name):
    draw_tree(tmp_path, "cats/a.png", "dogs/b.png", name)
    photos = load_image_folder(tmp_path)
    assert names_in(tmp_path) == ["cats/a.png", "dogs/b.png"]
    assert len(photos.skipped.thumbnail) == 1
    assert "1 thumbnail or other file of the system" in photos.DESCR


def test_thumbs_db_is_told_apart_from_other_files(tmp_path):
    draw_tree(tmp_path, "cats/a.png")
    (tmp_path / "cats" / "Thumbs.db").write_bytes(b"")
    photos = load_image_folder(tmp_path)
    assert photos.skipped.thumbnail == [str(tmp_path / "cats" / "Thumbs.db")]
    assert photos.skipped.not_image == []


class TestWrappedFolders:
    @pytest.mark.parametrize("wrapper", ["photos", "photos/photos", "photos/images"])
    def test_are_stepped_into_and_this_is_said(self, tmp_path, wrapper):
        draw_tree(tmp_path / "photos" / wrapper, "cats/a.png", "dogs/b.png")
        with pytest.warns(UserWarning, match="holds a single folder") as caught:
            photos = load_image_folder(tmp_path / "photos")
        inner = str(tmp_path / "photos" / wrapper)
        assert repr(inner) in str(caught[0].message)
        assert photos.target_names == ["cats", "dogs"]
        assert photos.data[0] == str(Path(inner, "cats", "a.png"))
        assert inner in photos.DESCR

    def test_beside_what_unpacking_on_a_mac_leaves(self, tmp_path):
        draw_tree(tmp_path / "photos", "photos/cats/a.png", "photos/dogs/b.png")
        draw_tree(tmp_path / "photos", "__MACOSX/photos/cats/a.png")
        with pytest.warns(UserWarning, match="holds a single folder"):
            photos = load_image_folder(tmp_path / "photos")
        assert photos.target.tolist() == ["cats", "dogs"]

    def test_with_splits_in_them_are_splits(self, tmp_path):
        draw_tree(tmp_path, "kaggle/train/cats/a.png", "kaggle/test/cats/a.png")
        with pytest.warns(UserWarning, match="single folder"):
            splits = load_image_splits(tmp_path)
        assert splits.test.target.tolist() == ["cats"]
        with (
            pytest.warns(UserWarning, match="single folder"),
            pytest.raises(ValueError, match="Use load_image_splits"),
        ):
            load_image_folder(tmp_path)

    def test_that_may_be_a_class_are_one_with_a_warning(self, tmp_path):
        draw_tree(tmp_path, "flowers/daisy/a.png", "flowers/tulip/b.png")
        with pytest.warns(UserWarning, match="'daisy', 'tulip'.*name it as root"):
            assert load_image_folder(tmp_path).target_names == ["flowers"]

    def test_with_one_class_of_their_name_and_images_are_that_class(
        self, tmp_path, recwarn
    ):
        draw_tree(tmp_path / "photos", "photos/a.png")
        assert load_image_folder(tmp_path / "photos").target_names == ["photos"]
        assert list(recwarn) == []


def test_names_that_differ_only_in_unicode_form_are_one_class(tmp_path):
    composed, taken_apart = (
        unicodedata.normalize(form, "Café") for form in ("NFC", "NFD")
    )
    draw_tree(tmp_path, f"{composed}/a.png", f"{taken_apart}/b.png", "Bar/c.png")
    photos = load_image_folder(tmp_path)
    assert photos.target.tolist() == ["Bar", composed, composed]
    assert "are one class" in photos.DESCR
    folders = {Path(path).parent.name for path in photos.data}
    assert folders == {"Bar", composed, taken_apart}


class TestGroups:
    def test_there_are_none_unless_asked_for(self, tmp_path):
        assert load_image_folder(draw_tree(tmp_path, "cats/a.png")).groups is None

    def test_by_parent_are_the_folders_below_the_class(self, tmp_path):
        draw_tree(tmp_path, "cats/tom/a.png", "cats/kit/deep/b.png", "dogs/rex/c.png")
        photos = load_image_folder(tmp_path, groups="parent")
        assert photos.groups.tolist() == ["deep", "tom", "rex"]
        assert "In 3 groups." in photos.DESCR

    def test_by_parent_of_images_directly_in_their_class_are_refused(self, tmp_path):
        draw_tree(tmp_path, "cats/tom/a.png", "cats/loose.png")
        with pytest.raises(ValueError, match=r"groups='parent': 1 of 2.*loose.png"):
            load_image_folder(tmp_path, groups="parent")

    @pytest.mark.parametrize("pattern", [r"^(\w+)_\d+", re.compile(r"([a-z]+)_")])
    def test_by_a_pattern_are_what_its_parentheses_match(self, tmp_path, pattern):
        draw_tree(tmp_path, "cats_x/tom_1.png", "cats_x/tom_2.png", "dogs/rex_1.png")
        photos = load_image_folder(tmp_path, groups=pattern)
        assert photos.groups.tolist() == ["tom", "tom", "rex"]

    def test_by_a_pattern_that_a_name_does_not_match_are_refused(self, tmp_path):
        draw_tree(tmp_path, "cats/tom_1.png", "cats/other.png")
        with pytest.raises(ValueError, match=r"1 of 2 images.*no group.*other.png"):
            load_image_folder(tmp_path, groups=r"(\w+)_")

    @pytest.mark.parametrize(
        ("wrong", "error", "message"),
        [
            (r"\w+_", ValueError, "0 parts in parentheses"),
            (r"(a)(b)", ValueError, "2 parts in parentheses"),
            ("(", ValueError, "is no regular expression"),
            (7, TypeError, "groups: .* found int"),
            ("gone.csv", FileNotFoundError, "gone.csv"),
        ],
    )
    def test_of_no_meaning_are_refused_before_a_folder_is_read(
        self, tmp_path, wrong, error, message
    ):
        with pytest.raises(error, match=message):
            load_image_folder(tmp_path / "nowhere", groups=wrong)

    @pytest.mark.parametrize("as_path", [str, Path])
    def test_by_a_table_are_found_by_path_or_by_name(self, tmp_path, as_path):
        draw_tree(tmp_path, "cats/a.png", "cats/b.png", "dogs/b.png")
        table = tmp_path / "subjects.csv"
        table.write_text("file,subject\ncats/a.png,tom\ncats/b.png,tom\nb.png,rex\n")
        photos = load_image_folder(tmp_path, groups=as_path(table))
        assert photos.groups.tolist() == ["tom", "tom", "rex"]

    def test_by_a_table_without_an_image_are_refused(self, tmp_path):
        draw_tree(tmp_path, "cats/a.png", "cats/b.png")
        (tmp_path / "subjects.csv").write_text("file,subject\ncats/a.png,tom\n")
        with pytest.raises(ValueError, match=r"1 of 2.*rows of .*subjects.csv.*b.png"):
            load_image_folder(tmp_path, groups=tmp_path / "subjects.csv")

    def test_by_a_mapping_are_looked_up(self, tmp_path):
        draw_tree(tmp_path, "cats/a.png", "dogs/b.png")
        groups = {tmp_path / "cats" / "a.png": 1, "b.png": 2}
        assert load_image_folder(tmp_path, groups=groups).groups.tolist() == ["1", "2"]


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
        assert causes["page.jpg"] == "not supported: it is a web page"
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

    @pytest.mark.parametrize("root", ["", b""])
    def test_an_empty_root_is_not_the_folder_that_the_program_runs_in(
        self, tmp_path, monkeypatch, root
    ):
        monkeypatch.chdir(draw_tree(tmp_path, "cats/a.png"))
        with pytest.raises(ValueError, match="root is empty"):
            load_image_folder(root)

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
        (tmp_path / "dogs" / "raw.cr2").write_bytes(b"")
        with pytest.raises(ValueError, match="at least one image") as caught:
            load_image_folder(tmp_path)
        message = str(caught.value)
        assert "birds' holds nothing" in message
        assert "dogs' holds 1 file that is no image ('raw.cr2')" in message

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
